"""Random schedules of conversations, and what becomes of the same questions one at a time.

With flash attention and fewer than 64 tokens computed at once, llama.cpp gives the same bits
whatever the batches are and whatever else lies in the cache, as long as the cells of a sequence lie
in the order of its tokens. Once cells have become free and are used again they may not, and sums
are made in another order, as they are in larger batches (measured: the distance of two logits moves
by up to 0.35 then).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.domain.generation import FinishReason, GenerateRequest, Role, Turn
from app.engine.native.context import DONE, Context
from tests.helpers.stepping import Asked, Stepper

_OPENINGS = (
    (Turn(Role.SYSTEM, "You keep a lighthouse and answer in few words."),),
    (Turn(Role.SYSTEM, "You keep a lighthouse and answer with a list."),),
    (),
)
_WORDS = (
    "Name three colours of the sea.",
    "What does the fox do?",
    "Count from one to ten.",
    "Tell me of the storm and the ship.",
    "Why is the night dark?",
    "Write a line about a lamp.",
)
_FEWEST_TOKENS, _MOST_TOKENS = 2, 10
_CANCEL, _BACKGROUND = 0.03, 0.25
"""Chances: of a cancel in each step, and of a request that nobody waits for."""


@dataclass(frozen=True)
class Asking:
    """One request of a schedule and what came of it."""

    turns: tuple[Turn, ...]
    asked: Asked

    @property
    def was_cancelled(self) -> bool:
        return self.asked.reason is FinishReason.CANCELLED


class Schedule:
    """Conversations that come at random steps, go on, are asked again while they are still being
    answered, edited, and stopped; up to as many at once as the context has sequences."""

    def __init__(self, stepper: Stepper, seed: int, arrival: float = 0.5) -> None:
        """`arrival` is the chance of a request in each step; the cache is emptied first."""
        stepper.loaded.slots.clear()
        self._stepper = stepper
        self._arrival = arrival
        self._chance = random.Random(seed)
        self._removals = _Removals(stepper.loaded.context)
        self.askings: list[Asking] = []
        self.undisturbed: list[Asking] = []
        """Those that ended before any cell of the cache became free."""
        self.most_at_once = 0

    def run(self, requests: int) -> list[Asking]:
        """Step until so many requests have ended."""
        chance, scheduler = self._chance, self._stepper.scheduler
        while len(self.askings) < requests or scheduler.is_busy:
            if len(self.askings) < requests and chance.random() < self._arrival:
                self._come()
            running = [one.asked for one in self.askings if not one.asked.is_over]
            self.most_at_once = max(self.most_at_once, len(running))
            if running and chance.random() < _CANCEL:
                scheduler.cancel(chance.choice(running).answer)
            scheduler.step()
            self._note_undisturbed()
        return self.askings

    def _note_undisturbed(self) -> None:
        if not self._removals.seen:
            self.undisturbed = [one for one in self.askings if one.asked.is_over]

    def _come(self) -> None:
        background = self._chance.random() < _BACKGROUND
        if self._stepper.scheduler.has_room_for(GenerateRequest("", "", (), background=background)):
            turns = self._turns()
            most = self._chance.randint(_FEWEST_TOKENS, _MOST_TOKENS)
            self.askings.append(Asking(turns, self._stepper.ask(turns, most, background)))

    def _turns(self) -> tuple[Turn, ...]:
        """A new conversation, or one of before: gone on with, asked again, or edited."""
        chance = self._chance
        question = Turn(Role.USER, chance.choice(_WORDS))
        if not self.askings or chance.random() < 0.3:
            return (*chance.choice(_OPENINGS), question)
        before = chance.choice(self.askings)
        match chance.randrange(3):
            case 0 if before.asked.is_over and before.asked.text:
                return (*before.turns, Turn(Role.ASSISTANT, before.asked.text), question)[-5:]
            case 1:
                return (*before.turns[:-1], question)
            case _:
                return before.turns


class _Removals:
    """Watches whether a context forgets what it has computed."""

    def __init__(self, context: Context) -> None:
        self.seen = False
        self._context = context
        self._keep, self._forget, self._share = context.keep, context.forget, context.share
        context.keep, context.forget, context.share = (
            self._noted_keep,
            self._noted_forget,
            self._shared,
        )

    def _noted_keep(self, sequence: int, count: int) -> int:
        self.seen |= count < self._context.used(sequence)
        return self._keep(sequence, count)

    def _noted_forget(self, sequence: int) -> None:
        self.seen |= self._context.used(sequence) > 0
        self._forget(sequence)

    def _shared(self, source: int, sequence: int, count: int) -> int:
        """What is cut from a copy is the source's still."""
        seen = self.seen or self._context.used(sequence) > 0
        kept = self._share(source, sequence, count)
        self.seen = seen
        return kept


def alone(stepper: Stepper, asking: Asking) -> Asked:
    """The same question to an empty context, as far as it was answered."""
    stepper.loaded.slots.clear()
    return stepper.answer(asking.turns, max(1, len(asking.asked.chosen)))


def deviation(asked: Asked, reference: Asked) -> int | None:
    """Which token of the answer is the first that is another one; None: all are the same."""
    for place, (one, other) in enumerate(zip(asked.chosen, reference.chosen, strict=False)):
        if one != other:
            return place
    return None


# ------------------------------------------------------------------- ways to compute the same


@dataclass(frozen=True)
class Way:
    """A way to read some tokens; another one sums up in another order, so that the last bits of
    what is computed are others."""

    size: int
    """Tokens in a batch."""
    is_second: bool = False
    """Another sequence lies in the cache before."""
    moved: int = 0
    """What lies before is forgotten after so many tokens: the rest comes to lie there, so that the
    order of the cells is not that of the tokens."""


WAYS = (
    Way(512),
    Way(1),
    Way(64),
    Way(512, is_second=True),
    Way(512, is_second=True, moved=2),
    Way(512, is_second=True, moved=20),
)


def gaps(context: Context, tokens: Sequence[int], one: int, other: int) -> list[float]:
    """By how much llama.cpp finds `one` likelier than `other` after `tokens`, in each way."""
    found = [logits_after(context, tokens, way) for way in WAYS]
    return [float(logits[one]) - float(logits[other]) for logits in found]


def logits_after(context: Context, tokens: Sequence[int], way: Way) -> Any:
    """What the model makes of these; the context then holds nothing else of use."""
    context.clear()
    moved = min(way.moved, len(tokens) - 1)
    if way.is_second:
        _read(context, tokens[::-1], 0, 1, 512)
    if moved:
        _read(context, tokens[:moved], 0, 0, 512)
        context.forget(1)
    row = _read(context, tokens, moved, 0, way.size)
    logits = context.logits(row)
    assert logits is not None
    return np.array(logits)


def _read(context: Context, tokens: Sequence[int], done: int, sequence: int, size: int) -> int:
    """Read on after so many; the row of the last one."""
    row = 0
    while done < len(tokens):
        piece = tokens[done : done + size]
        context.begin()
        row = context.add_slice(piece, done, sequence, done + len(piece) == len(tokens))
        assert context.compute() == DONE
        done += len(piece)
    return row
