"""What models take of this machine's memory: told beforehand, measured, and learned from."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from app.domain.errors import StoreError
from app.domain.facts import Fact, ModelPhase, ModelState, ModelStateChanged
from app.domain.fit import (
    ContextPlan,
    Fit,
    FitRecord,
    MeasuredSizes,
    Memory,
    automatic_length,
    estimate,
    largest_context,
    learned_factor,
    padded,
)
from app.domain.generation import LoadedInfo, LoadParams
from app.domain.localmodel import LocalModel
from app.domain.ports import Clock, ConversationStore, Engine
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner

log = logging.getLogger(__name__)

_Key: TypeAlias = tuple[str, int, int, ContextPlan]


class FitService:
    """Tells what fits; refuses nothing. Each load teaches it what this machine really takes."""

    def __init__(
        self,
        engine: Engine,
        store: ConversationStore,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        memory: Callable[[], Memory],
        machine: str,
        clock: Clock,
    ) -> None:
        """`memory` is asked each time; `machine` names this one in the store."""
        self._engine = engine
        self._store = store
        self._tasks = tasks
        self._memory = memory
        self._machine = machine
        self._clock = clock
        # The newest first, as `learned_factor` wants them.
        self._records: dict[_Key, FitRecord] = {}
        self._learned_from: LoadedInfo | None = None
        facts.subscribe(self._heard)

    async def start(self) -> None:
        """Recall what models took on this machine."""
        try:
            for record in await self._store.fits(self._machine):
                self._records[_key_of(record)] = record
        except StoreError as error:
            log.info("what models took before is not known: %s", error.kind)

    @property
    def factor(self) -> float:
        """By how much this machine's computation buffers differ from the formula's."""
        return learned_factor(tuple(self._records.values()))

    def fit(self, model: LocalModel, context_length: int | None = None) -> Fit | None:
        """What the model would take with this context (None: the automatic one).

        None where its header tells too little.
        """
        if model.shape is None:
            return None
        plan = _plan(model, context_length)
        record = self._records.get(_key(model, plan))
        expected = estimate(model.shape, plan, self.factor)
        return Fit(plan, expected, record.measured if record else None, self._free_bytes())

    def largest_context(self, model: LocalModel) -> int:
        """The longest context that fits now, of those it was trained for; 0 where none does."""
        if model.shape is None:
            return 0
        most = model.facts.trained_context or automatic_length(0)
        return largest_context(model.shape, self._free_bytes(), most, self.factor)

    async def measure(self, model: LocalModel, context_length: int | None = None) -> Fit | None:
        """The same by llama.cpp's own account, without loading anything.

        Raises `EngineError` and `ModelFileError` cases.
        """
        plan = _plan(model, context_length)
        sizes = await self._engine.dry_run(model.path, LoadParams(context_length))
        await self._learn(model, plan, sizes)
        return self.fit(model, context_length)

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
        plan = ContextPlan(info.context_length)
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

    def _free_bytes(self) -> int:
        memory, info = self._memory(), self._engine.loaded
        held = held_bytes(info, memory) if info is not None else 0
        return min(memory.total, memory.available + held)


def held_bytes(info: LoadedInfo, memory: Memory) -> int:
    """What a loaded model holds of memory that is not counted as available."""
    if info.gpu_layers:
        # What lies in a graphics processor is none of this memory.
        return 0
    mapped = info.mapped_bytes if memory.mapped_is_available else 0
    return info.context_bytes + info.compute_bytes + max(0, info.weights_bytes - mapped)


def _plan(model: LocalModel, context_length: int | None) -> ContextPlan:
    """As the engine would make it."""
    return ContextPlan(padded(context_length or automatic_length(model.facts.trained_context)))


def _key(model: LocalModel, plan: ContextPlan) -> _Key:
    return (model.path, model.facts.file_bytes, model.mtime_ns, plan)


def _key_of(record: FitRecord) -> _Key:
    return (record.path, record.file_bytes, record.mtime_ns, record.plan)
