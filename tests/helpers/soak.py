"""Mixed requests at random, for as long as one likes, against an engine in its own process.

Some talkers hold conversations and stop answers at any moment, one meddler loads, unloads and asks
for what cannot be, all at the same time. After each round everything is unloaded and the memory of
the host noted. What must hold is written into `Tally.faults` where it does not: each stream ends in
exactly one terminal event and in time, no text is lost or goes to another stream, the host lives,
its memory does not grow.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import string
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from app.domain import errors
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadParams,
    LoadRequest,
    Role,
    Turn,
)
from app.domain.sampling import Sampling
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Events, collect, new_id, user

TALKERS = 6
ROUND_SECONDS = 4.0
PATIENCE = 120.0
"""Seconds after which a stream or an unload that has not ended never will."""
SETTLED_AFTER = 4
"""Rounds after which the host has all that it keeps, such as libraries and templates."""
_ENOUGH = 6
"""Rounds after that, from which on growth can be told from chance."""
MOST_GROWTH = 1.05
ARENAS = 16 * 1024 * 1024
"""Bytes by which a host may grow all the same: Python's own memory is in pieces at first, and comes
to rest within some minutes (`dev.py bench soak`). 5 % of what a host with the starter model has."""

_CONTEXTS = (512, 1024, 2048)
_WORDS = (
    "fox",
    "dog",
    "river",
    "tower",
    "light",
    "storm",
    "ship",
    "night",
    "story",
    "green",
    "seven",
)
_TERMINAL = (Finished, Failed, Loaded, LoadCancelled)
_EXPECTED = (errors.NothingLoaded, errors.PromptTooLong, errors.GrammarRefused)
_EXPECTED_OF_LOADS = (errors.ModelFileError, errors.ContextLengthRefused)

T = TypeVar("T")


@dataclass
class Tally:
    """What came of it."""

    ends: Counter[str] = field(default_factory=Counter[str])
    """How many requests ended how."""
    rests: list[int] = field(default_factory=list[int])
    """Bytes that the host had alone after each round, with nothing loaded."""
    faults: list[str] = field(default_factory=list[str])

    @property
    def growth(self) -> float:
        """Memory at the end against the memory once settled, medians of three rounds each; 1 while
        there were too few."""
        settled = self.rests[SETTLED_AFTER:]
        if len(settled) < _ENOUGH:
            return 1.0
        return statistics.median(settled[-3:]) / statistics.median(settled[:3])

    @property
    def requests(self) -> int:
        return self.ends.total()


class Soak:
    """One run; the same seed makes the same choices (their order depends on the machine)."""

    def __init__(self, engine: HostEngine, files: Sequence[Path], seed: int) -> None:
        """`files` are the starter model under some names; the engine runs already."""
        self._engine = engine
        self._files = [str(file) for file in files]
        self._seed = seed
        self._pid = engine.host_pid
        self._loaded = self._files[0]
        self.tally = Tally()

    async def run(self, seconds: float) -> Tally:
        """Rounds for so long; ends early at a fault."""
        until = time.monotonic() + seconds
        number = 0
        while time.monotonic() < until and not self.tally.faults:
            await self._round(number)
            await self._rest()
            number += 1
        if self.tally.growth > MOST_GROWTH and max(self.tally.rests) - self.tally.rests[0] > ARENAS:
            self._fault(f"the host grew: {self.tally.rests}")
        return self.tally

    async def _round(self, number: int) -> None:
        until = time.monotonic() + ROUND_SECONDS
        talkers = [_Talker(self, f"{self._seed}-{number}-{one}", one) for one in range(TALKERS)]
        meddler = random.Random(f"{self._seed}-{number}-meddler")
        await self._load(meddler, may_cancel=False)
        await asyncio.gather(
            self._meddle(meddler, until), *(talker.talk(until) for talker in talkers)
        )

    async def _rest(self) -> None:
        await self.in_time("the unload", self._engine.unload())
        if self._engine.host_pid != self._pid or self._pid is None:
            self._fault("the host died")
            return
        self.tally.rests.append(psutil.Process(self._pid).memory_full_info().uss)

    async def _meddle(self, chance: random.Random, until: float) -> None:
        while time.monotonic() < until and not self.tally.faults:
            await asyncio.sleep(chance.uniform(0.1, 1.5))
            match chance.randrange(6):
                case 0:
                    await self.in_time("the unload", self._engine.unload())
                    await self._load(chance, may_cancel=False)
                case 1 | 2:
                    await self._load(chance, may_cancel=True)
                case 3:
                    await self._load_nonsense(chance)
                case 4:
                    await self.in_time("the facts", self._engine.describe())
                case _:
                    self._engine.cancel("nobody")

    async def _load(self, chance: random.Random, *, may_cancel: bool) -> None:
        self._loaded = chance.choice(self._files)
        params = LoadParams(context_length=chance.choice(_CONTEXTS))
        await self._load_this(LoadRequest(new_id(), self._loaded, params), chance, may_cancel)

    async def _load_nonsense(self, chance: random.Random) -> None:
        path = chance.choice([__file__, "/nowhere/at/all.gguf", str(Path(__file__).parent)])
        await self._load_this(LoadRequest(new_id(), path), chance, may_cancel=False)
        await self._load(chance, may_cancel=False)

    async def _load_this(
        self, request: LoadRequest, chance: random.Random, may_cancel: bool
    ) -> None:
        stops = [self._later(chance, request.request_id)] if may_cancel else []
        events = await self.in_time("a load", collect(self._engine.load(request)))
        await asyncio.gather(*stops)
        self.note(events, _EXPECTED_OF_LOADS)

    def _later(self, chance: random.Random, request_id: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._cancel_after(chance.expovariate(4), request_id))

    async def _cancel_after(self, seconds: float, request_id: str) -> None:
        await asyncio.sleep(seconds)
        self._engine.cancel(request_id)

    async def ask(self, chance: random.Random, turns: tuple[Turn, ...], **more: Any) -> Events:
        """An answer, which may be stopped at any moment."""
        request = GenerateRequest(new_id(), self._loaded, turns, **more)
        stops = [self._later(chance, request.request_id)] if chance.random() < 0.4 else []
        events = await self.in_time("an answer", collect(self._engine.generate(request)))
        await asyncio.gather(*stops)
        self.note(events, _EXPECTED)
        return events

    async def in_time(self, what: str, work: Awaitable[T]) -> T:
        """Wait for it; never to the end of days."""
        try:
            return await asyncio.wait_for(work, PATIENCE)
        except TimeoutError:
            self._fault(f"{what} did not end in {PATIENCE:.0f} seconds")
            raise

    def note(self, events: Events, expected: tuple[type[errors.AppError], ...]) -> None:
        """Count how it ended, and look whether that may be."""
        last = events.last
        ends = [event for event in events.all if isinstance(event, _TERMINAL)]
        if ends != [last]:
            self._fault(f"a stream with the ends {ends}")
        if isinstance(last, Failed):
            self.tally.ends[type(last.error).__name__] += 1
            if not isinstance(last.error, expected):
                self._fault(f"a failure: {last.error.to_dict()}")
        elif isinstance(last, Finished):
            self.tally.ends[last.reason.value] += 1
        else:
            self.tally.ends[type(last).__name__] += 1

    def check_text(self, events: Events, letter: str) -> None:
        """Every token of this answer is this letter."""
        if isinstance(events.last, Finished):
            wanted = letter * events.last.stats.answer_tokens
            if events.text != wanted:
                self._fault(f"lost or foreign text: {events.text!r} for {wanted!r}")

    def _fault(self, what: str) -> None:
        self.tally.faults.append(what)


class _Talker:
    """One conversation, which goes on, is edited and begun anew."""

    def __init__(self, soak: Soak, seed: str, number: int) -> None:
        self._soak = soak
        self._chance = random.Random(seed)
        self._letter = string.ascii_uppercase[number]
        self._turns: tuple[Turn, ...] = ()

    async def talk(self, until: float) -> None:
        """Ask again and again."""
        chance = self._chance
        kinds = [self._go_on, self._write_letters, self._ask_for_json, self._ask_nonsense]
        while time.monotonic() < until and not self._soak.tally.faults:
            await chance.choices(kinds, weights=(5, 4, 1, 1))[0]()
            await asyncio.sleep(chance.choice([0, 0, chance.uniform(0, 0.5)]))

    def _question(self, most: int = 60) -> tuple[Turn, ...]:
        words = " ".join(self._chance.choices(_WORDS, k=self._chance.randint(1, most)))
        return user(f"{self._letter}: {words}.")

    async def _go_on(self) -> None:
        chance = self._chance
        turns = (*self._turns, *self._question())
        sampling = Sampling(temperature=chance.choice([0.0, 0.8]), seed=chance.randrange(99))
        stop = chance.choice([(), (), ("fox", "\n\n")])
        most = chance.choice([1, 8, 40])
        events = await self._soak.ask(chance, turns, sampling=sampling, max_tokens=most, stop=stop)
        match chance.randrange(4):
            case 0:
                # Regenerated: the next question is another one at the same place.
                return
            case 1:
                self._turns = self._turns[:-2]
            case _:
                self._turns = (*turns, Turn(Role.ASSISTANT, events.text or "Yes."))[-6:]

    async def _write_letters(self) -> None:
        """Nothing but its own letter can be written, so that what is lost or crossed is seen."""
        chance, letter = self._chance, self._letter
        only = Sampling(temperature=0.0, logit_bias=((letter, 1000.0),))
        turns = (*self._turns, *self._question())
        most = chance.choice([1, 10, 60])
        events = await self._soak.ask(chance, turns, sampling=only, max_tokens=most)
        self._soak.check_text(events, letter)

    async def _ask_for_json(self) -> None:
        form = Sampling(temperature=0.0, json_schema='{"type": "boolean"}')
        events = await self._soak.ask(self._chance, self._question(), sampling=form, max_tokens=10)
        whole = isinstance(events.last, Finished) and events.last.reason is FinishReason.STOP
        if whole and events.text not in ("true", "false"):
            self._soak.tally.faults.append(f"no boolean: {events.text!r}")

    async def _ask_nonsense(self) -> None:
        chance = self._chance
        match chance.randrange(4):
            case 0:
                await self._soak.ask(chance, user("a " * 100_000))
            case 1:
                bad = Sampling(grammar="root ::= (")
                await self._soak.ask(chance, self._question(), sampling=bad, max_tokens=5)
            case 2:
                await self._soak.ask(chance, user("\ud800\x00<|im_end|>"), max_tokens=5)
            case _:
                wild = Sampling(temperature=1e9, top_k=-5, top_p=7.0, penalty_tokens=-1)
                await self._soak.ask(chance, self._question(), sampling=wild, max_tokens=5)
