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
    Verdict,
    automatic_length,
    estimate,
    largest_context,
    learned_factor,
    worst,
)
from app.domain.generation import LoadedInfo
from app.domain.load_params import LoadParams, draft_params, plan_of
from app.domain.localmodel import LocalModel
from app.domain.placement import Device, Room, fitted, needs_of, place, room_of, without
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

    def fit(self, model: LocalModel, wished: LoadParams | None = None) -> Fit | None:
        """What the model would take, loaded like this (None: as its settings say).

        None where its header tells too little.
        """
        if model.shape is None:
            return None
        params = self.fitted(model, wished)
        plan = _plan(model, params)
        record = self._records.get(_key(model, plan))
        expected = estimate(model.shape, plan, self.factor)
        room = self.room()
        draft = self._draft_needs(params, room)
        shares = place(model.shape, params, plan, without(room, draft), self.factor)
        return Fit(
            plan,
            expected,
            record.measured if record else None,
            self._free_bytes(),
            shares if len(shares) > 1 else (),
            sum(draft.values()),
        )

    def fitted(self, model: LocalModel, wished: LoadParams | None = None) -> LoadParams:
        """The wish with every automatic choice made by what is free now."""
        wished = self._wishes(model.path) if wished is None else wished
        if model.shape is None:
            return wished
        # The draft model's share grows with the context, which only becomes shorter from here.
        most = wished.context_length or automatic_length(model.facts.trained_context)
        room = self.room()
        draft = self._draft_needs(replace(wished, context_length=most), room)
        return fitted(model.shape, wished, without(room, draft), self.factor)

    def needs(self, model: LocalModel, params: LoadParams) -> tuple[tuple[str, int], ...]:
        """Bytes by place, for whoever has to make room for a load with these."""
        if model.shape is None:
            return ((MEMORY, model.facts.file_bytes),)
        room = self.room()
        draft = self._draft_needs(params, room)
        own = place(model.shape, params, _plan(model, params), without(room, draft), self.factor)
        return tuple((Counter(dict(needs_of(own))) + draft).items())

    def largest_context(self, model: LocalModel, wished: LoadParams | None = None) -> int:
        """The longest context that fits now, of those it was trained for; 0 where none does."""
        shape = model.shape
        if shape is None:
            return 0
        params, room = self.fitted(model, wished), self.room()
        most = model.facts.trained_context or automatic_length(0)

        def fits(length: int) -> bool:
            asked = replace(params, context_length=length)
            left = without(room, self._draft_needs(asked, room))
            shares = place(shape, params, _plan(model, asked), left, self.factor)
            return worst(shares) is not Verdict.TOO_LARGE

        return largest_context(fits, most)

    def _draft_needs(self, params: LoadParams, room: Room) -> Counter[str]:
        """Bytes by place that the draft model of these parameters takes; of one that was not looked
        at nothing is known."""
        draft = self._drafts.get(params.draft_path)
        if draft is None or draft.shape is None:
            return Counter()
        own = draft_params(params, draft.facts.trained_context)
        return Counter(dict(needs_of(place(draft.shape, own, _plan(draft, own), room))))

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


def _key(model: LocalModel, plan: ContextPlan) -> _Key:
    return (model.path, model.facts.file_bytes, model.mtime_ns, plan)


def _key_of(record: FitRecord) -> _Key:
    return (record.path, record.file_bytes, record.mtime_ns, record.plan)
