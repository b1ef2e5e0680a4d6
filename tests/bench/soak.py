"""Hours of mixed requests with random stops, loads, unloads and kills, as the application has its
engines: no leak, no deadlock, no lost text, nothing left.

The short form of it is tests/unit/engine/test_soak.py.
"""

from __future__ import annotations

import asyncio
import faulthandler
import secrets
import tempfile
import threading
from pathlib import Path

import psutil

from tests.bench.rows import Row, at_least, at_most, told
from tests.helpers.soak import MOST_KEPT, Soak
from tests.helpers.soak_tally import MOST_GROWTH, Tally

_MB = 1_000_000
CALM = 12
"""Rounds in which hosts live on: enough to tell growth from chance."""
_GRACE = 600.0
"""Seconds after its time at which a soak that has not ended stands still, and is ended with a
trace of every thread."""


def run(minutes: float = 120, seed: int | None = None) -> list[Row]:
    """Soak for so long; a drawn seed is told."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    faulthandler.dump_traceback_later(60 * minutes + _GRACE, exit=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            tally = asyncio.run(_soak(Path(folder), seed, 60 * minutes))
    finally:
        faulthandler.cancel_dump_traceback_later()
    for fault in tally.faults:
        print(fault)
    return [*_rows(tally), told("seed", seed)]


async def _soak(folder: Path, seed: int, seconds: float) -> Tally:
    return await Soak(folder, seed, CALM).run(seconds)


def _rows(tally: Tally) -> list[Row]:
    hosts = [sizes[-1] for sizes in tally.hosts.values()]
    return [
        at_most("faults: lost events or text, streams without an end", len(tally.faults), 0),
        at_most("memory of the application, at the end against settled", tally.growth, MOST_GROWTH),
        at_most("memory of a host that lived on, the same", tally.host_growth, MOST_GROWTH),
        told("  the application's", tally.application[-1] / _MB, "MB"),
        told("  the largest host's", max(hosts, default=0) / _MB, "MB"),
        at_most("processes left at the end", len(psutil.Process().children(recursive=True)), 0),
        at_most("threads left at the end", threading.active_count() - 1, 0),
        at_most("kept on disk, at most", tally.most_kept / _MB, MOST_KEPT / _MB, "MB"),
        at_least("conversations that came back from disk", tally.returns, 1),
        told("hosts killed, each of which came back", tally.kills),
        told("requests", tally.requests),
        *(told(f"  {how}", count) for how, count in tally.ends.most_common()),
    ]
