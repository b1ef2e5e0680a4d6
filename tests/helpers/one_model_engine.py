"""An engine for one model that loads at once, and answers or measures until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from app.domain.benchmark import BenchCancelled, BenchEvent, BenchRequest
from app.domain.errors import AppError
from app.domain.fit import MEMORY, MeasuredSizes
from app.domain.generation import (
    CountRequest,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadRequest,
    PartKind,
    RunStats,
    TextDelta,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.placement import Device
from app.flow.stream import BatchStream
from tests.helpers.scripted_engine import info_for

E = TypeVar("E")


class LastingEngine:
    """Implements `OneModelEngine`; an answer and a measurement last until cancelled."""

    def __init__(self, gate: Callable[[], asyncio.Event | None]) -> None:
        """`gate` tells what holds back a load, if anything does."""
        self._gate = gate
        self._loading = False
        self.loaded: LoadedInfo | None = None
        self.closed = False
        self.forgotten: list[str | None] = []
        self._running: dict[str, Callable[[], None]] = {}
        self._measures: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_busy(self) -> bool:
        return self._loading or bool(self._running)

    @property
    def only_measures(self) -> bool:
        return self.is_busy and not self._loading and set(self._running) <= self._measures

    async def idle(self) -> None:
        await self._idle.wait()

    def warm(self) -> None:
        return

    async def load(self, request: LoadRequest) -> AsyncIterator[Sequence[LoadEvent]]:
        gate = self._gate()
        self._loading = True
        self._idle.clear()
        if gate is not None:
            await gate.wait()
        self._loading = False
        self._idle.set()
        weights = dict(request.needs).get(MEMORY, 100)
        self.loaded = replace(info_for(request.path), weights_bytes=weights)
        yield [Loaded(self.loaded)]

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        stream: BatchStream[GenerateEvent] = BatchStream(asyncio.get_running_loop())
        stream.put(TextDelta(PartKind.TEXT, "…"))
        end = Finished(FinishReason.CANCELLED, RunStats())
        return self._lasting(request.request_id, stream, end)

    def benchmark(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]:
        stream: BatchStream[BenchEvent] = BatchStream(asyncio.get_running_loop())
        self._measures.add(request.request_id)
        return self._lasting(request.request_id, stream, BenchCancelled())

    def _lasting(self, request_id: str, stream: BatchStream[E], end: E) -> BatchStream[E]:
        self._running[request_id] = lambda: stream.finish(end)
        self._idle.clear()
        return stream

    async def count_tokens(self, request: CountRequest) -> TokenCount:
        """A token for each letter of the draft."""
        return TokenCount(4096, 0, 0, len(request.draft), 0)

    async def forget(self, tag: str | None) -> None:
        self.forgotten.append(tag)

    async def kept_bytes(self) -> int:
        return 0

    def cancel(self, request_id: str) -> None:
        finish = self._running.pop(request_id, None)
        if finish is not None:
            finish()
        if not self._running:
            self._idle.set()

    async def describe(self) -> dict[str, str | list[str]]:
        return {}

    async def devices(self) -> tuple[Device, ...]:
        return ()

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        return MeasuredSizes(params.context_length or 4096, 100, 20, 3)

    def on_lost(self, heard: Callable[[AppError], None]) -> None:
        return

    async def close(self) -> None:
        self.closed = True
        self.loaded = None
        for request_id in tuple(self._running):
            self.cancel(request_id)
