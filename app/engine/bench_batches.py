"""Batches of a measurement: computed one by one, each of them timed.

A generator stands before each batch: whoever drives it may let others compute first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from typing import TypeAlias

from app.domain.errors import EngineError
from app.engine.native.abort import AbortFlag
from app.engine.native.context import ABORTED, DONE, Context

_SHORTEST_SLICE = 64
_UNSTOPPABLE_SECONDS = 1.0
"""What a batch may take where nothing can stop it: a cancel waits for it."""

Timed: TypeAlias = Generator[None, None, float]
"""Steps, and the seconds of computing in the end."""


class Stopped(Exception):
    """Cancelled."""


class Batches:
    """Tokens drawn by chance through a context. Of the worker's thread, but `cancel` and
    `give_way`."""

    def __init__(self, context: Context, vocabulary: int, stoppable: bool) -> None:
        """`stoppable`: a batch that is computed can be given up without harm."""
        self._context = context
        self._is_stoppable = stoppable
        self._stop = AbortFlag()
        self.is_cancelled = False
        """Whether the next step raises `Stopped`."""
        context.obey(self._stop)
        chance = random.Random(0)
        self._tokens = [chance.randrange(vocabulary) for _ in range(context.length)]
        self.slice = context.batch
        """Tokens that are read at once."""
        self.spent = 0.0
        """Seconds of computing, all together."""

    def cancel(self) -> None:
        """The steps end with `Stopped`, soon."""
        self.is_cancelled = True
        self._stop.raise_()

    def give_way(self) -> None:
        """Something more urgent waits: give up the batch that is computed; it is done again."""
        if self._is_stoppable:
            self._stop.raise_()

    def keep_short(self, rate: float) -> None:
        """Where nothing can stop a slice, make it short; `rate`: tokens that are read a second."""
        while not self._is_stoppable and self.slice > _SHORTEST_SLICE:
            if self.slice / rate <= _UNSTOPPABLE_SECONDS:
                return
            self.slice //= 2

    def read(self, sequence: int, start: int, count: int) -> Timed:
        """Read so many tokens in slices, as a prompt is; raises `EngineError`."""
        seconds = 0.0
        while count > 0:
            share = min(count, self.slice)
            seconds += yield from self._batch(sequence, start, share)
            start, count = start + share, count - share
        return seconds

    def write(self, sequence: int, start: int, count: int) -> Timed:
        """Compute so many tokens one by one, as an answer is; raises `EngineError`."""
        seconds = 0.0
        for position in range(start, start + count):
            seconds += yield from self._batch(sequence, position, 1)
        return seconds

    def _batch(self, sequence: int, start: int, count: int) -> Timed:
        context = self._context
        while True:
            yield
            # Lowered before the look: a cancel that comes later raises it again.
            self._stop.lower()
            if self.is_cancelled:
                raise Stopped
            context.begin()
            context.add_slice(self._tokens[start : start + count], start, sequence, True)
            began = time.perf_counter()
            outcome = context.compute()
            context.finish()
            seconds = max(1e-9, time.perf_counter() - began)
            if outcome == DONE:
                self.spent += seconds
                return seconds
            if outcome != ABORTED:
                raise EngineError(
                    "The engine could not measure this model.",
                    f"llama_decode returned {outcome}.",
                    "Load the model again, then measure again.",
                )
            if start:
                context.keep(sequence, start)
            else:
                context.forget(sequence)
