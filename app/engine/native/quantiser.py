"""llama.cpp's own quantiser."""

from __future__ import annotations

import ctypes
import os

from app.engine.native.bindings import lib
from app.engine.native.log import LOG
from app.engine.native.weights import NativeRefusal
from app.engine.quantiser_log import QuantiserLog

_MOST_BUFFER = 512 << 20
"""Bytes of rows that are held at once, in place of llama.cpp's 8 GiB."""


def run_quantiser(
    path: str,
    result: str,
    number: int,
    threads: int,
    log: QuantiserLog,
    *,
    again: bool = False,
    dry_run: bool = False,
) -> None:
    """Write the model of `path` (all shards of it, into one file) as the type of this number.

    A `dry_run` reads the header and says the sizes. `again` allows tensors that are quantised
    already. Raises `NativeRefusal`; the reason is in `log`. It cannot be stopped but with the
    process.
    """
    params = lib.llama_model_quantize_default_params()
    params.ftype = number
    params.nthread = threads
    params.allow_requantize = again
    params.dry_run = dry_run
    params.max_buf_size = _MOST_BUFFER
    with LOG.telling(log.hear):
        failed = lib.llama_model_quantize(
            os.fsencode(path), os.fsencode(result), ctypes.byref(params)
        )
    if failed:
        raise NativeRefusal("llama_model_quantize")
