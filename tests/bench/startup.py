"""From the start of the process to the first painted window, warm.

Both processes are started by turns and end before the next one begins. `CLOCK_MONOTONIC` is one for
all processes of Linux, so that the child's reading minus ours is the time between.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.bench.display import screen
from tests.bench.rows import Row, at_most, told

RUNS = 7
BAR_SECONDS = 0.5
KEPT_OUT = ("llama_cpp", "numpy", "httpx2", "huggingface_hub", "keyring", "pygments")
"""What the window's process must not have imported when it is painted first."""

_ROOT = Path(__file__).parents[2]
_WAIT_SECONDS = 60.0
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Start:
    """One start."""

    seconds: float
    processor_seconds: float
    """What of it the process itself was at work: the same on a loaded machine."""
    resident_bytes: int
    modules: tuple[str, ...]


def run() -> list[Row]:
    """Seven starts each, after one that warms the caches."""
    with screen() as environment, tempfile.TemporaryDirectory() as folder:
        environment["LAMPLIGHT_HOME"] = folder
        starts: list[Start] = []
        references: list[Start] = []
        for number in range(RUNS + 1):
            application = _started(["-m", "app"], environment, Path(folder))
            reference = _started(["-m", "tests.bench.minimal_window"], environment, Path(folder))
            if number:
                starts.append(application)
                references.append(reference)
    seconds = statistics.median(start.seconds for start in starts)
    reference_seconds = statistics.median(start.seconds for start in references)
    return [
        at_most("first painted window, median of 7", seconds, BAR_SECONDS, "s"),
        told("  fastest", min(start.seconds for start in starts), "s"),
        told("  slowest", max(start.seconds for start in starts), "s"),
        told("  processor time until then", _processor(starts), "s"),
        told("minimal PySide6 window, median of 7", reference_seconds, "s"),
        told("  processor time until then", _processor(references), "s"),
        told("load of the machine, one minute's average", psutil.getloadavg()[0]),
        told("resident memory then", _resident(starts), "MiB"),
        told("minimal PySide6 window's memory", _resident(references), "MiB"),
        *(_absent(module, starts) for module in KEPT_OUT),
    ]


def _processor(starts: list[Start]) -> float:
    return statistics.median(start.processor_seconds for start in starts)


def _resident(starts: list[Start]) -> float:
    return statistics.median(start.resident_bytes for start in starts) / _MIB


def _absent(module: str, starts: list[Start]) -> Row:
    present = sum(module in start.modules for start in starts)
    return at_most(f"starts with {module} imported", present, 0)


def _started(arguments: list[str], environment: dict[str, str], folder: Path) -> Start:
    note = folder / "first-paint.json"
    note.unlink(missing_ok=True)
    environment = {**environment, "LAMPLIGHT_FIRST_PAINT_FILE": str(note)}
    if "app" not in arguments:
        arguments = [*arguments, str(note)]
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, cwd=_ROOT)
    try:
        facts = _facts(note, process)
    finally:
        process.terminate()
        process.wait(_WAIT_SECONDS)
    return Start(
        facts["monotonic"] - began, facts["processor"], facts["rss"], tuple(facts["modules"])
    )


def _facts(note: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if note.exists() and note.stat().st_size:
            try:
                return json.loads(note.read_text("utf-8"))
            except json.JSONDecodeError:
                pass
        elif process.poll() is not None and not note.exists():
            raise RuntimeError(f"the window's process ended with {process.returncode}")
        time.sleep(0.005)
    raise RuntimeError("no window was painted")
