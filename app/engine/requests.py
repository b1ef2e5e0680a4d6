"""The application's side of what was asked of an engine: open streams and what is loaded.

Confined to the event loop's thread; whatever comes from elsewhere is handed over with
`call_soon_threadsafe` before it gets here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

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
from app.flow.stream import BatchStream

Event = LoadEvent | GenerateEvent
_TERMINAL = (Loaded, LoadCancelled, Finished, Failed)

T = TypeVar("T")


@dataclass(slots=True)
class _Open:
    """A request that has not ended."""

    stream: BatchStream[Any]
    is_load: bool
    name: str
    cancelled: bool = False


class Requests:
    """Open requests by id, oldest first."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self.loaded: LoadedInfo | None = None
        self._lost: list[Callable[[AppError], None]] = []

    def open_load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """A stream for the events of this load."""
        return self._new(request.request_id, is_load=True, name=Path(request.path).name)

    def open_generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """A stream for the events of this answer."""
        return self._new(request.request_id, is_load=False, name=Path(request.model_path).name)

    def _new(self, request_id: str, *, is_load: bool, name: str) -> BatchStream[Any]:
        if not request_id or request_id in self._open:
            raise ValueError(f"a request id that is empty or in use: {request_id!r}")
        stream = BatchStream[Any](asyncio.get_running_loop())
        self._open[request_id] = _Open(stream, is_load, name)
        return stream

    def deliver(self, request_id: str, event: Event) -> None:
        """An event of a request; what comes for one that has ended is dropped."""
        entry = self._open.get(request_id)
        if entry is None:
            return
        if not isinstance(event, _TERMINAL):
            entry.stream.put(event)
            return
        if entry.is_load:
            # Whatever a load comes to, the model before it is gone.
            self.loaded = event.info if isinstance(event, Loaded) else None
        del self._open[request_id]
        entry.stream.finish(event)

    def mark_cancelled(self, request_id: str) -> bool:
        """Note that the reader wants no more; whether the request is open."""
        entry = self._open.get(request_id)
        if entry is None:
            return False
        entry.cancelled = True
        return True

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

    def engine_gone(self, error_for: Callable[[str, bool], AppError]) -> None:
        """End all requests: cancelled ones as cancelled, the others as failed.

        `error_for` makes the error from the model's name and whether it was being loaded.
        """
        was_loaded, self.loaded = self.loaded, None
        requests, self._open = self._open, {}
        for entry in requests.values():
            if not entry.cancelled:
                entry.stream.finish(Failed(error_for(entry.name, entry.is_load)))
            elif entry.is_load:
                entry.stream.finish(LoadCancelled())
            else:
                entry.stream.finish(Finished(FinishReason.CANCELLED, RunStats()))
        if not requests and was_loaded is not None:
            error = error_for(Path(was_loaded.path).name, False)
            for heard in tuple(self._lost):
                heard(error)
