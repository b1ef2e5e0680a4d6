"""The command line as a person or a script uses it: real processes, the real starter model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.cli.commands import DONE, FAILED, INTERRUPTED
from app.config.paths import profile_paths
from app.domain.conversation import ChatParams, MessageStatus
from app.domain.generation import Role
from app.store.sqlite_store import SqliteStore
from tests.helpers.gguf_files import starter_file

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "app"]
PATIENCE = 50
"""Seconds; a start takes one on an idle machine."""
STARTER = ("chat", "--model", "starter")
LONG = "Write a very long story about the sea, with many chapters."

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")


def environment() -> dict[str, str]:
    """As a person's: with buffers, which hide what is not flushed and fail where nobody reads."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def lamplight(
    *words: str, stdin: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *words],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        cwd=ROOT,
        env={**environment(), **(env or {})},
        check=False,
    )


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is still running, in a process group of its own."""
    process = subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def events(out: str) -> list[dict[str, Any]]:
    """One JSON object a line."""
    return [json.loads(line) for line in out.splitlines()]


# ---------------------------------------------------------------------------------------- chat


def test_an_answer_on_the_output() -> None:
    done = lamplight(*STARTER, "--temperature", "0", "--max-tokens", "12", "Who are you?")
    assert done.returncode == DONE, done.stderr
    assert len(done.stdout.split()) > 3
    assert done.stdout.endswith("\n")
    assert done.stderr == ""


def test_json_events_in_order() -> None:
    done = lamplight(*STARTER, "--seed", "5", "--max-tokens", "8", "--json", "Say hello.")
    assert done.returncode == DONE, done.stderr
    found = events(done.stdout)
    kinds = [event["type"] for event in found]
    assert kinds == sorted(kinds, key=["prompt_progress", "delta", "finished"].index)
    assert kinds.count("finished") == 1
    assert found[0]["total"] > 10
    text = "".join(event["text"] for event in found if event["type"] == "delta")
    assert text
    assert found[-1]["reason"] in ("length", "stop")
    stats = found[-1]["stats"]
    assert stats["seed"] == 5
    assert 0 < stats["answer_tokens"] <= 8
    assert stats["prompt_tokens"] == found[0]["total"]
    assert done.stderr == ""


def test_the_same_seed_repeats_the_answer() -> None:
    words = (*STARTER, "--seed", "11", "--temperature", "1.5", "--max-tokens", "10", "Go on.")
    assert lamplight(*words).stdout == lamplight(*words).stdout != ""


def test_a_path_and_a_system_prompt_and_a_prompt_from_a_pipe() -> None:
    done = lamplight(
        "chat", "--model", str(starter_file()), "--system", "Answer in French.",
        "--max-tokens", "3", "--json", stdin="Bonjour\n",
    )  # fmt: skip
    assert done.returncode == DONE, done.stderr
    assert events(done.stdout)[-1]["type"] == "finished"


@posix_only
def test_the_answer_streams() -> None:
    with running(*STARTER, "--json", LONG) as process:
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 65_536)
        assert json.loads(first.splitlines()[0])["type"] == "prompt_progress"
        # Events come one by one, not when a buffer of 8 KiB is full.
        assert len(first) < 6_000
        while b'"delta"' not in os.read(process.stdout.fileno(), 65_536):
            pass
        assert process.poll() is None, "text came while the answer was still being made"


def test_nothing_of_a_chat_is_kept(profile: Path) -> None:
    secret = "Zanzibarbarian"
    assert lamplight(*STARTER, "--max-tokens", "2", secret).returncode == DONE
    kept = [path for path in profile.rglob("*") if path.is_file()]
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
    assert lamplight("conversations", "list").stdout == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_is_no_model(as_json: bool, tmp_path: Path) -> None:
    path = tmp_path / "diary.gguf"
    path.write_text("Dear diary")
    done = lamplight("chat", "--model", str(path), *(["--json"] if as_json else []), "Hi")
    assert done.returncode == FAILED
    if as_json:
        (event,) = events(done.stdout)
        assert event["type"] == "failed"
        assert event["error"]["kind"] == "model_file.not_gguf"
        assert done.stderr == ""
    else:
        assert done.stdout == ""
        assert "“diary.gguf” is not a GGUF model file." in done.stderr
        assert "Choose a model" in done.stderr


@pytest.mark.parametrize(
    "words", [["chatt"], ["chat", "--seed", "x", "hi"], ["conversations"], ["--nonsense"]]
)
def test_wrong_usage(words: list[str]) -> None:
    done = lamplight(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error:" in done.stderr


def test_version() -> None:
    done = lamplight("--version")
    assert done.returncode == DONE
    assert done.stdout.startswith("Lamplight ")


# --------------------------------------------------------------------------------- interrupted


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Press Ctrl+C, which reaches the whole process group; status and outputs."""
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@posix_only
def test_ctrl_c_stops_the_answer_and_leaves_no_process() -> None:
    with running(*STARTER, "--json", LONG) as process:
        assert process.stdout is not None
        while '"delta"' not in process.stdout.readline():
            pass
        helpers = psutil.Process(process.pid).children(recursive=True)
        status, out, err = interrupted(process)
        assert status == INTERRUPTED
        assert err == ""
        assert events(out)[-1]["reason"] == "cancelled"
        assert helpers, "the engine host"
        _, alive = psutil.wait_procs(helpers, timeout=5)
        assert alive == []


@posix_only
def test_ctrl_c_at_any_moment_of_the_start() -> None:
    """From the first import to the load: always 130, never a traceback.

    On a busy machine the first signal comes before Python can hear it, and ends the process.
    """
    for tenth in range(0, 12, 2):
        with running(*STARTER, LONG) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.15 + tenth / 10)
            status, _, err = interrupted(process)
        assert status == INTERRUPTED or (status == -signal.SIGINT and tenth == 0)
        assert "Traceback" not in err


@posix_only
def test_a_reader_that_has_seen_enough() -> None:
    with running(*STARTER, LONG) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == FAILED


# ------------------------------------------------------------------------------- conversations


@pytest.fixture
def seeded(profile: Path) -> int:
    """A profile with one conversation; its number."""

    async def seed() -> int:
        paths = profile_paths(str(profile), {})
        paths.database.parent.mkdir(parents=True, exist_ok=True)
        store = SqliteStore(paths.database)
        await store.open()
        made = await store.create_conversation(ChatParams(), None, 1_700_000_000_000)
        await store.add_message(
            made.id,
            None,
            Role.USER,
            "Où dorment les baleines?",
            MessageStatus.DONE,
            1_700_000_000_000,
        )
        await store.rename(made.id, "Sleeping whales", automatic=False)
        await store.close()
        return made.id

    return asyncio.run(seed())


def test_conversations_of_the_profile(seeded: int) -> None:
    assert "Sleeping whales" in lamplight("conversations", "list").stdout
    assert "Où dorment les baleines?" in lamplight("conversations", "show", str(seeded)).stdout
    (hit,) = json.loads(lamplight("conversations", "search", "baleines", "--json").stdout)
    assert hit["conversation_id"] == seeded


def test_text_is_utf8_whatever_the_locale(seeded: int) -> None:
    env = {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = lamplight("conversations", "show", str(seeded), env=env)
    assert done.returncode == DONE
    assert "Où dorment les baleines?" in done.stdout


def test_a_conversation_that_is_not_there() -> None:
    done = lamplight("conversations", "show", "404")
    assert done.returncode == FAILED
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_the_option_goes_before_the_environment(seeded: int, tmp_path: Path) -> None:
    done = lamplight("--profile", str(tmp_path / "other"), "conversations", "list")
    assert (done.returncode, done.stdout) == (DONE, "")


# -------------------------------------------------------------------------------------- doctor


def test_the_doctors_report(profile: Path) -> None:
    done = lamplight("doctor", "--json")
    assert done.returncode == DONE, done.stdout
    report = json.loads(done.stdout)
    assert report["sound"] is True
    assert set(report["sections"]) == {
        "Versions", "Paths", "Engine", "Read conversations", "Database", "Settings", "Secrets",
    }  # fmt: skip
    assert report["sections"]["Engine"]["llama.cpp"]
    assert str(profile) in report["sections"]["Paths"].values()
    assert report["sections"]["Database"]["Integrity"] == "ok"
