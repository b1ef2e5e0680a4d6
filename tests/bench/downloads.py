"""Downloads over loopback: against `curl`, several connections, pauses, memory, the window.

Each kind of download runs in a process of its own, as curl does, from its start to its end. Ours
compares the checksum and makes the file safe on disk; curl does neither, which is why a copy by
curl whose checksum is compared afterwards is told beside it. The files lie in memory where the
system offers that (/dev/shm), so that the disk is not what is measured, and that memory is touched
before each download: a virtual machine may have to ask its host for it first.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.display import screen
from tests.bench.rows import Row, at_least, at_most, missing, told

FILE_BYTES = 2_000_000_000
ROUNDS = 4
LINE = 40_000_000
"""Bytes per second of one connection where several are compared."""
GIGABIT = 118_000_000
"""Bytes per second that a gigabit line carries."""
LINE_BYTES = 800_000_000
PAUSES = (4_000_000_000, 500_000_000, 50_000_000, 500_000, 20_000)
"""Speeds at which a download is paused; the first is as fast as it goes."""
WINDOW_SPEED = 100_000_000
WINDOW_SECONDS = 12
_BLOCK_BYTES = 16 << 20
_ROOT = Path(__file__).parents[2]


def run() -> list[Row]:
    """The figures; needs some 2.5 GB of memory or disk, and curl. Takes two to three minutes."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and shutil.disk_usage(memory).free > 4e9 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        work = Path(folder)
        (work / "block").write_bytes(os.urandom(_BLOCK_BYTES))
        rows = _against_curl(work)
        rows += _several_connections(work)
        rows += _pauses(work)
        return rows + _window(work)


def _digest(work: Path, nbytes: int) -> str:
    """The SHA-256 of what the server gives."""
    block, digest = memoryview((work / "block").read_bytes()), hashlib.sha256()
    while nbytes:
        part = block[: min(len(block), nbytes)]
        digest.update(part)
        nbytes -= len(part)
    return digest.hexdigest()


def _against_curl(work: Path) -> list[Row]:
    ours: list[dict[str, float]] = []
    theirs: list[tuple[float, float]] = []
    digest = _digest(work, FILE_BYTES)
    with _server(work, FILE_BYTES, 0) as address:
        for _ in range(ROUNDS):
            ours.append(_download(work, address, FILE_BYTES, digest, 4))
            theirs += _curl(work, address)
    times = [figures["seconds"] for figures in ours]
    rows = [
        told("two gigabytes, ours, best", FILE_BYTES / min(times) / 1e6, "MB/s"),
        told("two gigabytes, ours, median", FILE_BYTES / statistics.median(times) / 1e6, "MB/s"),
        *_curls_rows(times, theirs),
    ]
    memory = max(figures["memory"] for figures in ours)
    processor = min(figures["processor"] for figures in ours) / FILE_BYTES * 1e9
    rows.append(told("processor time for a gigabyte", processor, "s"))
    rows.append(at_most("memory of the process", memory / 1e6, 150, "MB"))
    return rows


def _curls_rows(ours: list[float], theirs: list[tuple[float, float]]) -> list[Row]:
    if not theirs:
        return [missing("wall time, ours to curl's", "there is no curl")]
    copied = [copy for copy, _ in theirs]
    checked = [copy + check for copy, check in theirs]
    return [
        told("two gigabytes, curl, best", FILE_BYTES / min(copied) / 1e6, "MB/s"),
        told("two gigabytes, curl, median", FILE_BYTES / statistics.median(copied) / 1e6, "MB/s"),
        at_most("wall time, ours to curl's, median of pairs", _median_ratio(ours, copied), 1.2),
        told("  best of each", min(ours) / min(copied)),
        told("  to curl and then sha256, median of pairs", _median_ratio(ours, checked)),
    ]


def _median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Of runs that followed each other: what the machine does meanwhile falls on both."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def _several_connections(work: Path) -> list[Row]:
    digest = _digest(work, LINE_BYTES)
    with _server(work, LINE_BYTES, LINE) as address:
        one, four = (
            _download(work, address, LINE_BYTES, digest, count)["seconds"] for count in (1, 4)
        )
    with _server(work, LINE_BYTES, GIGABIT, "line") as address:
        ours = _download(work, address, LINE_BYTES, digest, 4)["seconds"]
        theirs = _curl(work, address)
    rows = [
        told("one connection of 40 MB/s", LINE_BYTES / one / 1e6, "MB/s"),
        at_least("four connections against one", one / four, 3.5),
    ]
    for theirs_alone, _ in theirs:
        rows.append(at_least("speed, ours to curl's, a gigabit line", theirs_alone / ours, 1.0))
    return rows


def _pauses(work: Path) -> list[Row]:
    rows: list[Row] = []
    digest = _digest(work, LINE_BYTES)
    for speed in PAUSES:
        with _server(work, LINE_BYTES, speed // 4) as address:
            figures = _download(work, address, LINE_BYTES, digest, 4, "pause")
        name = f"from a pause to silence at {speed / 1e6:g} MB/s"
        rows.append(at_most(name, figures["pause"] * 1000, 200, "ms"))
    return rows


def _window(work: Path) -> list[Row]:
    """The window's event loop while it downloads, with its page of downloads told of it."""
    size = WINDOW_SPEED * WINDOW_SECONDS
    report = work / "lateness.json"
    words = [str(report), str(size), _digest(work, size)]
    with _server(work, size, WINDOW_SPEED, "line") as address, screen() as environment:
        environment |= {"LAMPLIGHT_HOME": str(work / "profile"), "HF_ENDPOINT": address}
        subprocess.run(
            [sys.executable, "-m", "tests.bench.downloading_window", *words],
            env=environment,
            cwd=_ROOT,
            timeout=120,
            check=True,
        )
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    late = [1000 * seconds for seconds in found["late"]]
    return [
        told("speed while the window is measured", found["bytes_per_second"] / 1e6, "MB/s"),
        at_most(
            "stall of the window, 99th percentile", statistics.quantiles(late, n=100)[98], 16, "ms"
        ),
        told("  longest", max(late), "ms"),
        told("processor time of the window", 100 * found["processor"], "% of a core"),
    ]


def _download(
    work: Path, address: str, size: int, digest: str, connections: int, then: str = "finish"
) -> dict[str, float]:
    models = work / "models"
    words = [address, str(models), str(size), digest, str(connections), then]
    _touch_memory(size)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.one_transfer", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    shutil.rmtree(models)
    return json.loads(done.stdout)


def _curl(work: Path, address: str) -> list[tuple[float, float]]:
    """Seconds for the copy and for its checksum; nothing where there is no curl."""
    curl = shutil.which("curl")
    if curl is None:
        return []
    target = work / "by-curl"
    _touch_memory(FILE_BYTES)
    began = time.perf_counter()
    subprocess.run([curl, "-sS", "-o", str(target), f"{address}/m.gguf"], check=True)
    copied = time.perf_counter()
    with open(target, "rb", buffering=0) as file:
        hashlib.file_digest(file, "sha256")
    checked = time.perf_counter()
    target.unlink()
    return [(copied - began, checked - copied)]


def _touch_memory(nbytes: int) -> None:
    with mmap.mmap(-1, nbytes) as room:
        for at in range(0, nbytes, mmap.PAGESIZE):
            room[at] = 1


@contextmanager
def _server(work: Path, size: int, limit: int, of: str = "each") -> Generator[str]:
    words = [str(work / "block"), str(size), str(limit), of]
    command = [sys.executable, "-m", "tests.bench.file_server", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
