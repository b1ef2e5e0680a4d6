"""Making a model smaller on the command line: real processes, the real quantiser."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.commands import DONE, INTERRUPTED
from tests.helpers.gguf_files import starter_file

ROOT = Path(__file__).parents[2]
PATIENCE = 50


def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=ROOT,
    )


def lamplight(*words: str) -> tuple[int, str, str]:
    process = command(*words)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_made_smaller_offered_and_answering(profile: Path, tmp_path: Path):
    status, out, err = lamplight(
        "quantize", str(starter_file()), str(tmp_path), "Q2_K", "--requantize", "--json"
    )
    assert (status, err) == (DONE, "")
    events = [json.loads(line) for line in out.splitlines()]
    made = Path(events[-1]["path"])
    assert made.name == "SmolLM2-135M-Instruct.Q2_K.gguf"
    assert made.stat().st_size == events[-1]["bytes"] < events[-1]["source_bytes"]
    fractions = [event["fraction"] for event in events[:-1]]
    assert fractions == sorted(fractions)
    assert made.name in (profile / "settings.toml").read_text()
    status, out, err = lamplight("chat", "--model", str(made), "--max-tokens", "3", "Hello")
    assert (status, err) == (DONE, "")
    assert out.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_removes_what_was_written(profile: Path, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    # The type that takes longest.
    words = (str(starter_file()), str(out), "IQ4_XS", "--requantize", "--json", "--threads=1")
    process = command("quantize", *words)
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["fraction"] == 0:
        continue
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == INTERRUPTED
    assert list(out.iterdir()) == []
