"""Downloads over loopback: against `curl`, over several connections, pausing, and memory.

Each kind of download runs in a process of its own, as curl does, from its start to its end. Ours
compares the checksum and makes the file safe on disk; curl does neither. The files lie in memory
where the system offers that (/dev/shm), so that the disk is not what is measured.
"""

from __future__ import annotations

import hashlib
import json
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

from tests.bench.rows import Row, at_least, at_most, told

FILE_BYTES = 1_000_000_000
ROUNDS = 3
LINE = 40_000_000
"""Bytes per second of one connection where several are compared."""
GIGABIT = 118_000_000
"""Bytes per second that a gigabit line carries."""
LINE_BYTES = 800_000_000
PAUSES = (500_000_000, 50_000_000, 500_000, 20_000)
"""Speeds at which a download is paused."""


def run() -> list[Row]:
    """The figures; needs some 2.5 GB of memory or disk, and curl."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and shutil.disk_usage(memory).free > 4e9 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        work = Path(folder)
        digest = _make(work / "source", FILE_BYTES)
        rows = _against_curl(work, digest)
        digest = _make(work / "source", LINE_BYTES)
        return [*rows, *_several_connections(work, digest), *_pauses(work, digest)]


def _make(path: Path, nbytes: int) -> str:
    """A file in which nothing repeats within reach of a compressor; its SHA-256."""
    block, digest = os.urandom(1 << 20), hashlib.sha256()
    with open(path, "wb") as file:
        while nbytes:
            part = block[: min(len(block), nbytes)]
            file.write(part)
            digest.update(part)
            nbytes -= len(part)
    return digest.hexdigest()


def _against_curl(work: Path, digest: str) -> list[Row]:
    ours: list[dict[str, float]] = []
    theirs: list[float] = []
    with _server(work / "source", 0) as address:
        for _ in range(ROUNDS):
            ours.append(_download(work, address, FILE_BYTES, digest, 4))
            theirs.append(_curl(work, address) or 0.0)
    times = [figures["seconds"] for figures in ours]
    rows = [
        told("a gigabyte, ours, best", FILE_BYTES / min(times) / 1e6, "MB/s"),
        told("a gigabyte, ours, median", FILE_BYTES / statistics.median(times) / 1e6, "MB/s"),
    ]
    if all(theirs):
        rows += [
            told("a gigabyte, curl, best", FILE_BYTES / min(theirs) / 1e6, "MB/s"),
            at_most("wall time, ours to curl's, best of each", min(times) / min(theirs), 1.2),
        ]
    memory = max(figures["memory"] for figures in ours)
    processor = min(figures["processor"] for figures in ours)
    rows.append(told("processor time for a gigabyte", processor, "s"))
    rows.append(at_most("memory of the process", memory / 1e6, 150, "MB"))
    return rows


def _several_connections(work: Path, digest: str) -> list[Row]:
    with _server(work / "source", LINE) as address:
        one, four = (
            _download(work, address, LINE_BYTES, digest, count)["seconds"] for count in (1, 4)
        )
    with _server(work / "source", GIGABIT, "line") as address:
        ours = _download(work, address, LINE_BYTES, digest, 4)["seconds"]
        theirs = _curl(work, address)
    rows = [
        told("one connection of 40 MB/s", LINE_BYTES / one / 1e6, "MB/s"),
        at_least("four connections against one", one / four, 3.5),
    ]
    if theirs is not None:
        rows.append(at_least("speed, ours to curl's, a gigabit line", theirs / ours, 1.0))
    return rows


def _pauses(work: Path, digest: str) -> list[Row]:
    rows: list[Row] = []
    for speed in PAUSES:
        with _server(work / "source", speed // 4) as address:
            figures = _download(work, address, LINE_BYTES, digest, 4, "pause")
        name = f"a pause at {speed / 1e6:g} MB/s"
        rows.append(at_most(name, figures["pause"] * 1000, 200, "ms"))
    return rows


def _download(
    work: Path, address: str, size: int, digest: str, connections: int, then: str = "finish"
) -> dict[str, float]:
    models = work / "models"
    words = [address, str(models), str(size), digest, str(connections), then]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.one_transfer", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    shutil.rmtree(models)
    return json.loads(done.stdout)


def _curl(work: Path, address: str) -> float | None:
    """Seconds; None where there is no curl."""
    curl = shutil.which("curl")
    if curl is None:
        return None
    target = work / "by-curl"
    began = time.perf_counter()
    subprocess.run([curl, "-sS", "-o", str(target), f"{address}/m.gguf"], check=True)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


@contextmanager
def _server(path: Path, limit: int, of: str = "each") -> Generator[str]:
    command = [sys.executable, "-m", "tests.bench.file_server", str(path), str(limit), of]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
