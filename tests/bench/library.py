"""Looking through 2,000 models in 10 folders: the first time, at a later start, and again; and how
long the event loop of the window stands still meanwhile.

The files are synthetic: sound headers of a small model without its vocabulary. What a real header
costs, with a vocabulary of 49,000, is told beside it. A stall is by how much a timer of 5 ms in the
event loop came late while the scan ran in its thread; the loop also does what the window's does
with what is found.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from app.config.library_notes_file import LibraryNotesFile
from app.domain.facts import Fact
from app.domain.library import ScanWish
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.library.places.known import Surroundings
from app.library.shelf import Shelf
from app.services.library_records import LibraryRecords
from tests.bench.rows import Row, at_most, told
from tests.helpers.gguf_files import starter_shell, tiny_file

FOLDERS = 10
MODELS = 2_000
REAL = 20
"""Copies of a real header."""
FIRST_SECONDS = 5.0
LATER_SECONDS = 0.5
STALL_P99_MS = 16.0
_TICK = 0.005


def run() -> list[Row]:
    """The figures; some ten seconds."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _make(work / "models")
        return asyncio.run(_measure(work))


def _make(models: Path) -> None:
    for number in range(MODELS):
        folder = models / f"author{number % FOLDERS}" / "repo"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"model-{number:04d}.Q4_K_M.gguf"
        tiny_file(folder / name, general__name=f"Model {number}")
    real = models.parent / "real/ada/repo"
    real.mkdir(parents=True)
    first = starter_shell(real / "real-0.gguf")
    head = first.read_bytes()[: 4 << 20]
    for number in range(1, REAL):
        with (real / f"real-{number}.gguf").open("wb") as file:
            file.write(head)
            os.truncate(file.fileno(), first.stat().st_size)


async def _measure(work: Path) -> list[Row]:
    models, index = str(work / "models"), work / "library.jsonl"
    # As the window does when it has started (app/gui/app.py, `_settle`): else the garbage collector
    # walks through everything that was imported, 10 ms, in the middle of a scan.
    gc.freeze()
    _, rest = await _timed(asyncio.sleep(1.0))
    first, stalls = await _timed(_scan(work, index, models))
    later, later_stalls = await _timed(_scan(work, index, models))
    again, _ = await _timed(_scan(work, index, models, times=2))
    real, real_stalls = await _timed(_scan(work, None, str(work / "real")))
    return [
        at_most(f"{MODELS:,} models, first scan", first, FIRST_SECONDS, "s"),
        at_most("the same at a later start", later, LATER_SECONDS, "s"),
        told("once more in the same run", again - later, "s"),
        told("a real header, vocabulary of 49,000", 1000 * real / REAL, "ms"),
        at_most("stall in the first scan, 99th percentile", _p99(stalls), STALL_P99_MS, "ms"),
        told("  longest", 1000 * max(stalls), "ms"),
        at_most("stall in a later scan, 99th percentile", _p99(later_stalls), STALL_P99_MS, "ms"),
        told("  longest", 1000 * max(later_stalls), "ms"),
        told("stall at rest, by what else runs here", _p99(rest), "ms"),
        at_most("stall while reading real headers", _p99(real_stalls), STALL_P99_MS, "ms"),
    ]


async def _scan(work: Path, index: Path | None, models: str, *, times: int = 1) -> None:
    shelf = Shelf(index, Surroundings("linux", str(work / "nobody"), {}), lambda: None)
    facts: Broadcast[Fact] = Broadcast()
    records = LibraryRecords(LibraryNotesFile(None), facts, TaskOwner(_raise))
    for _ in range(times):
        found = await shelf.scan(ScanWish(own=(models,)))
        dressed = records.dressed(found.entries)
        assert len(dressed) in (MODELS, REAL)
    await shelf.close()


def _raise(error: BaseException) -> None:
    raise error


async def _timed(work: Awaitable[Any]) -> tuple[float, list[float]]:
    """Seconds, and by how much each tick of the loop came late meanwhile."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK)
            late.append(time.perf_counter() - began - _TICK)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    began = time.perf_counter()
    await work
    seconds = time.perf_counter() - began
    # What came due while the work ended is a stall as well.
    await asyncio.sleep(2 * _TICK)
    ticking.cancel()
    return seconds, late


def _p99(late: list[float]) -> float:
    """In milliseconds; of few ticks the longest."""
    if len(late) < 100:
        return 1000 * max(late)
    return 1000 * statistics.quantiles(late, n=100)[98]
