"""An engine that answers what it was told to: for tests that need determinism, not llama.cpp."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from app.domain.benchmark import BenchCancelled, BenchEvent, Benchmarked, BenchRequest
from app.domain.errors import AppError
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    CountRequest,
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadProgress,
    LoadRequest,
    PartKind,
    RunStats,
    TextDelta,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.placement import Device


def info_for(path: str, context_length: int = 4096) -> LoadedInfo:
    """What a loaded model of this path would say."""
    return LoadedInfo(
        path=path,
        name="Scripted",
        architecture="llama",
        context_length=context_length,
        trained_context=8192,
        threads=1,
        gpu_layers=0,
        weights_bytes=100,
        context_bytes=20,
        compute_bytes=3,
        backend="CPU",
        has_template=True,
        load_seconds=0.1,
    )


def text(*pieces: str) -> list[GenerateEvent]:
    """The events of an answer with these pieces."""
    events: list[GenerateEvent] = [TextDelta(PartKind.TEXT, piece) for piece in pieces]
    stats = RunStats(prompt_tokens=5, answer_tokens=len(pieces), seed=7)
    return [*events, Finished(FinishReason.STOP, stats)]


@dataclass
class ScriptedEngine:
    """Implements the `Engine` port. Each reply is used once; each event is its own batch."""

    replies: deque[Sequence[GenerateEvent]] = field(default_factory=deque)
    loads: deque[Sequence[LoadEvent]] = field(default_factory=deque)
    generated: list[GenerateRequest] = field(default_factory=list)
    asked_to_load: list[LoadRequest] = field(default_factory=list)
    benches: deque[Sequence[BenchEvent]] = field(default_factory=deque)
    benchmarked: list[BenchRequest] = field(default_factory=list)
    offload: str = "no"
    hold: asyncio.Event | None = None
    """If there, an answer pauses before its terminal event until this is set or it is cancelled."""
    hold_load: asyncio.Event | None = None
    """The same for a load."""
    hold_devices: asyncio.Event | None = None
    """The same for the list of devices."""
    devices_error: AppError | None = None
    counted: list[CountRequest] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)
    dry_run_error: AppError | None = None
    forgotten: list[str | None] = field(default_factory=list)
    lose_model_on_failure: bool = True
    there: tuple[Device, ...] = ()
    """The devices."""
    room: int = 1
    """As many models stay loaded."""
    _loaded: dict[str, LoadedInfo] = field(default_factory=dict)
    _cancelled: set[str] = field(default_factory=set)
    _lost: list[Callable[[str, AppError], None]] = field(default_factory=list)
    _changed: list[Callable[[], None]] = field(default_factory=list)
    closed: bool = False

    @property
    def loaded(self) -> dict[str, LoadedInfo]:
        return dict(self._loaded)

    async def load(self, request: LoadRequest) -> AsyncIterator[Sequence[LoadEvent]]:
        self.asked_to_load.append(request)
        self._loaded.pop(request.path, None)
        while len(self._loaded) >= self.room:
            self.drop(next(iter(self._loaded)))
        info = info_for(request.path, request.params.context_length or 4096)
        info = replace(info, params=request.params)
        events = self.loads.popleft() if self.loads else (LoadProgress(0.5), Loaded(info))
        for event in events:
            if await self._held(request.request_id, event, self.hold_load):
                yield [LoadCancelled()]
                return
            if isinstance(event, Loaded):
                self._loaded[request.path] = event.info
                self._tell_changed()
            yield [event]

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Sequence[GenerateEvent]]:
        self.generated.append(request)
        for event in self.replies.popleft():
            if await self._held(request.request_id, event, self.hold):
                yield [Finished(FinishReason.CANCELLED, RunStats())]
                return
            if isinstance(event, Failed) and self.lose_model_on_failure:
                self._loaded.pop(request.model_path, None)
            yield [event]

    async def benchmark(self, request: BenchRequest) -> AsyncIterator[Sequence[BenchEvent]]:
        self.benchmarked.append(request)
        for event in self.benches.popleft():
            if await self._held(request.request_id, event, self.hold):
                yield [BenchCancelled()]
                return
            if isinstance(event, Failed) and self.lose_model_on_failure:
                self.drop(request.model_path)
            yield [event]

    async def _held(self, request_id: str, event: object, hold: asyncio.Event | None) -> bool:
        """Let other tasks run; whether the request was cancelled."""
        await asyncio.sleep(0)
        terminal = isinstance(event, Loaded | Finished | Failed | Benchmarked)
        while terminal and hold is not None and not hold.is_set():
            if request_id in self._cancelled:
                break
            await asyncio.sleep(0.001)
        return request_id in self._cancelled

    def cancel(self, request_id: str) -> None:
        self._cancelled.add(request_id)

    async def count_tokens(self, request: CountRequest) -> TokenCount:
        """A token for each word."""
        self.counted.append(request)
        said = sum(len(turn.text.split()) for turn in request.turns)
        return TokenCount(4096, 0, said, len(request.draft.split()), 0)

    async def unload(self, path: str) -> None:
        self.drop(path)

    def drop(self, path: str) -> None:
        """The model is unloaded."""
        self._loaded.pop(path, None)
        self._tell_changed()

    def _tell_changed(self) -> None:
        for heard in self._changed:
            heard()

    async def describe(self) -> dict[str, str | list[str]]:
        return {"llama.cpp": "scripted", "offload": self.offload}

    async def devices(self) -> tuple[Device, ...]:
        if self.hold_devices is not None:
            await self.hold_devices.wait()
        if self.devices_error is not None:
            raise self.devices_error
        return self.there

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        self.measured.append(path)
        if self.dry_run_error is not None:
            raise self.dry_run_error
        return MeasuredSizes(params.context_length or 4096, 100, 20, 3)

    async def forget(self, tag: str | None) -> None:
        self.forgotten.append(tag)

    async def kept_bytes(self) -> int:
        return 0 if None in self.forgotten else 93_000_000

    def on_lost(self, heard: Callable[[str, AppError], None]) -> None:
        self._lost.append(heard)

    def on_changed(self, heard: Callable[[], None]) -> None:
        self._changed.append(heard)

    def lose(self, path: str, error: AppError) -> None:
        """The host of a model dies while idle."""
        self._loaded.pop(path, None)
        for heard in self._lost:
            heard(path, error)
        self._tell_changed()

    async def close(self) -> None:
        self.closed = True
