"""The application's side of what was asked of an engine: open streams and what is loaded.

Confined to the event loop's thread; whatever comes from elsewhere is handed over with
`call_soon_threadsafe` before it gets here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, TypeVar

from app.domain.benchmark import BenchCancelled, BenchEvent, Benchmarked, BenchRequest
from app.domain.errors import AppError
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadRequest,
    RunStats,
)
from app.engine.crashes import AnswerCrashes
from app.flow.stream import BatchStream

Event = LoadEvent | GenerateEvent | BenchEvent
_TERMINAL = (Loaded, LoadCancelled, Finished, Benchmarked, BenchCancelled, Failed)

T = TypeVar("T")


class Doing(Enum):
    """What an engine was at when it died."""

    NOTHING = auto()
    LOADING = auto()
    ANSWERING = auto()
    MEASURING = auto()


@dataclass(slots=True)
class _Open:
    """A request that has not ended."""

    stream: BatchStream[Any]
    doing: Doing
    name: str
    """The model's file."""
    asked: GenerateRequest | None = None
    """What an answer was asked with."""
    cancelled: bool = False

    def end_cancelled(self) -> None:
        """End as the reader wished."""
        match self.doing:
            case Doing.LOADING:
                self.stream.finish(LoadCancelled())
            case Doing.MEASURING:
                self.stream.finish(BenchCancelled())
            case _:
                self.stream.finish(Finished(FinishReason.CANCELLED, RunStats()))


class Requests:
    """Open requests by id, oldest first."""

    def __init__(self, crashes: AnswerCrashes | None = None) -> None:
        """`crashes` remembers for several engines, of which each may die."""
        self._open: dict[str, _Open] = {}
        self.loaded: LoadedInfo | None = None
        self.crashes = crashes or AnswerCrashes()
        self._lost: list[Callable[[AppError], None]] = []
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_busy(self) -> bool:
        """Whether a request has not ended."""
        return bool(self._open)

    @property
    def only_measures(self) -> bool:
        """Whether all that has not ended is a measurement, which others need not wait for."""
        open_now = self._open.values()
        return bool(open_now) and all(one.doing is Doing.MEASURING for one in open_now)

    async def idle(self) -> None:
        """Wait until no request is open."""
        await self._idle.wait()

    def open_load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """A stream for the events of this load."""
        return self._new(request.request_id, Doing.LOADING, Path(request.path).name)

    def open_generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """A stream for the events of this answer."""
        name = Path(request.model_path).name
        return self._new(request.request_id, Doing.ANSWERING, name, request)

    def open_bench(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]:
        """A stream for the events of this measurement."""
        return self._new(request.request_id, Doing.MEASURING, Path(request.model_path).name)

    def _new(
        self, request_id: str, doing: Doing, name: str, asked: GenerateRequest | None = None
    ) -> BatchStream[Any]:
        if not request_id or request_id in self._open:
            raise ValueError(f"a request id that is empty or in use: {request_id!r}")
        stream = BatchStream[Any](asyncio.get_running_loop())
        self._open[request_id] = _Open(stream, doing, name, asked)
        self._idle.clear()
        return stream

    def deliver(self, request_id: str, event: Event) -> None:
        """An event of a request; what comes for one that has ended is dropped."""
        entry = self._open.get(request_id)
        if entry is None:
            return
        if entry.doing is Doing.LOADING and not isinstance(event, LoadCancelled):
            # Once it is begun, whatever it comes to, the model before it is gone; one that is
            # cancelled while it waits leaves that as it is.
            self.loaded = event.info if isinstance(event, Loaded) else None
        if not isinstance(event, _TERMINAL):
            entry.stream.put(event)
            return
        self._close(request_id)
        entry.stream.finish(event)

    def _close(self, request_id: str) -> _Open:
        entry = self._open.pop(request_id)
        if not self._open:
            self._idle.set()
        return entry

    def mark_cancelled(self, request_id: str) -> bool:
        """Note that the reader wants no more; whether the request is open."""
        entry = self._open.get(request_id)
        if entry is None:
            return False
        entry.cancelled = True
        return True

    def end_cancelled(self, request_id: str) -> None:
        """End a request that is not begun any more."""
        self._close(request_id).end_cancelled()

    def is_open(self, request_id: str) -> bool:
        """Whether the request has not ended."""
        return request_id in self._open

    @property
    def open_ids(self) -> tuple[str, ...]:
        """Requests that have not ended, oldest first."""
        return tuple(self._open)

    def on_lost(self, heard: Callable[[AppError], None]) -> None:
        """Tell `heard` of an engine that died while nothing was asked of it."""
        self._lost.append(heard)

    def engine_gone(self, error_for: Callable[[Doing, str], AppError]) -> None:
        """End all requests: cancelled ones as cancelled, the others as failed.

        `error_for` makes the error from what the engine was doing with which file.
        """
        was_loaded, self.loaded = self.loaded, None
        requests, self._open = self._open, {}
        self._idle.set()
        for entry in requests.values():
            if entry.cancelled:
                entry.end_cancelled()
            else:
                error = error_for(entry.doing, entry.name)
                if entry.asked is not None:
                    self.crashes.note(entry.asked, error)
                entry.stream.finish(Failed(error))
        if not requests and was_loaded is not None:
            error = error_for(Doing.NOTHING, Path(was_loaded.path).name)
            for heard in tuple(self._lost):
                heard(error)
