"""What models take of memory: the formula against llama.cpp's own account, on the processor.

The files are headers of known models in full size without weights; nothing is loaded.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from app.domain.fit import ContextPlan, estimate
from app.domain.load_params import LoadParams
from app.engine.dry_run import dry_run
from app.library.model_file import inspect_file
from tests.bench.rows import Row, at_most, told
from tests.helpers.gguf_files import starter_file
from tests.helpers.known_models import KNOWN_MODELS

BAR_PERCENT = 5.0
LENGTHS = (4096, 32_768)


def run() -> list[Row]:
    """For each model the greater of its errors, and how long a dry run takes."""
    rows: list[Row] = []
    seconds: list[float] = []
    buffers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for known in KNOWN_MODELS:
            path = known.write(Path(folder))
            name = f"{known.name} ({known.architecture})"
            rows.append(_row(name, path, LENGTHS, seconds, buffers))
            path.unlink()
        rows.append(_row("the starter model", starter_file(), (8192,), seconds, buffers))
    rows.append(told("of the computation's buffers alone, median", statistics.median(buffers), "%"))
    rows.append(told("of the computation's buffers alone, greatest", max(buffers), "%"))
    rows.append(told("a dry run, median", 1000 * statistics.median(seconds), "ms"))
    rows.append(told("a dry run, longest", 1000 * max(seconds), "ms"))
    return rows


def _row(
    name: str, path: Path, lengths: tuple[int, ...], seconds: list[float], buffers: list[float]
) -> Row:
    shape = inspect_file(str(path))[0].shape
    assert shape is not None, name
    errors: list[float] = []
    for length in lengths:
        began = time.perf_counter()
        sizes = dry_run(str(path), LoadParams(context_length=length, threads=1))
        seconds.append(time.perf_counter() - began)
        expected = estimate(shape, ContextPlan(length))
        errors.append(_percent(expected.total_bytes, sizes.total_bytes))
        buffers.append(_percent(expected.compute_bytes, sizes.compute_bytes))
    return at_most(name, max(errors), BAR_PERCENT, "%")


def _percent(expected: int, measured: int) -> float:
    return 100 * abs(expected / measured - 1)
