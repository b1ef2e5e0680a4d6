"""Steps on the terminal, and running other programs so that a person sees how far they are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Callable, Generator, Mapping, Sequence

# Without a terminal (a log file, CI) no line can be drawn over: one line now and then instead.
_PLAIN_INTERVAL = 15.0
_DRAWN_INTERVAL = 0.1
_LINES_KEPT = 30


class Stop(Exception):
    """Ends dev.py with one sentence that a person can act on."""


class Step:
    """One step of the setup: a title, a changing remark, and at its end the time it took."""

    def __init__(self, title: str, out: IO[str]) -> None:
        self._title = title
        self._out = out
        self._start = time.monotonic()
        self._last = self._start
        self._drawn = 0
        self.show: Callable[[str], str | None] = str.strip
        """What to show of a line that a program says; None for nothing."""
        if out.isatty():
            self._draw("")
        else:
            self._line(f"  … {title}")

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._start

    def progress(self, line: str) -> None:
        """Show how far the step is, by what a program said; at most ten times a second."""
        now = time.monotonic()
        interval = _DRAWN_INTERVAL if self._out.isatty() else _PLAIN_INTERVAL
        remark = self.show(line) if now - self._last >= interval else None
        if not remark:
            return
        self._last = now
        if self._out.isatty():
            self._draw(remark)
        else:
            self._line(f"    {self.elapsed:5.0f} s  {remark[:80]}")

    def end(self, mark: str) -> None:
        """Close the step's line with its mark and its time."""
        self._clear()
        self._line(f"  {mark} {self._title} ({self.elapsed:.1f} s)")

    def _draw(self, remark: str) -> None:
        self._clear()
        text = f"  … {self._title} ({self.elapsed:.0f} s) {remark}"
        text = text[: max(20, _columns() - 1)]
        self._drawn = len(text)
        self._out.write(text)
        self._out.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._out.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


def _columns() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 80


@contextmanager
def step(title: str) -> Generator[Step, None, None]:
    """Show a step while the block runs; an exception marks it as failed."""
    current = Step(title, sys.stderr)
    try:
        yield current
    except BaseException:
        current.end("✗")
        raise
    current.end("✓")


def say(sentence: str) -> None:
    """One line to the person at the terminal; stdout stays free for the program that is run."""
    print(sentence, file=sys.stderr, flush=True)


def use_utf8() -> None:
    """Let marks such as ✓ be written where the terminal's own encoding lacks them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def output_of(command: Sequence[object], timeout: float = 30.0) -> str | None:
    """Return what a short command printed, or None if it is missing, fails or hangs."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def call(command: Sequence[object], cwd: Path, env: Mapping[str, str] | None = None) -> int:
    """Run a program in the foreground and return its exit status; Ctrl+C is left to it."""
    process = subprocess.Popen([str(part) for part in command], cwd=str(cwd), env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal sent the same signal to the program; it decides how to end.
            continue


def watch(
    command: Sequence[object],
    log: Path,
    on_line: Callable[[str], None],
    env: dict[str, str] | None = None,
) -> None:
    """Run a program, keep its output in `log` and hand each line on.

    Raises Stop with the last lines if the program fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=_LINES_KEPT)
    with log.open("a", encoding="utf-8") as kept:
        kept.write("$ " + " ".join(str(part) for part in command) + "\n")
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
        )
        assert process.stdout is not None
        try:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                kept.write(line + "\n")
                tail.append(line)
                on_line(line)
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if status != 0:
        said = "\n".join("    " + line[:300] for line in tail)
        raise Stop(f"{command[0]} ended with status {status}. Its last lines:\n{said}\nAll: {log}")
