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

from tests.bench.display import screen
from tests.bench.rows import Row, at_most, told

ANSWERS = 3
BAR_P99_MS = 16.0
BAR_MAX_MS = 40.0

_ROOT = Path(__file__).parents[2]
_WAIT_SECONDS = 300.0


def run() -> list[Row]:
    """Three answers of 400 tokens."""
    with screen() as environment, tempfile.TemporaryDirectory() as folder:
        environment["LAMPLIGHT_HOME"] = folder
        report = Path(folder) / "lateness.json"
        subprocess.run(
            [sys.executable, "-m", "tests.bench.driven_window", str(report), str(ANSWERS)],
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
        told("  probes", len(streaming)),
        told("stall while idle, 99th percentile", _p99(idle), "ms"),
        told("stall while idle, longest", 1000 * max(idle), "ms"),
    ]


def _p99(seconds: list[float]) -> float:
    """In milliseconds."""
    return 1000 * statistics.quantiles(seconds, n=100)[98]
