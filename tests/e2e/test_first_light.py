"""What a person does first: start it, type a question, read a real answer. A real X server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.display import screen
from tests.helpers.gguf_files import tiny_file

ROOT = Path(__file__).parents[2]
PATIENCE = 50.0
FIND = ("search", "--onlyvisible", "--name", "Lamplight")

pytestmark = pytest.mark.skipif(
    shutil.which("Xvfb") is None or shutil.which("xdotool") is None,
    reason="needs Xvfb and xdotool (Debian: apt-get install xvfb xdotool)",
)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with screen() as environment:
        yield environment


@contextlib.contextmanager
def started(environment: dict[str, str], profile: Path, *files: Path) -> Iterator[subprocess.Popen]:
    """The application, started as README says; ends with the block, and well."""
    process = subprocess.Popen(
        [sys.executable, "dev.py", "run", "--profile", profile, *files], cwd=ROOT, env=environment
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def xdotool(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        ["xdotool", *words], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def answers(profile: Path) -> list[tuple[str, int]]:
    """Status and length of each answer that is on disk."""
    database = profile / "conversations.db"
    if not database.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'message'").fetchone():
            return []  # It is being made.
        return db.execute(
            "SELECT status, (SELECT coalesce(sum(length(text)), 0) FROM part "
            "WHERE message_id = message.id) FROM message WHERE role = 'assistant'"
        ).fetchall()


def test_the_first_question_gets_an_answer(display: dict[str, str], tmp_path: Path):
    with started(display, tmp_path):
        until(lambda: xdotool(display, *FIND))
        # There is no window manager that would give it the focus.
        xdotool(display, *FIND, "windowfocus", "--sync")
        xdotool(display, "type", "--delay", "20", "Say hello.")
        xdotool(display, "key", "Return")
        until(lambda: any(length > 0 for _, length in answers(tmp_path)))
        xdotool(display, "key", "Escape")
        until(lambda: answers(tmp_path)[0][0] in ("done", "stopped"))
    # The log is made with its first line; there is nothing to say where all goes well.
    log = tmp_path / "logs" / "lamplight.log"
    assert not log.exists() or "ERROR" not in log.read_text()
    listed = subprocess.run(
        [sys.executable, "-m", "app", "--profile", tmp_path, "conversations", "list", "--json"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert json.loads(listed.stdout)


def test_a_second_start_hands_its_file_to_the_first(display: dict[str, str], tmp_path: Path):
    model = tiny_file(tmp_path / "handed-over.gguf")
    with started(display, tmp_path):
        until(lambda: (tmp_path / "window.json").exists())
        second = subprocess.run(
            [sys.executable, "-m", "app", "--profile", tmp_path, model],
            cwd=ROOT,
            env={**os.environ, **display},
            timeout=PATIENCE,
            check=False,
        )
        assert second.returncode == 0
        settings = tmp_path / "settings.toml"
        until(lambda: settings.exists() and "handed-over.gguf" in settings.read_text())
