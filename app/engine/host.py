"""The engine host: the process in which native code may fail without harm to the window.

Started as `python -m app --engine-host`. It ends when its standard input does, that is when its
parent is gone, at any moment, in the middle of a computation too.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import BinaryIO, NoReturn

from app.domain.errors import AppError
from app.domain.fit import MeasuredSizes
from app.domain.generation import TokenCount
from app.domain.load_params import load_params_from_dict
from app.domain.placement import Device
from app.engine import protocol
from app.engine.jobs import (
    AloneJob,
    BenchJob,
    CountJob,
    DescribeJob,
    DevicesJob,
    DryRunJob,
    Facts,
    ForgetJob,
    GenerateJob,
    LoadJob,
)
from app.engine.worker import Worker

NICENESS = 5
"""Added to the parent's: when both want the same core, the window gets it."""

_CLOSE_SECONDS = 2.6


def main() -> int:
    """Serve until told to end or until the parent is gone."""
    frames_out = _take_stdout()
    _prepare_process()
    host = _Host(frames_out)
    host.send({"is": "hello", "version": protocol.VERSION, "pid": os.getpid()})
    # By number: a windowed build has no sys.stdin, though the pipe is there.
    host.serve(os.fdopen(0, "rb", closefd=False))
    return 0


def _take_stdout() -> BinaryIO:
    """Keep standard output for frames; whatever else is printed goes to standard error."""
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return frames


def _prepare_process() -> None:
    # A crash shows its Python stack in the report; it must not write a core file of many gigabytes
    # nor start a debugger, as ggml does for a stack of its own.
    faulthandler.enable(2)
    os.environ["GGML_NO_BACKTRACE"] = "1"
    # Ctrl+C in a terminal is for the application, which then tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            os.nice(NICENESS)
    handler = logging.StreamHandler(os.fdopen(2, "w", encoding="utf-8", closefd=False))
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("app.engine")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


class _Host:
    """Turns frames into jobs and events into frames."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        # Events come from the worker; those of a job cancelled in the queue from the main thread.
        self._lock = threading.Lock()
        self._worker = Worker()
        self._worker.start()

    def send(self, frame: protocol.Frame) -> None:
        """Write a frame; a parent that is gone ends this process."""
        try:
            with self._lock:
                protocol.write_frame(self._out, frame)
        except (OSError, ValueError):
            _leave(0)

    def serve(self, source: BinaryIO) -> None:
        """Read frames until `close` or the end of input."""
        while True:
            frame = protocol.read_frame(source)
            if frame is None:
                # The parent is gone: no time for native code to finish what it does.
                _leave(0)
            if frame["do"] == "close":
                break
            self._do(frame)
        self._worker.close(lambda: None)
        self._worker.join(_CLOSE_SECONDS)
        # Python's own way out would run destructors of native libraries in an order they
        # do not survive.
        _leave(0)

    def _do(self, frame: protocol.Frame) -> None:
        match frame["do"]:
            case "load" | "generate" | "count" | "bench" as what:
                self._do_request(what, frame)
            case "quantise" | "quantise_sizes":
                self._worker.put(AloneJob(lambda: self._quantised(frame), self._tell_outcome))
            case "cancel":
                self._worker.cancel(frame["id"])
            case "describe":
                self._worker.put(DescribeJob(self._tell_facts))
            case "devices":
                self._worker.put(DevicesJob(self._tell_devices))
            case "dry_run":
                params = load_params_from_dict(frame["params"])
                self._worker.put(DryRunJob(frame["path"], params, self._tell_sizes))
            case "forget":
                self._worker.put(ForgetJob(frame["tag"]))
            case unknown:
                raise protocol.ProtocolError(f"an unknown request: {unknown!r}")

    def _do_request(self, what: str, frame: protocol.Frame) -> None:
        content = frame["request"]
        match what:
            case "load":
                load = protocol.load_from_dict(content)
                keeping = protocol.keeping_from_dict(frame["keeping"])
                self._worker.put(LoadJob(load, self._teller(load.request_id), keeping))
            case "generate":
                generate = protocol.generate_from_dict(content)
                self._worker.put(GenerateJob(generate, self._teller(generate.request_id)))
            case "bench":
                bench = protocol.bench_from_dict(content)
                self._worker.put(BenchJob(bench, self._teller(bench.request_id)))
            case _:
                count = protocol.count_from_dict(content)
                self._worker.count(CountJob(count, self._count_teller(frame["id"])))

    def _quantised(self, frame: protocol.Frame) -> protocol.Frame:
        # In the worker's thread, the first that needs llama.cpp.
        from app.engine.quantise import answer

        return answer(frame, self.send)

    def _teller(self, request_id: str) -> Callable[[protocol.Event], None]:
        def tell(event: protocol.Event) -> None:
            self.send({**protocol.event_to_dict(event), "id": request_id})

        return tell

    def _count_teller(self, number: int) -> Callable[[TokenCount | AppError], None]:
        def tell(count: TokenCount | AppError) -> None:
            if isinstance(count, AppError):
                self.send({"is": "counted", "id": number, "error": count.to_dict()})
            else:
                self.send({"is": "counted", "id": number, "count": asdict(count)})

        return tell

    def _tell_facts(self, facts: Facts) -> None:
        self.send({"is": "facts", "facts": facts})

    def _tell_devices(self, devices: tuple[Device, ...]) -> None:
        self.send({"is": "devices", "devices": [asdict(device) for device in devices]})

    def _tell_sizes(self, sizes: MeasuredSizes | AppError) -> None:
        if isinstance(sizes, AppError):
            self.send({"is": "refused", "error": sizes.to_dict()})
        else:
            self.send({"is": "measured", "sizes": asdict(sizes)})

    def _tell_outcome(self, outcome: protocol.Frame | AppError) -> None:
        if isinstance(outcome, AppError):
            self.send({"is": "refused", "error": outcome.to_dict()})
        else:
            self.send(outcome)


def _leave(status: int) -> NoReturn:
    """End at once, without destructors."""
    os._exit(status)
