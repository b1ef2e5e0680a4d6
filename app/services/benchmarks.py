"""How fast the chosen model is here: measured, remembered, compared, and why it is slow."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import replace

from app.domain.benchmark import (
    BenchCancelled,
    BenchEvent,
    Benchmarked,
    BenchPlan,
    BenchProgress,
    BenchRecord,
    BenchRequest,
    BenchResult,
    BenchSubject,
    SpeedMeasured,
)
from app.domain.errors import AppError, EngineBusy, StoreError
from app.domain.facts import BenchmarkChanged, BenchmarkState, BenchPhase, Fact
from app.domain.fit import Memory
from app.domain.generation import Failed, LoadedInfo
from app.domain.localmodel import LocalModel
from app.domain.ports import Clock, ConversationStore, Engine
from app.domain.slowness import (
    Circumstances,
    Diagnosis,
    Fix,
    MachineFacts,
    SetThreads,
    ShorterContext,
    UnloadOthers,
    UseAllLayers,
    diagnose,
)
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.fit import held_bytes
from app.services.load_settings import LoadSettingsService
from app.services.models import ModelService

log = logging.getLogger(__name__)


class BenchmarkService:
    """One measurement at a time, of the chosen model; publishes `BenchmarkChanged`."""

    def __init__(
        self,
        engine: Engine,
        store: ConversationStore,
        models: ModelService,
        load_settings: LoadSettingsService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        memory: Callable[[], Memory],
        machine_facts: Callable[[], MachineFacts],
        machine: str,
        clock: Clock,
    ) -> None:
        """`memory` and `machine_facts` are asked each time, the latter in another thread."""
        self._engine = engine
        self._store = store
        self._models = models
        self._load_settings = load_settings
        self._facts = facts
        self._tasks = tasks
        self._memory = memory
        self._machine_facts = machine_facts
        self._machine = machine
        self._clock = clock
        self._state = BenchmarkState()
        self._request_id = ""
        self._is_unwanted = False
        self._offloads: bool | None = None
        self._numbers = itertools.count(1)

    @property
    def state(self) -> BenchmarkState:
        """The last measurement that was asked for."""
        return self._state

    # ---------------------------------------------------------------------------- measuring

    def begin(self, plan: BenchPlan) -> None:
        """Measure in the background; the state tells how it goes, and why it failed."""
        if not self._state.is_running:
            self._tasks.spawn(self._quietly(plan), "benchmark")

    async def _quietly(self, plan: BenchPlan) -> None:
        try:
            await self.measure(plan)
        except AppError as error:
            log.info("the measurement failed: %s", error.kind)

    async def measure(self, plan: BenchPlan) -> BenchRecord | None:
        """Load the chosen model if need be, and measure it; None if that was cancelled.

        Raises `EngineError` and `ModelFileError` cases.
        """
        if self._state.is_running:
            raise EngineBusy("Another measurement is running.", remedy="Wait until it has ended.")
        chosen = self._models.state.model
        self._is_unwanted = False
        self._show(BenchmarkState(BenchPhase.LOADING, chosen.path if chosen else ""))
        try:
            record = await self._measure(plan)
        except AppError as error:
            self._show(replace(self._state, phase=BenchPhase.FAILED, error=error))
            # The engine may have died of it.
            self._models.look_again()
            raise
        finally:
            self._request_id = ""
            if self._state.is_running:
                # Given up by whoever awaited it.
                self._show(replace(self._state, phase=BenchPhase.CANCELLED))
        return record

    async def _measure(self, plan: BenchPlan) -> BenchRecord | None:
        info = await self._models.load()
        model = self._models.state.model
        if info is None or model is None or model.path != info.path or self._is_unwanted:
            return None
        request = BenchRequest(f"bench-{next(self._numbers)}", info.path, plan)
        self._request_id = request.request_id
        self._show(BenchmarkState(BenchPhase.RUNNING, info.path))
        try:
            result = await self._result(request)
        except asyncio.CancelledError:
            self._engine.cancel(request.request_id)
            raise
        if result is None:
            return None
        record = await self._keep(model, info, result)
        self._show(BenchmarkState(BenchPhase.DONE, info.path, 1.0, record=record))
        return record

    async def _result(self, request: BenchRequest) -> BenchResult | None:
        async for batch in self._engine.benchmark(request):
            for event in batch:
                match event:
                    case Benchmarked(result):
                        return result
                    case BenchCancelled():
                        return None
                    case Failed(error):
                        raise error
                    case _:
                        self._went_on(event)
        raise AssertionError("an engine's stream ended without a terminal event")

    def _went_on(self, event: BenchEvent) -> None:
        match event:
            case BenchProgress(fraction, depth, threads):
                self._show(replace(self._state, fraction=fraction, depth=depth, threads=threads))
            case SpeedMeasured(speed):
                self._show(replace(self._state, speeds=(*self._state.speeds, speed)))
            case _:
                return

    async def _keep(self, model: LocalModel, info: LoadedInfo, result: BenchResult) -> BenchRecord:
        subject = BenchSubject(
            path=model.path,
            file_bytes=model.facts.file_bytes,
            mtime_ns=model.mtime_ns,
            backend=info.backend,
            threads=info.threads,
            gpu_layers=info.gpu_layers,
            context_length=info.context_length,
            weights_bytes=info.weights_bytes,
            context_bytes=info.context_bytes,
            compute_bytes=info.compute_bytes,
            load_seconds=info.load_seconds,
        )
        now = self._clock()
        try:
            return await self._store.keep_benchmark(self._machine, subject, result, now)
        except StoreError as error:
            log.info("the measurement is not kept: %s", error.kind)
            return BenchRecord(0, now, subject, result)

    def cancel(self) -> None:
        """End the measurement soon."""
        self._is_unwanted = True
        if self._request_id:
            self._engine.cancel(self._request_id)

    def _show(self, state: BenchmarkState) -> None:
        if state != self._state:
            self._state = state
            self._facts.publish(BenchmarkChanged(state))

    # ------------------------------------------------------------------------------ history

    async def history(self, model: LocalModel) -> list[BenchRecord]:
        """What was measured of this file on this machine, the last one first."""
        return await self._store.benchmarks(self._machine, model.path, model.facts.file_bytes)

    async def forget(self, record_id: int) -> None:
        """Take a measurement out of the history; raises `StoreError` cases."""
        await self._store.forget_benchmark(record_id)

    # ---------------------------------------------------------------------- why is it slow?

    async def diagnose(
        self, model: LocalModel, record: BenchRecord | None = None
    ) -> Diagnosis | None:
        """Why it is slow, or what sets the pace. `record`: the last measurement.

        None where it is neither loaded nor measured: then there is nothing to look at.
        """
        info = self._engine.loaded.get(model.path)
        if info is None and record is None:
            return None
        memory = self._memory()
        others = [other for path, other in self._engine.loaded.items() if path != model.path]
        if memory.mapped_is_available:
            # These pages count as available, but belong to a model that is loaded.
            mapped = sum(other.mapped_bytes for other in others)
            memory = replace(memory, available=max(0, memory.available - mapped))
        return diagnose(
            Circumstances(
                info=info or _info_of(model, record),
                machine=await asyncio.to_thread(self._machine_facts),
                memory=memory,
                held_bytes=held_bytes(info, memory) if info else 0,
                others_bytes=sum(other.memory_bytes for other in others),
                offloads=await self._can_offload(),
                layers=model.facts.block_count + 1,
                layers_are_set=self._load_settings.wished(model.path).gpu_layers is not None,
                longest_conversation=await self._store.longest_conversation(),
                record=record,
                mixture=bool(model.shape and model.shape.experts_used),
            )
        )

    async def _can_offload(self) -> bool:
        if self._offloads is None:
            try:
                self._offloads = (await self._engine.describe()).get("offload") == "yes"
            except AppError:
                # Nothing can be said, so nothing is blamed.
                return True
        return self._offloads

    async def apply(self, fix: Fix) -> None:
        """Do what a finding offers, as far as it is the engine's; where that is another way to
        load the model, load it again.

        Raises `ConfigError`, `EngineError` and `ModelFileError` cases.
        """
        chosen = self._models.state.model
        if chosen is None:
            return
        match fix:
            case SetThreads(threads):
                self._load_settings.use_threads(chosen.path, threads)
                loaded = self._engine.loaded.get(chosen.path)
                await self._models.load(loaded.context_length if loaded else None, again=True)
            case ShorterContext(length):
                wished = self._load_settings.wished(chosen.path)
                self._load_settings.change(chosen.path, replace(wished, context_length=length))
                await self._models.load(again=True)
            case UseAllLayers():
                wished = self._load_settings.wished(chosen.path)
                self._load_settings.change(chosen.path, replace(wished, gpu_layers=None))
                await self._models.load(again=True)
            case UnloadOthers():
                for path in self._engine.loaded:
                    if path != chosen.path:
                        await self._models.unload(path)
            case _:
                raise ValueError(f"not for the engine: {fix}")


def _info_of(model: LocalModel, record: BenchRecord | None) -> LoadedInfo:
    """How it was loaded when it was measured."""
    assert record is not None
    subject = record.subject
    return LoadedInfo(
        path=subject.path,
        name=model.label,
        architecture=model.facts.architecture,
        context_length=subject.context_length,
        trained_context=model.facts.trained_context,
        threads=subject.threads,
        gpu_layers=subject.gpu_layers,
        weights_bytes=subject.weights_bytes,
        context_bytes=subject.context_bytes,
        compute_bytes=subject.compute_bytes,
        backend=subject.backend,
        has_template=True,
        load_seconds=subject.load_seconds,
    )
