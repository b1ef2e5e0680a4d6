"""How long the window's event loop stands still while the starter model's answer streams in.

The real window on a real screen (or Xvfb), the real engine host. A stall is by how much a 5 ms
timer in that event loop came late. The same figures before the first question tell what the machine
itself does, and so does the time for which the thread was ready to run and had no core: on Linux it
is told beside the longest stall, which counts in full all the same. The display server may wait
for a core too, and the window for the server: that is not told apart.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from tests.bench.display import screen
from tests.bench.driven_window import ANSWER_TOKENS, REST_SECONDS, Lateness
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
        found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return _rows(found)


def _rows(found: dict[str, Any]) -> list[Row]:
    idle: Lateness = found["idle"]
    streaming: Lateness = found["streaming"]
    longest, waited = max(streaming)
    own = max(late - waiting for late, waiting in streaming)
    per_answer = found["answers_cpu"] * ANSWER_TOKENS / found["answer_tokens"]
    return [
        at_most("stall while streaming, 99th percentile", _p99(streaming), BAR_P99_MS, "ms"),
        at_most("stall while streaming, longest", 1000 * longest, BAR_MAX_MS, "ms"),
        told("  of it waiting for a core", 1000 * waited, "ms"),
        told("  longest without such waits", 1000 * own, "ms"),
        told("  median", 1000 * statistics.median(late for late, _ in streaming), "ms"),
        told("  probes later than the bar", _later(streaming)),
        told("  probes", len(streaming)),
        told("stall between Enter and the first text, longest", _longest(found["asked"]), "ms"),
        told("stall while idle, 99th percentile", _p99(idle), "ms"),
        told("stall while idle, longest", _longest(idle), "ms"),
        told(f"processor time of the window for {ANSWER_TOKENS} tokens", per_answer, "s"),
        told("processor time of the window at rest", 100 * found["rest_cpu"] / REST_SECONDS, "%"),
        told("load of the machine, one minute's average", psutil.getloadavg()[0]),
    ]


def _p99(probes: Lateness) -> float:
    """In milliseconds."""
    return 1000 * statistics.quantiles((late for late, _ in probes), n=100)[98]


def _longest(probes: Lateness) -> float:
    """In milliseconds."""
    return 1000 * max(late for late, _ in probes)


def _later(probes: Lateness) -> int:
    return sum(1000 * late > BAR_MAX_MS for late, _ in probes)
