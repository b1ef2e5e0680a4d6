"""Making a model smaller, inside a host that does nothing else (see `app.engine.quantising`)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import psutil

from app.domain.errors import AppError
from app.domain.library_errors import QuantiseError, QuantiseRefused, ResultUnwritable
from app.domain.load_params import LoadParams, bounded
from app.domain.quantise import TARGETS, QuantiseSizes, QuantiseWork
from app.engine import refusal
from app.engine.dry_run import require_readable
from app.engine.limits import choose_threads
from app.engine.native import system
from app.engine.native.log import LOG
from app.engine.native.quantiser import run_quantiser
from app.engine.native.weights import NativeRefusal, Weights
from app.engine.protocol import Frame
from app.engine.quantiser_log import QuantiserLog

_MORE_NICENESS = 10
"""Beyond a host's own: a running answer gets the core that both want."""


def answer(asked: Frame, tell: Callable[[Frame], None]) -> Frame:
    """Do what a frame asks for; its answer. Raises `AppError` cases."""
    if asked["do"] == "quantise_sizes":
        return {"is": "quantise_sizes", "sizes": asdict(quantise_sizes(asked["path"]))}
    nbytes = quantise(
        QuantiseWork(**asked["work"]),
        lambda done, total: tell({"is": "quantising", "done": done, "total": total}),
    )
    return {"is": "quantised", "bytes": nbytes}


def quantise_sizes(path: str) -> QuantiseSizes:
    """How large each type would be, by llama.cpp's own account: some 20 ms each, whatever the size
    of the model. Raises `AppError` cases."""
    system.start()
    require_readable(Path(path))
    logs = {
        target: _run(path, "", number, 1, QuantiserLog(), dry_run=True)
        for target, number in TARGETS.items()
    }
    return QuantiseSizes(
        max(log.source_bytes for log in logs.values()),
        {target: log.result_bytes for target, log in logs.items()},
        any(log.converts_quantised for log in logs.values()),
    )


def quantise(work: QuantiseWork, heard: Callable[[int, int], None]) -> int:
    """Write the result, all of it on the disk on return; its bytes.

    `heard` is told how many bytes of the source's tensors are done, and of how many. The process
    works on with less priority and in the result's folder. Raises `AppError` cases; what was
    written is left for whoever asked to remove.
    """
    system.start()
    require_readable(Path(work.source))
    number = TARGETS[work.target]
    total = _run(work.source, "", number, 1, QuantiserLog(), dry_run=True).source_bytes
    _give_way()
    # llama.cpp opens its result by a name in the system's code page on Windows: ours is ASCII, but
    # not the folders above it.
    folder, name = os.path.split(work.result)
    os.chdir(folder)
    log = QuantiserLog(lambda done: heard(min(done, total), total))
    _run(work.source, name, number, choose_threads(work.threads), log, again=work.again)
    _require_sound(name, work)
    return _made_safe(work.result)


def _run(
    path: str,
    result: str,
    number: int,
    threads: int,
    log: QuantiserLog,
    *,
    again: bool = False,
    dry_run: bool = False,
) -> QuantiserLog:
    try:
        run_quantiser(path, result, number, threads, log, again=again, dry_run=dry_run)
    except NativeRefusal as error:
        raise _refused(path, log.last_lines) from error
    return log


def _refused(path: str, log: list[str]) -> AppError:
    name = Path(path).name
    reason = next((line for line in reversed(log) if "failed to quantize" in line), "")
    reason = reason.partition("failed to quantize: ")[2]
    if re.search(r"iostream|basic_ios|basic_filebuf", reason):
        return ResultUnwritable(
            "The smaller model could not be written to its end.",
            reason,
            "The disk is full or is gone. Make room, or choose another folder.",
        )
    if re.search(r"requantizing|dequantization|cannot dequantize|tensor type|validation", reason):
        return QuantiseRefused(
            f"“{name}” cannot be made into this type.",
            reason,
            "Choose another type, or another file of the same model.",
        )
    return refusal.classify(path, log)


def _require_sound(name: str, work: QuantiseWork) -> None:
    """Have llama.cpp read what it wrote: the header, and that all tensors are there."""
    with LOG.recording() as log:
        try:
            Weights(name, bounded(LoadParams()), lambda _: True, measure_only=True).close()
        except NativeRefusal as error:
            raise QuantiseError(
                f"The {work.target} file of “{Path(work.source).name}” did not become a whole one.",
                "\n".join(log[-3:]),
                "Nothing was kept. Try again, or choose another type.",
            ) from error


def _made_safe(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _give_way() -> None:
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        process.nice(min(19, int(process.nice() or 0) + _MORE_NICENESS))
