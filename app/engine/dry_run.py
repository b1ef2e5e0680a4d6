"""Measuring what a model takes without taking it, by llama.cpp's own account.

With `no_alloc` it reads the header, lays out caches and buffers, and says how large they would be
(10 to 150 ms and some 80 MB, whatever the size of the model). The weights are not looked at: a file
whose header is there and that is as long as it will be (`truncate`) gives the same figures.
"""

from __future__ import annotations

import os
from pathlib import Path

from app.domain.fit import MeasuredSizes
from app.domain.load_params import LoadParams, bounded, check
from app.engine import refusal
from app.engine.limits import Buffers, buffers_told, settle
from app.engine.native import system
from app.engine.native.context import Context
from app.engine.native.log import LOG
from app.engine.native.weights import NativeRefusal, Weights


def dry_run(path: str, params: LoadParams) -> MeasuredSizes:
    """The sizes of a load that is not done; raises what the load would raise, but for memory."""
    system.start()
    require_readable(Path(path))
    check(params)
    with LOG.recording() as log:
        weights = _weights(path, params, log)
        try:
            settled = settle(params, weights.trained_context)
            size = weights.size
            buffers = _buffers(path, weights, settled, log)
        finally:
            weights.close()
    length = settled.context_length or 0
    return MeasuredSizes(length, size, buffers.cache, buffers.compute)


def measured_buffers(path: str, settled: LoadParams) -> Buffers:
    """What this very context would take; raises as a load does."""
    with LOG.recording() as log:
        weights = _weights(path, settled, log)
        try:
            return _buffers(path, weights, settled, log)
        finally:
            weights.close()


def require_readable(path: Path) -> None:
    """Raise `FileMissing` or `FileUnreadable` before llama.cpp sees the path."""
    if not path.exists():
        raise refusal.missing(path.name)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise refusal.unreadable(path.name)


def _weights(path: str, params: LoadParams, log: list[str]) -> Weights:
    try:
        return Weights(path, bounded(params), lambda _: True, measure_only=True)
    except NativeRefusal as error:
        raise refusal.classify(path, log) from error


def _buffers(path: str, weights: Weights, settled: LoadParams, log: list[str]) -> Buffers:
    try:
        Context(weights, settled).close()
    except NativeRefusal as error:
        raise refusal.classify_context(Path(path).name, log) from error
    return buffers_told(log)
