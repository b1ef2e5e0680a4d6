"""What models take of this machine's memory: told beforehand, measured, and learned from."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import TypeAlias

from app.domain.errors import LoadSettingsRefused, ModelFileError, StoreError
from app.domain.facts import Fact, ModelPhase, ModelState, ModelStateChanged
from app.domain.fit import (
    MEMORY,
    ContextPlan,
    Fit,
    FitRecord,
    MeasuredSizes,
    Memory,
    estimate,
    learned_factor,
)
from app.domain.fit_inputs import FitInputs
from app.domain.generation import LoadedInfo
from app.domain.load_params import LoadParams, plan_of
from app.domain.localmodel import LocalModel
from app.domain.placement import Device, Room, room_of
from app.domain.ports import Clock, ConversationStore, Engine, ModelLibrary
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner

log = logging.getLogger(__name__)

_Key: TypeAlias = tuple[str, int, int, ContextPlan]


class FitService:
    """Tells what fits; refuses nothing. Each load teaches it what this machine really takes."""

    def __init__(
        self,
        engine: Engine,
        library: ModelLibrary,
        store: ConversationStore,
        wishes: Callable[[str], LoadParams],
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        memory: Callable[[], Memory],
        machine: str,
        clock: Clock,
    ) -> None:
        """`wishes` tells how the model of a path is to be loaded; it and `memory` are asked each
        time. `machine` names this one in the store."""
        self._engine = engine
        self._library = library
        self._store = store
        self._wishes = wishes
        self._tasks = tasks
        self._memory = memory
        self._machine = machine
        self._clock = clock
        self.devices: tuple[Device, ...] = ()
        """As they were when they were last looked at."""
        # The newest first, as `learned_factor` wants them.
        self._records: dict[_Key, FitRecord] = {}
        self._drafts: dict[str, LocalModel] = {}
        """The draft models that were looked at."""
        self._learned_from: LoadedInfo | None = None
        facts.subscribe(self._heard)

    async def start(self) -> None:
        """Recall what models took on this machine."""
        try:
            for record in await self._store.fits(self._machine):
                self._records[_key_of(record)] = record
        except StoreError as error:
            log.info("what models took before is not known: %s", error.kind)

    async def look_at_devices(self) -> tuple[Device, ...]:
        """Ask what computes here and what is free there now; raises `EngineError` cases."""
        self.devices = await self._engine.devices()
        return self.devices

    async def look_at_draft(self, params: LoadParams) -> None:
        """Read the header of the draft model that these name, if they do: from now on what it takes
        is known. Raises `LoadSettingsRefused` where it cannot be used."""
        path = params.draft_path
        if not path:
            return
        try:
            self._drafts[path] = await self._library.inspect(path)
        except ModelFileError as error:
            self._drafts.pop(path, None)
            raise LoadSettingsRefused(
                f"The draft model “{PurePath(path).name}” cannot be used.",
                f"{error.title} {error.detail}".strip(),
                "Take it out of the model's settings, or choose another file for it.",
            ) from error

    @property
    def factor(self) -> float:
        """By how much this machine's computation buffers differ from the formula's."""
        return learned_factor(tuple(self._records.values()))

    def inputs(self, model: LocalModel, draft_path: str = "") -> FitInputs | None:
        """All that the calculation needs, as it is now; the draft model only if it was looked at.

        None where the model's header tells too little.
        """
        if model.shape is None:
            return None
        known = _key(model)
        return FitInputs(
            model.shape,
            model.facts.trained_context,
            self.room(),
            self._memory().total,
            self.factor,
            tuple((key[3], r.measured) for key, r in self._records.items() if key[:3] == known),
            self._drafts.get(draft_path),
        )

    def fit(self, model: LocalModel, wished: LoadParams | None = None) -> Fit | None:
        """What the model would take, loaded like this (None: as its settings say).

        None where its header tells too little.
        """
        wished = self._wished(model, wished)
        inputs = self.inputs(model, wished.draft_path)
        return inputs.fit(wished) if inputs else None

    def fitted(self, model: LocalModel, wished: LoadParams | None = None) -> LoadParams:
        """The wish with every automatic choice made by what is free now."""
        wished = self._wished(model, wished)
        inputs = self.inputs(model, wished.draft_path)
        return inputs.fitted(wished) if inputs else wished

    def needs(self, model: LocalModel, params: LoadParams) -> tuple[tuple[str, int], ...]:
        """Bytes by place, for whoever has to make room for a load with these."""
        inputs = self.inputs(model, params.draft_path)
        return inputs.needs(params) if inputs else ((MEMORY, model.facts.file_bytes),)

    def largest_context(self, model: LocalModel, wished: LoadParams | None = None) -> int:
        """The longest context that fits now, of those it was trained for; 0 where none does."""
        wished = self._wished(model, wished)
        inputs = self.inputs(model, wished.draft_path)
        return inputs.largest_context(wished) if inputs else 0

    def _wished(self, model: LocalModel, wished: LoadParams | None) -> LoadParams:
        return self._wishes(model.path) if wished is None else wished

    async def measure(self, model: LocalModel, wished: LoadParams | None = None) -> Fit | None:
        """The same by llama.cpp's own account, without loading anything.

        Raises `EngineError` and `ModelFileError` cases.
        """
        params = self.fitted(model, wished)
        sizes = await self._engine.dry_run(model.path, params)
        await self._learn(model, _plan(model, params), sizes)
        return self.fit(model, params)

    # ----------------------------------------------------------------------------- learning

    def _heard(self, fact: Fact) -> None:
        if isinstance(fact, ModelStateChanged) and fact.state.phase is ModelPhase.READY:
            self._learn_from(fact.state)

    def _learn_from(self, state: ModelState) -> None:
        model, info = state.model, state.info
        # The same load is told again when another model was looked at meanwhile.
        if model is None or info is None or info is self._learned_from:
            return
        self._learned_from = info
        sizes = MeasuredSizes(
            info.context_length, info.weights_bytes, info.context_bytes, info.compute_bytes
        )
        plan = replace(_plan(model, info.params), context_length=info.context_length)
        self._tasks.spawn(self._learn(model, plan, sizes), "learn-fit")

    async def _learn(self, model: LocalModel, plan: ContextPlan, sizes: MeasuredSizes) -> None:
        if model.shape is None:
            return
        record = FitRecord(
            model.path,
            model.facts.file_bytes,
            model.mtime_ns,
            plan,
            estimate(model.shape, plan),
            sizes,
        )
        key = _key_of(record)
        self._records.pop(key, None)
        self._records = {key: record, **self._records}
        try:
            await self._store.keep_fit(self._machine, record, self._clock())
        except StoreError as error:
            log.info("what the model took is not kept: %s", error.kind)

    # ------------------------------------------------------------------------------- memory

    def room(self) -> Room:
        """What is free now, as if the loaded models had made way."""
        gives_back: Counter[str] = Counter()
        for info in self._engine.loaded.values():
            gives_back.update(dict(info.places))
        return room_of(self._free_bytes(), self.devices, gives_back)

    def _free_bytes(self) -> int:
        """Of memory, as if the loaded models had made way."""
        memory = self._memory()
        back = sum(held_bytes(info, memory) for info in self._engine.loaded.values())
        return min(memory.total, memory.available + back)


def held_bytes(info: LoadedInfo, memory: Memory) -> int:
    """What a loaded model holds of memory that is not counted as available."""
    mapped = info.mapped_bytes if memory.mapped_is_available else 0
    return max(0, info.memory_bytes - mapped)


def _plan(model: LocalModel, params: LoadParams) -> ContextPlan:
    """As the engine would make it."""
    return plan_of(params, model.facts.trained_context)


def _key(model: LocalModel) -> tuple[str, int, int]:
    """The file as it is."""
    return (model.path, model.facts.file_bytes, model.mtime_ns)


def _key_of(record: FitRecord) -> _Key:
    return (record.path, record.file_bytes, record.mtime_ns, record.plan)
