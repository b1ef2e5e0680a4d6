"""How long the window's event loop stands still while the starter model's answer streams in.

The real window on a real screen (or Xvfb), the real engine host. A stall is by how much a 5 ms
timer in that event loop came late. The same figures before the first question tell what the machine
itself does.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from tests.bench.display import screen
from tests.bench.rows import Row, at_most, told

STREAMING_SECONDS = 15
BAR_P99_MS = 16.0
BAR_MAX_MS = 40.0

_ROOT = Path(__file__).parents[2]
_WAIT_SECONDS = 300.0


def run() -> list[Row]:
    """Answers of up to 400 tokens, one after another."""
    with screen() as environment, tempfile.TemporaryDirectory() as folder:
        environment["LAMPLIGHT_HOME"] = folder
        report = Path(folder) / "lateness.json"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.bench.driven_window",
                str(report),
                str(STREAMING_SECONDS),
            ],
            env=environment,
            cwd=_ROOT,
            timeout=_WAIT_SECONDS,
            check=True,
        )
        found: dict[str, list[float]] = json.loads(report.read_text("utf-8"))
    idle, streaming = found["idle"], found["streaming"]
    return [
        at_most("stall while streaming, 99th percentile", _p99(streaming), BAR_P99_MS, "ms"),
        at_most("stall while streaming, longest", 1000 * max(streaming), BAR_MAX_MS, "ms"),
        told("  median", 1000 * statistics.median(streaming), "ms"),
        told("  probes later than that", sum(1000 * late > BAR_MAX_MS for late in streaming)),
        told("  probes", len(streaming)),
        told("stall while idle, 99th percentile", _p99(idle), "ms"),
        told("stall while idle, longest", 1000 * max(idle), "ms"),
        told("load of the machine, one minute's average", psutil.getloadavg()[0]),
    ]


def _p99(seconds: list[float]) -> float:
    """In milliseconds."""
    return 1000 * statistics.quantiles(seconds, n=100)[98]
