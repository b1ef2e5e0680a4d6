"""The application killed again and again in the middle of an answer, and what it shows again.

Two lanes, each with a profile of its own, kill the real application (window, engine host, starter
model). Every start is the restart after the kill before it: it must show at least what had been on
the screen 250 ms before that kill, and answer the next message.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LANES = 2
PROMISED = 0.25
"""Seconds after which what is on the screen is on the disk."""
LONGEST_STREAM = 0.7
"""Seconds from the first text to the kill, at the most."""
PATIENCE = 60.0
LOOK = 0.02
RESTORED, SENT = re.compile(rb'^\["restored"', re.M), re.compile(rb'^\["shown"', re.M)
TEXT = re.compile(rb'^\["shown", [0-9.]+, "[^"]', re.M)
DRIVER = (sys.executable, "-m", "tests.e2e.kill_driver")
IN_ONE_CONVERSATION = 4
"""Rounds: with more the prompt to read grows long."""


def kill_again_and_again(folder: Path, rounds: int) -> int:
    """Kill `rounds` times; how many of the kills met text that was on the screen.

    Raises AssertionError at the first thing that was lost.
    """
    with ThreadPoolExecutor(LANES) as pool:
        lanes = []
        for number in range(LANES):
            place = folder / str(number)
            place.mkdir()
            lanes.append(pool.submit(lane, place, rounds // LANES, seed=number))
        return sum(lane.result() for lane in lanes)


@dataclass
class Report:
    """What the driver has written so far."""

    path: Path
    restored: tuple[str, list[tuple[str, str, str]]] | None = None
    shown: list[tuple[float, str]] = field(default_factory=list)

    def read(self) -> Report:
        for line in self.path.read_bytes().split(b"\n")[:-1]:
            match json.loads(line):
                case ["restored", str(integrity), list(rows)]:
                    self.restored = (integrity, [tuple(row) for row in rows])
                case ["shown", float(when), str(text)]:
                    self.shown.append((when, text))
                case other:
                    raise AssertionError(other)
        return self

    def painted_before(self, moment: float) -> str:
        return "".join(text for when, text in self.shown if when <= moment)


def wait_for(path: Path, process: subprocess.Popen[bytes], wanted: re.Pattern[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not wanted.search(path.read_bytes()):
        assert process.poll() is None, "the application ended by itself"
        assert time.monotonic() < deadline, f"{wanted.pattern!r} did not come"
        time.sleep(LOOK)


def kill_with_host(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the window's process; its engine host must end by itself."""
    hosts = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 5
    while any(is_alive(host) for host in hosts):
        assert time.monotonic() < deadline, "the engine host outlived its window"
        time.sleep(LOOK)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does anything; a zombie only waits for its new parent to look."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def lane(folder: Path, rounds: int, seed: int) -> int:
    """Kill `rounds` times; how many of the kills met a streaming answer."""
    dice = random.Random(seed)
    profile, met = folder / "profile", 0
    painted, asked = "", 0
    for number in range(rounds + 1):
        report = folder / f"report-{number}"
        fresh = number % IN_ONE_CONVERSATION == 0
        with report.open("wb") as output:
            process = subprocess.Popen(
                [*DRIVER, profile, "fresh" if fresh else "continue"],
                env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        try:
            wait_for(report, process, RESTORED)
            if number < rounds:
                wait_for(report, process, TEXT if dice.random() < 0.9 else SENT)
                time.sleep(dice.random() * LONGEST_STREAM)
        finally:
            killed = time.monotonic()
            kill_with_host(process)
        found = Report(report).read()
        assert found.restored is not None
        check_restored(found.restored, painted, asked, number)
        painted = found.painted_before(killed - PROMISED)
        met += bool(painted)
        asked = (0 if fresh else asked) + 2
    return met


def check_restored(
    restored: tuple[str, list[tuple[str, str, str]]], painted: str, asked: int, number: int
) -> None:
    integrity, rows = restored
    assert integrity == "ok"
    assert len(rows) == asked, f"round {number}: messages are missing"
    if not asked:
        return
    role, status, text = rows[-1]
    assert role == "assistant", f"round {number}"
    assert status in ("interrupted", "done"), f"round {number}: {status}"
    assert text.startswith(painted), f"round {number}: shown {painted!r}, restored {text!r}"
    assert rows[-2][0] == "user"
