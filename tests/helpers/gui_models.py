"""What the window is told of models, in tests of it: invented files, loads, fits, measurements."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from app.domain.benchmark import BenchPlan, BenchRecord
from app.domain.errors import AppError, LoadSettingsRefused
from app.domain.facts import (
    BenchmarkChanged,
    BenchmarkState,
    BenchPhase,
    Fact,
    LoadedModelsChanged,
    LoadSettingsChanged,
    ModelPhase,
    ModelsChanged,
    ModelState,
    ModelStateChanged,
)
from app.domain.fit import Fit, FitEstimate, MeasuredSizes, Share
from app.domain.fit_inputs import FitInputs
from app.domain.generation import LoadedInfo
from app.domain.load_params import AutomaticThreads, LoadParams, ThreadsFrom, plan_of
from app.domain.localmodel import STARTER_LABEL, GgufFacts, LocalModel
from app.domain.placement import Device, DeviceKind, Room
from app.domain.slowness import Diagnosis, Fix
from app.flow.broadcast import Broadcast


def local_model(name: str, *, starter: bool = False, trained: int = 8192) -> LocalModel:
    """A model that exists in words only."""
    facts = GgufFacts(
        architecture="llama",
        name=name,
        file_bytes=98_000_000 if starter else 4_680_000_000,
        tensor_count=272,
        parameters=135_000_000,
        quantisation="Q4_1" if starter else "Q4_K_M",
        trained_context=trained,
        block_count=30,
        embedding_length=576,
        vocab_size=49152,
        chat_template="{{ messages }}",
    )
    label = STARTER_LABEL if starter else name
    return LocalModel(f"/models/{name}.gguf", label, facts, starter, starter)


def loaded_info(path: str, context_length: int = 8192) -> LoadedInfo:
    """What such a model takes once it is loaded."""
    return LoadedInfo(
        path=path,
        name="SmolLM2 135M Instruct",
        architecture="llama",
        context_length=context_length,
        trained_context=8192,
        threads=1,
        gpu_layers=0,
        weights_bytes=98_000_000,
        context_bytes=188_000_000,
        compute_bytes=31_000_000,
        backend="CPU",
        has_template=True,
        load_seconds=0.2,
    )


class FakeModels:
    """Loads at once, unless `load_gate` is given; fails with `load_error` if that is given."""

    def __init__(self, facts: Broadcast[Fact], models: Sequence[LocalModel]) -> None:
        self._facts = facts
        self.models: tuple[LocalModel, ...] = tuple(models)
        chosen = self.models[0] if self.models else None
        phase = ModelPhase.CHOSEN if chosen else ModelPhase.NONE
        self.state = ModelState(phase, chosen)
        self.load_error: AppError | None = None
        self.open_error: AppError | None = None
        self.load_gate: asyncio.Event | None = None
        self.loads: list[int | None] = []
        self.loaded: tuple[LoadedInfo, ...] = ()
        self.outdated: set[str] = set()
        self.unloaded: list[str] = []
        self.kept = 1_300_000_000
        self.clear_error: AppError | None = None
        self.opened: list[str] = []
        self.offered: list[str] = []
        self._cancelled = False

    def show(self, state: ModelState) -> None:
        """Publish a state."""
        self.state = state
        self._facts.publish(ModelStateChanged(state))

    async def open_file(self, path: str) -> LocalModel:
        self.opened.append(path)
        if self.open_error is not None:
            raise self.open_error
        model = replace(local_model("Opened"), path=path)
        self.models = (*self.models, model)
        self._facts.publish(ModelsChanged())
        await self.choose(path)
        return model

    async def offer(self, path: str, *, remember: bool = True) -> None:
        self.offered.append(path)
        self.models = (*self.models, replace(local_model("Offered"), path=path))

    async def choose(self, path: str) -> None:
        model = next(model for model in self.models if model.path == path)
        self.show(ModelState(ModelPhase.CHOSEN, model))

    async def forget(self, path: str) -> None:
        self.models = tuple(model for model in self.models if model.path != path)
        self._facts.publish(ModelsChanged())

    def is_outdated(self, path: str) -> bool:
        return path in self.outdated

    def loaded_automatically(self, path: str) -> bool:
        return self.loads[-1:] == [None] and any(info.path == path for info in self.loaded)

    def show_loaded(self, *infos: LoadedInfo) -> None:
        """Publish what is in memory."""
        self.loaded = infos
        self._facts.publish(LoadedModelsChanged(infos))

    async def load(
        self, context_length: int | None = None, *, again: bool = False
    ) -> LoadedInfo | None:
        self.loads.append(context_length)
        model = self.state.model
        assert model is not None
        self._cancelled = False
        self.show(ModelState(ModelPhase.LOADING, model, 0.4))
        if self.load_gate is not None:
            await self.load_gate.wait()
        if self.load_error is not None:
            self.show(ModelState(ModelPhase.FAILED, model, error=self.load_error))
            raise self.load_error
        if self._cancelled:
            self.show(ModelState(ModelPhase.CHOSEN, model))
            return None
        info = loaded_info(model.path, context_length or 8192)
        self.outdated.discard(model.path)
        self.show_loaded(*(one for one in self.loaded if one.path != model.path), info)
        self.show(ModelState(ModelPhase.READY, model, 1.0, info))
        return info

    async def kept_bytes(self) -> int:
        return self.kept

    async def clear_kept(self) -> None:
        if self.clear_error is not None:
            raise self.clear_error
        self.kept = 0

    async def preload(self) -> None:
        try:
            await self.load()
        except AppError:
            return

    def cancel_load(self) -> None:
        self._cancelled = True
        if self.load_gate is not None:
            self.load_gate.set()

    async def unload(self, path: str | None = None) -> None:
        chosen = self.state.model
        path = path or (chosen.path if chosen else "")
        self.unloaded.append(path)
        self.show_loaded(*(one for one in self.loaded if one.path != path))
        if chosen is not None and chosen.path == path:
            self.show(ModelState(ModelPhase.CHOSEN, chosen))


CPU = Device("CPU", "A processor", "CPU", DeviceKind.PROCESSOR, 18_000_000_000, 24_000_000_000)


class FakeFit:
    """Every model takes `needed` bytes, and more for a longer context."""

    def __init__(self) -> None:
        self.needed = 400_000_000
        self.free = 18_000_000_000
        self.largest = 2048
        self.measured: MeasuredSizes | None = None
        self.unknown = False
        self.there: tuple[Device, ...] = (CPU,)
        self.devices: tuple[Device, ...] = ()
        self.shares: tuple[Share, ...] = ()
        self.asked: list[LoadParams] = []
        self.drafts: set[str] = set()
        """Those that were looked at."""
        self.bad_drafts: set[str] = set()
        self.measure_gate: asyncio.Event | None = None
        self.measure_error: AppError | None = None

    async def look_at_devices(self) -> tuple[Device, ...]:
        self.devices = self.there
        return self.there

    async def look_at(self, path: str) -> LocalModel:
        return replace(local_model("Looked at"), path=path)

    async def look_at_draft(self, params: LoadParams) -> None:
        if params.draft_path in self.bad_drafts:
            raise LoadSettingsRefused("The draft model cannot be used.", params.draft_path)
        self.drafts.add(params.draft_path)

    def fit(self, model: LocalModel, wished: LoadParams | None = None) -> Fit | None:
        self.asked.append(wished or LoadParams())
        if self.unknown:
            return None
        plan = plan_of(wished or LoadParams(), model.facts.trained_context)
        each = 500 if plan.key_type == "q8_0" else 1000
        expected = FitEstimate(self.needed, plan.context_length * each, 0, 4_000_000)
        chosen = wished.draft_path if wished else ""
        draft = 50_000_000 if chosen and chosen in self.drafts else 0
        return Fit(plan, expected, self.measured, self.free, self.shares, draft)

    def room(self) -> Room:
        return Room(self.free)

    def inputs(self, model: LocalModel, _draft_path: str = "") -> FitInputs | None:
        if self.unknown or model.shape is None:
            return None
        return FitInputs(model.shape, model.facts.trained_context, Room(self.free), self.free)

    async def measure(self, model: LocalModel, wished: LoadParams | None = None) -> Fit | None:
        """Exactly 410 MB."""
        if self.measure_gate is not None:
            await self.measure_gate.wait()
        if self.measure_error is not None:
            raise self.measure_error
        fit = self.fit(model, wished)
        sizes = MeasuredSizes(8192, 400_000_000, 8_000_000, 2_000_000)
        return fit and replace(fit, measured=sizes)

    def largest_context(self, _model: LocalModel, _wished: LoadParams | None = None) -> int:
        return self.largest


class FakeLoadSettings:
    """Load settings that live as long as the test."""

    def __init__(self, facts: Broadcast[Fact]) -> None:
        self._facts = facts
        self.kept: dict[str, LoadParams] = {}
        self.automatic_threads = AutomaticThreads(None, ThreadsFrom.CORES)
        self.error: AppError | None = None

    def wished(self, path: str) -> LoadParams:
        return self.kept.get(path, LoadParams())

    effective = wished

    def change(self, path: str, params: LoadParams) -> None:
        if self.error is not None:
            raise self.error
        self.kept[path] = params
        self._facts.publish(LoadSettingsChanged(path))

    def forget_threads(self, path: str) -> None:
        if self.error is not None:
            raise self.error
        self.automatic_threads = AutomaticThreads(None, ThreadsFrom.CORES)
        self._facts.publish(LoadSettingsChanged(path))


class FakeBenchmarks:
    """A measurement is over when the test says so."""

    def __init__(self, facts: Broadcast[Fact]) -> None:
        self._facts = facts
        self.state = BenchmarkState()
        self.begun: list[BenchPlan] = []
        self.records: list[BenchRecord] = []
        self.diagnosis: Diagnosis | None = None
        self.applied: list[Fix] = []
        self.path = "/models/starter.gguf"
        self.history_gate: asyncio.Event | None = None

    def show(self, **changes: object) -> None:
        """Publish a state."""
        self.state = replace(BenchmarkState(path=self.path), **changes)
        self._facts.publish(BenchmarkChanged(self.state))

    def begin(self, plan: BenchPlan) -> None:
        self.begun.append(plan)
        self.show(phase=BenchPhase.RUNNING)

    def finish(self, record: BenchRecord) -> None:
        """What is measured is measured."""
        self.records.insert(0, record)
        self.show(phase=BenchPhase.DONE, fraction=1.0, record=record)

    def cancel(self) -> None:
        self.show(phase=BenchPhase.CANCELLED)

    async def history(self, model: LocalModel) -> list[BenchRecord]:
        found = [*self.records] if model.path == self.path else []
        if self.history_gate is not None:
            await self.history_gate.wait()
        return found

    async def forget(self, record_id: int) -> None:
        self.records = [record for record in self.records if record.id != record_id]

    async def diagnose(
        self, _model: LocalModel, _record: BenchRecord | None = None
    ) -> Diagnosis | None:
        return self.diagnosis

    async def apply(self, fix: Fix) -> None:
        self.applied.append(fix)
