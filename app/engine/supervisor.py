"""`HostEngine`: the engine in a child process, started when first needed, and again if it dies.

    engine = HostEngine()                 # in the application
    engine = HostEngine(command=[...])    # another command line for the host, for tests

All methods belong to the thread of the running event loop (asyncio's or qasync's).
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from app.domain.benchmark import BenchEvent, BenchRequest
from app.domain.errors import AppError, EngineCrashed, EngineNotStarted, FileChanged
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    CountRequest,
    Failed,
    GenerateEvent,
    GenerateRequest,
    LoadedInfo,
    LoadEvent,
    LoadRequest,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.placement import Device
from app.engine import protocol
from app.engine.crashes import AnswerCrashes
from app.engine.host_process import HostEnd, HostProcess
from app.engine.kept.folder import Keeping
from app.engine.kept.from_outside import KeptFromOutside
from app.engine.measuring import MeasuringHosts
from app.engine.refusal import not_loaded
from app.engine.requests import Doing, Requests

CANCEL_SECONDS = 2.0
"""A host that says nothing for so long after a cancel hangs in native code, and is killed."""
CANCEL_PATIENCE = 5
"""So many times as long one is waited for that goes on with other answers: on a busy machine a step
beside them may take seconds, and they would end with the host."""

T = TypeVar("T")

CLOSE_SECONDS = 3.0


def host_command() -> list[str]:
    """How this application starts its engine host."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--engine-host"]
    return [sys.executable, "-m", "app", "--engine-host"]


def host_folder() -> Path | None:
    """Where `-m app` finds this very application, wherever the person started it: with `-m` Python
    looks for modules in the working directory first."""
    if getattr(sys, "frozen", False):
        return None
    return Path(__file__).parents[2]


class HostEngine:
    """One model in a host process (see `app.engine.pool`)."""

    def __init__(
        self,
        command: Sequence[str] | None = None,
        keeping: Callable[[], Keeping | None] = lambda: None,
        crashes: AnswerCrashes | None = None,
    ) -> None:
        """`keeping` is asked at each load where conversations are kept that leave the memory.

        `crashes` is shared by the engines of a pool, which does not keep one that died.
        """
        self._kept = KeptFromOutside(keeping)
        self._command = list(command) if command is not None else host_command()
        self._requests = Requests(crashes)
        self._host: HostProcess | None = None
        self._ends: dict[HostProcess, asyncio.Future[None]] = {}
        self._facts: list[asyncio.Future[dict[str, str | list[str]]]] = []
        self._devices: list[asyncio.Future[tuple[Device, ...]]] = []
        self._counts: dict[int, asyncio.Future[TokenCount | AppError]] = {}
        self._count_numbers = itertools.count(1)
        self._frames = 0
        """What hosts have said so far: a sign of life."""
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._closing = False
        self._measuring = MeasuringHosts(self._command, host_folder())

    @property
    def loaded(self) -> LoadedInfo | None:
        """What is loaded now; None as well after the host died."""
        return self._requests.loaded

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked has not ended."""
        return self._requests.is_busy

    @property
    def only_measures(self) -> bool:
        """Whether all that has not ended is a measurement."""
        return self._requests.only_measures

    async def idle(self) -> None:
        """Wait until nothing runs that was asked."""
        await self._requests.idle()

    def warm(self) -> None:
        """Start the host, so that it is there when it is needed."""
        if not self._closing:
            self._running_host()

    @property
    def host_pid(self) -> int | None:
        """The process id of the host that runs now."""
        return None if self._host is None else self._host.pid

    def load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """Unload what is loaded and load this; ends with `Loaded`, `LoadCancelled` or `Failed`."""
        stream = self._requests.open_load(request)
        keeping = protocol.keeping_to_dict(self._kept.keeping())
        self._ask(request.request_id, "load", protocol.load_to_dict(request), keeping=keeping)
        return stream

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """Answer; ends with `Finished` or `Failed`."""
        stream = self._requests.open_generate(request)
        refusal = self._requests.crashes.refusal(request)
        if refusal is not None:
            self._requests.deliver(request.request_id, Failed(refusal))
            return stream
        self._ask(request.request_id, "generate", protocol.generate_to_dict(request))
        return stream

    def benchmark(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]:
        """Measure; ends with `Benchmarked`, `BenchCancelled` or `Failed`."""
        stream = self._requests.open_bench(request)
        self._ask(request.request_id, "bench", protocol.bench_to_dict(request))
        return stream

    def _ask(self, request_id: str, what: str, request: protocol.Frame, **more: object) -> None:
        if self._closing:
            # Nothing is begun any more: the request ends as cancelled.
            self._requests.end_cancelled(request_id)
        else:
            self._running_host().send({"do": what, "request": request, **more})

    def cancel(self, request_id: str) -> None:
        """End that load, answer or measurement soon; a host that does not obey is killed."""
        if not self._requests.mark_cancelled(request_id) or self._host is None:
            return
        if request_id in self._deadlines:
            return
        self._host.send({"do": "cancel", "id": request_id})
        self._await_cancel(request_id, self._host, CANCEL_PATIENCE)

    def _await_cancel(self, request_id: str, host: HostProcess, patience: int) -> None:
        self._deadlines[request_id] = asyncio.get_running_loop().call_later(
            CANCEL_SECONDS, self._cancel_is_overdue, request_id, host, self._frames, patience - 1
        )

    def _cancel_is_overdue(
        self, request_id: str, host: HostProcess, frames: int, patience: int
    ) -> None:
        del self._deadlines[request_id]
        if host is not self._host or not self._requests.is_open(request_id):
            return
        if patience and self._frames > frames:
            self._await_cancel(request_id, host, patience)
        else:
            host.kill()

    def _drop_deadlines(self) -> None:
        """Forget the deadlines of requests that have ended."""
        for request_id in [key for key in self._deadlines if not self._requests.is_open(key)]:
            self._deadlines.pop(request_id).cancel()

    async def count_tokens(self, request: CountRequest) -> TokenCount:
        """What would be sent, beside whatever runs; raises `EngineError` cases."""
        if self._host is None:
            # No host is started for it: it would have nothing loaded.
            raise not_loaded(request.model_path)
        number = next(self._count_numbers)
        told = self._counts[number] = asyncio.get_running_loop().create_future()
        try:
            self._host.send(
                {"do": "count", "id": number, "request": protocol.count_to_dict(request)}
            )
            count = await told
        finally:
            del self._counts[number]
        if isinstance(count, AppError):
            raise count
        return count

    async def describe(self) -> dict[str, str | list[str]]:
        """Facts about llama.cpp for `lamplight doctor`; raises `EngineCrashed`."""
        facts = asyncio.get_running_loop().create_future()
        self._facts.append(facts)
        self._running_host().send({"do": "describe"})
        return await facts

    async def devices(self) -> tuple[Device, ...]:
        """What computes here, with its memory as it is now; raises `EngineCrashed`."""
        devices = asyncio.get_running_loop().create_future()
        self._devices.append(devices)
        self._running_host().send({"do": "devices"})
        return await devices

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        """What a load would take, measured by another host; raises `AppError` cases."""
        return await self._measuring.dry_run(path, params)

    async def forget(self, tag: str | None) -> None:
        """Drop what was read of this conversation, in memory and on disk; raises `EngineError`."""
        if self._host is not None:
            self._host.send({"do": "forget", "tag": tag})
        # The host does it as well, after what it writes just now.
        await self._kept.forget(tag)

    async def kept_bytes(self) -> int:
        """What is kept on disk of conversations that left the memory."""
        return await self._kept.size()

    def on_lost(self, heard: Callable[[AppError], None]) -> None:
        """Call `heard` in the event loop when the host dies while nothing was asked of it."""
        self._requests.on_lost(heard)

    async def close(self) -> None:
        """Cancel, unload, end the host; afterwards nothing of it is left running."""
        self._closing = True
        await self._measuring.close()
        host = self._host
        if host is None:
            return
        for request_id in self._requests.open_ids:
            self._requests.mark_cancelled(request_id)
        ended = self._ends[host]
        host.send({"do": "close"})
        if not await _within(CLOSE_SECONDS, ended):
            host.kill()
            await ended
        host.join()

    def _running_host(self) -> HostProcess:
        if self._host is None:
            self._host = self._start_host()
        return self._host

    def _start_host(self) -> HostProcess:
        loop = asyncio.get_running_loop()

        def heard(frame: protocol.Frame) -> None:
            _tell(loop, self._heard, host, frame)

        def ended(end: HostEnd) -> None:
            _tell(loop, self._ended, host, end)

        host = HostProcess(self._command, host_folder(), heard, ended)
        self._ends[host] = loop.create_future()
        host.start()
        return host

    def _heard(self, host: HostProcess, frame: protocol.Frame) -> None:
        if host is not self._host:
            return
        self._frames += 1
        try:
            self._understand(host, frame)
        except protocol.ProtocolError:
            host.kill()

    def _understand(self, host: HostProcess, frame: protocol.Frame) -> None:
        match frame.get("is"):
            case "hello":
                if frame.get("version") != protocol.VERSION:
                    host.kill()
            case "facts":
                self._settle(self._facts, frame.get("facts", {}))
            case "devices":
                self._settle(self._devices, protocol.devices_from_dict(frame))
            case "counted":
                told = self._counts.get(frame.get("id", 0))
                if told is not None and not told.done():
                    told.set_result(protocol.counted_from_dict(frame))
            case _:
                self._requests.deliver(frame.get("id", ""), protocol.event_from_dict(frame))
                self._drop_deadlines()

    def _ended(self, host: HostProcess, end: HostEnd) -> None:
        if host is self._host:
            self._host = None
            self._requests.engine_gone(lambda doing, name: _crashed(end, doing, name))
            self._drop_deadlines()
            for told in self._counts.values():
                if not told.done():
                    told.set_result(_crashed(end, Doing.NOTHING, ""))
            for waiting in (*self._facts, *self._devices):
                if not waiting.done():
                    waiting.set_exception(_crashed(end, Doing.NOTHING, ""))
            self._facts.clear()
            self._devices.clear()
        self._ends.pop(host).set_result(None)

    @staticmethod
    def _settle(waiting: list[asyncio.Future[T]], result: T) -> None:
        while waiting:
            future = waiting.pop(0)
            if not future.done():
                future.set_result(result)
                return


def _tell(loop: asyncio.AbstractEventLoop, heard: Callable[..., None], *facts: object) -> None:
    """Hand over to the event loop's thread."""
    try:
        loop.call_soon_threadsafe(heard, *facts)
    except RuntimeError:
        # The loop is closed: the application has ended without closing its engine.
        return


async def _within(seconds: float, done: asyncio.Future[None]) -> bool:
    await asyncio.wait([done], timeout=seconds)
    return done.done()


def _crashed(end: HostEnd, doing: Doing, name: str) -> EngineCrashed:
    detail = "\n".join((end.what, *end.last_lines))
    if end.status is None:
        return EngineNotStarted(
            "The engine could not be started.", detail, "Install Lamplight again, then try again."
        )
    if end.file_changed and name:
        return FileChanged(
            f"“{name}” changed while it was in use, so the engine had to stop.",
            detail,
            "Wait until whatever writes the file is done, then load it again; if that fails, "
            "download it again.",
        )
    match doing:
        case Doing.LOADING:
            title = f"The engine stopped unexpectedly while it loaded “{name}”."
            remedy = "The file may be damaged. Download it again, or choose another model."
        case Doing.ANSWERING:
            title = "The engine stopped unexpectedly while answering. What it had written is kept."
            remedy = "Send the message again; the engine starts anew."
        case Doing.MEASURING:
            title = f"The engine stopped unexpectedly while it measured “{name}”."
            remedy = "Measure again; the engine starts anew."
        case Doing.NOTHING:
            title = "The engine stopped unexpectedly."
            remedy = "It starts anew with the next message."
    return EngineCrashed(title, detail, remedy)
