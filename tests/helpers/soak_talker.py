"""One who talks with a model in a soak, stops it, asks again and begins anew."""

from __future__ import annotations

import asyncio
import random
import string
import time
from typing import TYPE_CHECKING

from app.domain.generation import Finished, FinishReason, Role, Turn
from app.domain.overflow import Overflow
from app.domain.sampling import Sampling
from app.engine.kept.kept_states import SHORTEST
from tests.helpers.engine_rig import Events, user

if TYPE_CHECKING:
    from tests.helpers.soak import Soak

_WORDS = ("fox", "dog", "river", "tower", "light", "storm", "ship", "night", "story", "green")
_LONGEST = 14
"""Messages of a conversation: long enough to be worth keeping on disk."""


class Talker:
    """Holds conversations one after the other, over all rounds."""

    def __init__(self, soak: Soak, path: str, number: int, seed: str) -> None:
        self.path = path
        self.chance = random.Random(seed)
        self.spells = False
        """Whether its model can be made to write a single letter again and again."""
        self._soak = soak
        self._letter = string.ascii_uppercase[number]
        self._turns: tuple[Turn, ...] = ()
        self._conversations = 0
        self._asked_at = 0
        """How often the model had been loaded when it last answered here."""

    async def talk(self, until: float) -> None:
        """Ask again and again."""
        kinds = [self._go_on, self._ask_for_json, self._ask_nonsense, self._count, self._forget]
        weights = [8, 1, 1, 2, 0.3]
        if self.spells:
            kinds.append(self._write_letters)
            weights.append(4)
        while time.monotonic() < until and not self._soak.tally.faults:
            await self.chance.choices(kinds, weights)[0]()
            await asyncio.sleep(self.chance.choice([0, 0, self.chance.uniform(0, 0.5)]))

    @property
    def _tag(self) -> str:
        """Of the conversation; the last talker's are temporary."""
        return "" if self._letter == "F" else f"{self._letter}-{self._conversations}"

    def _question(self) -> tuple[Turn, ...]:
        words = " ".join(self.chance.choices(_WORDS, k=self.chance.randint(1, 60)))
        return user(f"{self._letter}: {words}.")

    async def _go_on(self) -> None:
        chance = self.chance
        turns = (*self._turns, *self._question())
        events = await self._soak.ask(
            self,
            turns,
            sampling=Sampling(temperature=chance.choice([0.0, 0.8]), seed=chance.randrange(99)),
            max_tokens=chance.choice([1, 8, 40]),
            stop=chance.choice([(), (), ("fox", "\n\n")]),
            overflow=chance.choice(list(Overflow)),
            cache_tag=self._tag,
        )
        self._note_return(events)
        match chance.randrange(6):
            case 0:
                # Regenerated: the next question is another one at the same place.
                return
            case 1:
                self._turns = self._turns[:-2]
            case _ if len(turns) > _LONGEST:
                self._begin_anew()
            case _:
                self._turns = (*turns, Turn(Role.ASSISTANT, events.text or "Yes."))

    def _note_return(self, events: Events) -> None:
        """What was not in the context, for the model was loaded anew, came from the disk."""
        if isinstance(events.last, Finished) and events.last.stats.answer_tokens:
            loads = self._soak.loads[self.path]
            if loads > self._asked_at and events.last.stats.cached_tokens >= SHORTEST:
                self._soak.tally.returns += 1
            self._asked_at = loads

    def _begin_anew(self) -> None:
        self._turns = ()
        self._conversations += 1

    async def _write_letters(self) -> None:
        """Nothing but its own letter can be written, so that what is lost or crossed is seen."""
        only = Sampling(temperature=0.0, logit_bias=((self._letter, 1000.0),))
        turns = (*self._turns, *self._question())
        most = self.chance.choice([1, 10, 60])
        events = await self._soak.ask(
            self, turns, sampling=only, max_tokens=most, cache_tag=self._tag
        )
        self._note_return(events)
        if isinstance(events.last, Finished):
            wanted = self._letter * events.last.stats.answer_tokens
            if events.text != wanted:
                self._soak.tally.fault(f"lost or foreign text: {events.text!r} for {wanted!r}")

    async def _ask_for_json(self) -> None:
        form = Sampling(temperature=0.0, json_schema='{"type": "boolean"}')
        events = await self._soak.ask(self, self._question(), sampling=form, max_tokens=10)
        whole = isinstance(events.last, Finished) and events.last.reason is FinishReason.STOP
        if whole and events.text not in ("true", "false"):
            self._soak.tally.fault(f"no boolean: {events.text!r}")

    async def _ask_nonsense(self) -> None:
        # Never the same twice: what the engine dies of twice is not asked a third time.
        chance, mark = self.chance, f"{self.chance.random()}"
        match chance.randrange(4):
            case 0:
                await self._soak.ask(self, user(mark + "a " * 100_000))
            case 1:
                bad = Sampling(grammar="root ::= (")
                await self._soak.ask(self, self._question(), sampling=bad, max_tokens=5)
            case 2:
                await self._soak.ask(self, user(f"\ud800\x00<|im_end|>{mark}"), max_tokens=5)
            case _:
                wild = Sampling(temperature=1e9, top_k=-5, top_p=7.0, penalty_tokens=-1)
                await self._soak.ask(self, self._question(), sampling=wild, max_tokens=5)

    async def _count(self) -> None:
        await self._soak.count(self, (*self._turns, *self._question()))

    async def _forget(self) -> None:
        if self._tag:
            await self._soak.forget(self._tag)
        self._begin_anew()
