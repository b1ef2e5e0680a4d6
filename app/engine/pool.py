"""`EnginePool`: several loaded models, each with an engine of its own.

    pool = EnginePool(HostEngine, limits, machine_memory, tasks)

In a host process each, a model that is unloaded gives back all its memory, and one that ends its
process takes no other along. All methods belong to the thread of the running event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.domain.benchmark import BenchCancelled, BenchEvent, BenchRequest
from app.domain.errors import AppError
from app.domain.fit import MEMORY, MeasuredSizes, Memory
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
    LoadRequest,
    RunStats,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.placement import Device, Resident, make_room
from app.engine.refusal import not_loaded
from app.flow.stream import BatchStream
from app.flow.tasks import TaskOwner


class OneModelEngine(Protocol):
    """What holds a single model: `HostEngine` or `ThreadEngine`."""

    @property
    def loaded(self) -> LoadedInfo | None: ...

    @property
    def is_busy(self) -> bool: ...

    @property
    def only_measures(self) -> bool: ...

    async def idle(self) -> None: ...

    def warm(self) -> None: ...

    def load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]: ...

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]: ...

    def benchmark(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]: ...

    async def forget(self, tag: str | None) -> None: ...

    async def kept_bytes(self) -> int: ...

    async def count_tokens(self, request: CountRequest) -> TokenCount: ...

    def cancel(self, request_id: str) -> None: ...

    async def describe(self) -> dict[str, str | list[str]]: ...

    async def devices(self) -> tuple[Device, ...]: ...

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes: ...

    def on_lost(self, heard: Callable[[AppError], None]) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much may be loaded, and for how long."""

    budget_bytes: int = 0
    """Of all models together; 0: what fits into free memory, with some to spare."""
    idle_seconds: float = 0.0
    """A model that was not used for so long is unloaded; 0: never."""


@dataclass(slots=True, eq=False)
class _Place:
    """An engine and the model that it has, or is to have."""

    path: str
    engine: OneModelEngine
    used_at: float
    needs: Mapping[str, int] = field(default_factory=dict[str, int])
    """What it is expected to take, until it has it."""
    watched: bool = False
    waits: bool = False
    """A load of it waits for room."""

    @property
    def in_use(self) -> bool:
        return self.waits or self.engine.is_busy

    @property
    def stays(self) -> bool:
        """Whether others wait for it; a measurement ends as cancelled instead."""
        return self.waits or (self.engine.is_busy and not self.engine.only_measures)

    def holds(self) -> dict[str, int]:
        """Bytes by place."""
        info = self.engine.loaded
        if info is None:
            return dict(self.needs)
        return {MEMORY: info.memory_bytes, **dict(info.places)}


class EnginePool:
    """The `Engine` port for several models."""

    def __init__(
        self,
        make: Callable[[], OneModelEngine],
        limits: Callable[[], PoolLimits],
        memory: Callable[[], Memory],
        tasks: TaskOwner,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limits` and `memory` are asked each time; `clock` is in seconds."""
        self._make = make
        self._limits = limits
        self._memory = memory
        self._tasks = tasks
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._spare: OneModelEngine | None = None
        """Was started to tell what is there; the next model gets it."""
        self._measurer = make()
        """Never has a model: its dry runs wait for no answer."""
        # Two loads at once must not both count on the same memory.
        self._turn = asyncio.Lock()
        self._waiting: dict[str, asyncio.Event] = {}
        """Loads that wait for room, and how to end that."""
        self._lost: list[Callable[[str, AppError], None]] = []
        self._changed: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._ending: set[asyncio.Event] = set()
        """Engines that are being closed, which may still write what they keep."""

    @property
    def loaded(self) -> Mapping[str, LoadedInfo]:
        """What is loaded now, by path; the one used last comes last."""
        places = sorted(self._places.values(), key=lambda place: place.used_at)
        infos = ((place.path, place.engine.loaded) for place in places)
        return {path: info for path, info in infos if info is not None}

    def on_lost(self, heard: Callable[[str, AppError], None]) -> None:
        """Call `heard` with the path of a model whose engine died while nothing was asked of it."""
        self._lost.append(heard)

    def on_changed(self, heard: Callable[[], None]) -> None:
        """Call `heard` when other models are loaded than before."""
        self._changed.append(heard)

    # ------------------------------------------------------------------------------- loading

    def load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """Load beside the others, or in place of idle ones; see the port."""
        # The engine's own stream keeps the intervals.
        stream: BatchStream[LoadEvent] = BatchStream(asyncio.get_running_loop(), interval=0)
        if self._closing:
            stream.finish(LoadCancelled())
            return stream
        place = self._places.get(request.path)
        if place is None:
            engine, self._spare = self._spare or self._make(), None
            place = self._places[request.path] = _Place(request.path, engine, self._clock())
            engine.on_lost(lambda error: self._on_lost(place, error))
            engine.warm()
        self._waiting[request.request_id] = asyncio.Event()
        self._tasks.spawn(self._load(place, request, stream), request.request_id)
        return stream

    async def _load(
        self, place: _Place, request: LoadRequest, stream: BatchStream[LoadEvent]
    ) -> None:
        cancelled = self._waiting[request.request_id]
        try:
            place.waits = True
            await self._make_room(place, dict(request.needs), cancelled)
            del self._waiting[request.request_id]
            place.waits = False
            if not cancelled.is_set() and self._places.get(place.path) is place:
                await self._hand_on(place, request, stream)
        except AppError as error:
            # An engine could not even be asked what is there.
            stream.finish(Failed(error))
        finally:
            self._waiting.pop(request.request_id, None)
            place.needs, place.waits = {}, False
            # What has its end already drops this.
            stream.finish(LoadCancelled())
            if place.engine.loaded is None and self._places.get(place.path) is place:
                await self._retire(place)

    async def _hand_on(
        self, place: _Place, request: LoadRequest, stream: BatchStream[LoadEvent]
    ) -> None:
        async for batch in place.engine.load(request):
            for event in batch:
                if isinstance(event, Loaded):
                    place.needs = {}
                    self._touch(place)
                    self._tell_changed()
                if isinstance(event, Loaded | LoadCancelled | Failed):
                    stream.finish(event)
                else:
                    stream.put(event)

    async def _make_room(
        self, place: _Place, needs: dict[str, int], cancelled: asyncio.Event
    ) -> None:
        """Unload what stands in the way; wait for what is busy, until it may be unloaded."""
        while needs and not cancelled.is_set():
            async with self._turn:
                busy = await self._unload_idle(place, needs)
                if not busy:
                    place.needs = needs
                    return
            await _first_of(cancelled.wait(), *(other.engine.idle() for other in busy))

    async def _unload_idle(self, place: _Place, needs: dict[str, int]) -> list[_Place]:
        """Unload as many as must go; the busy ones that still stand in the way."""
        others = [other for other in self._places.values() if other is not place]
        residents = [_resident(other) for other in others]
        free = await self._free(place, needs)
        plan = make_room(needs, free, residents, self._limits().budget_bytes)
        for path in plan.unload:
            await self.unload(path)
        return [] if plan.enough else [other for other in others if other.stays and not other.waits]

    async def _free(self, place: _Place, needs: Mapping[str, int]) -> dict[str, int]:
        """Bytes that nobody holds, by place; what `place` has now is given back before."""
        memory = self._memory()
        free: Counter[str] = Counter({MEMORY: memory.available})
        if any(name != MEMORY for name in needs):
            free.update({device.name: device.free_bytes for device in await self.devices()})
        for other in self._places.values():
            info = other.engine.loaded
            if info is None:
                # It is about to take this.
                free.subtract(other.needs)
            elif memory.mapped_is_available:
                # These pages count as available, and its model would be slow without them.
                free[MEMORY] -= info.mapped_bytes
        free.update(place.holds())
        return dict(free)

    # ----------------------------------------------------------------------------- answering

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """Answer with the model loaded from `model_path`; see the port."""
        place = self._places.get(request.model_path)
        if (
            not self._closing
            and place is not None
            and (place.engine.loaded or place.engine.is_busy)
        ):
            self._touch(place)
            answers = place.engine.generate(request)
            self._watch(place)
            return answers
        stream: BatchStream[GenerateEvent] = BatchStream(asyncio.get_running_loop())
        if self._closing:
            stream.finish(Finished(FinishReason.CANCELLED, RunStats()))
        else:
            stream.finish(Failed(not_loaded(request.model_path)))
        return stream

    def benchmark(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]:
        """Measure the model loaded from `model_path`; see the port."""
        place = self._places.get(request.model_path)
        if place is not None and not self._closing:
            self._touch(place)
            events = place.engine.benchmark(request)
            self._watch(place)
            return events
        stream: BatchStream[BenchEvent] = BatchStream(asyncio.get_running_loop())
        stream.finish(BenchCancelled() if self._closing else Failed(not_loaded(request.model_path)))
        return stream

    async def forget(self, tag: str | None) -> None:
        """Drop what was read of a conversation; see the port. Raises `EngineError`."""
        # The last one has no model: it removes what is on disk.
        engines = [*(place.engine for place in self._places.values()), self._measurer]
        told = await asyncio.gather(*(one.forget(tag) for one in engines), return_exceptions=True)
        for error in told:
            if error is not None:
                raise error
        if self._ending:
            await asyncio.gather(*(ended.wait() for ended in tuple(self._ending)))
            await self._measurer.forget(tag)

    async def kept_bytes(self) -> int:
        """What is kept on disk of conversations that left the memory."""
        return await self._measurer.kept_bytes()

    async def count_tokens(self, request: CountRequest) -> TokenCount:
        """What would be sent; see the port. Raises `NothingLoaded` where that model is not."""
        place = self._places.get(request.model_path)
        if place is None:
            raise not_loaded(request.model_path)
        return await place.engine.count_tokens(request)

    def cancel(self, request_id: str) -> None:
        """End that load or answer soon. Unknown ids are fine."""
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            waiting.set()
        for place in self._places.values():
            place.engine.cancel(request_id)

    # ----------------------------------------------------------------------------- unloading

    async def unload(self, path: str) -> None:
        """Free that model with all its memory; a running answer is cancelled first."""
        place = self._places.get(path)
        if place is not None:
            await self._retire(place)

    async def _retire(self, place: _Place) -> None:
        if self._places.get(place.path) is place:
            del self._places[place.path]
        ended = asyncio.Event()
        self._ending.add(ended)
        try:
            await place.engine.close()
        finally:
            self._ending.discard(ended)
            ended.set()
        self._tell_changed()

    def _on_lost(self, place: _Place, error: AppError) -> None:
        for heard in tuple(self._lost):
            heard(place.path, error)
        self._tell_changed()

    def _tell_changed(self) -> None:
        for heard in tuple(self._changed):
            heard()

    # -------------------------------------------------------------------------- time to live

    def _touch(self, place: _Place) -> None:
        place.used_at = self._clock()
        self._arm()

    def _watch(self, place: _Place) -> None:
        """Its time to live begins when nothing runs any more."""
        if not place.watched:
            place.watched = True
            self._tasks.spawn(self._note_idle(place), "idle")

    async def _note_idle(self, place: _Place) -> None:
        await place.engine.idle()
        place.watched = False
        self._touch(place)

    def _arm(self) -> None:
        """Look again when the next model may have outlived its time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._places or self._closing:
            return
        seconds, due = self._limits().idle_seconds, _LATEST
        if seconds > 0:
            oldest = min(place.used_at for place in self._places.values())
            due = min(max(oldest + seconds - self._clock(), _SOONEST), _LATEST)
        self._timer = asyncio.get_running_loop().call_later(due, self._expire)

    def _expire(self) -> None:
        seconds = self._limits().idle_seconds
        now = self._clock()
        for place in tuple(self._places.values()):
            if place.in_use:
                place.used_at = now
            elif seconds > 0 and now - place.used_at >= seconds:
                self._tasks.spawn(self._retire(place), "outlived")
        self._arm()

    # ---------------------------------------------------------------------------------- rest

    async def describe(self) -> dict[str, str | list[str]]:
        """Facts about llama.cpp for `lamplight doctor`; raises `EngineCrashed`."""
        asked = self._asked()
        return await asked.describe() if asked is not None else {}

    async def devices(self) -> tuple[Device, ...]:
        """What computes here, with its memory as it is now; raises `EngineCrashed`."""
        asked = self._asked()
        return await asked.devices() if asked is not None else ()

    def _asked(self) -> OneModelEngine | None:
        """An engine that can tell at once: one with nothing to do, or one that only answers.

        None after the end: nobody would close one that were started for it.
        """
        if self._closing:
            return None
        engines = [place.engine for place in self._places.values()]
        ready = [engine for engine in engines if not engine.is_busy]
        ready += [engine for engine in engines if engine.loaded is not None]
        if ready:
            return ready[0]
        if self._spare is None:
            self._spare = self._make()
        return self._spare

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        """What a load would take, without doing it; raises `AppError` cases."""
        return await self._measurer.dry_run(path, params)

    async def close(self) -> None:
        """Cancel, unload, end every engine; afterwards nothing of them is left running."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting.values():
            waiting.set()
        engines = [place.engine for place in self._places.values()]
        engines += [self._measurer, *([self._spare] if self._spare else [])]
        self._places.clear()
        self._spare = None
        await asyncio.gather(*(engine.close() for engine in engines))


_SOONEST = 0.05
_LATEST = 60.0
"""Seconds until the next look: the time to live may have been changed meanwhile."""


def _resident(place: _Place) -> Resident:
    return Resident(place.path, place.holds(), place.stays, place.used_at)


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
