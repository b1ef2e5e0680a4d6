"""A small model that guesses how the answers of a large one go on.

It says what it would write next for as long as it is sure (after llama.cpp's
common/speculative.cpp, draft-simple). It reads the prompt together with the large model, as long as
nobody waits for the next word of an answer. What it has missed of that, or later while it was not
asked, it reads in small slices beside what is written, and guesses nothing until that is done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from app.engine.cells import PATIENCE_BESIDE, SMALLEST_BESIDE, shared
from app.engine.drafts import LONGEST_DRAFT
from app.engine.native.context import DONE, NO_ROOM, Context
from app.engine.native.weights import Weights
from app.engine.slots import Slot, Slots

_SURE = 0.75
"""How likely its best token must be to the draft model, to be a guess (llama.cpp's p_min as it was
long; what is less likely holds too seldom to pay)."""
_WEIGHT = 0.3
"""Of the newest measurement in the running mean."""


def time_to_read(seconds: float) -> float:
    """How long may be read in a step that takes so long by itself.

    Half as long, if both together are not more than an answer may stand still; a quarter in any
    case, or beside large models it would never come to an end.
    """
    return max(min(seconds / 2, PATIENCE_BESIDE - seconds), seconds / 4)


class DraftModel:
    """Its weights and context, and what it may take of a step. Belongs to the worker's thread."""

    def __init__(self, weights: Weights, context: Context, tokens: int) -> None:
        """`tokens`: how many of its vocabulary the large model has as well."""
        self.context = context
        self.slots = Slots(context)
        self.has_read = False
        """In this step it has read what was said before, without a guess."""
        self._weights = weights
        self._tokens = tokens
        self._seconds = 0.0
        self._each = 0.0
        """Seconds for each token that it reads; 0 before the first one."""

    def close(self) -> None:
        """Free all; may be called again."""
        self.context.close()
        self._weights.close()

    def begin_step(self, seconds: float) -> None:
        """The large model takes so long for the step that begins (0: not known yet)."""
        self._seconds = time_to_read(seconds)
        self.has_read = False

    def knows(self, tokens: Sequence[int]) -> bool:
        """Whether all of these are in its vocabulary; others it would refuse to read."""
        return max(tokens) < self._tokens

    def read_on(self, slot: Slot, tokens: Sequence[int]) -> bool:
        """Read a slice of the beginning of `tokens`; False where there is no room for it."""
        size = int(self._seconds / self._each) if self._each else 0
        piece = tokens[: min(max(size, SMALLEST_BESIDE), self.context.batch)]
        began = time.perf_counter()
        done = self.read(slot, piece, last=False) is not None
        # A graphics processor has only begun with it.
        self.context.finish()
        taken = time.perf_counter() - began
        each = taken / len(piece)
        self._each = self._each + _WEIGHT * (each - self._each) if self._each else each
        self._seconds = max(0.0, self._seconds - taken)
        self.has_read = True
        return done

    def read(self, slot: Slot, tokens: Sequence[int], *, last: bool) -> int | None:
        """Read these, which come next; the row of the last one, with logits if it is the `last`.

        None where there is no room, though all was forgotten that is not in use.
        """
        while True:
            self.context.begin()
            place = len(slot.cells.tokens)
            row = self.context.add_slice(tokens, place, slot.sequence, last)
            result = self.context.compute()
            if result == DONE:
                slot.cells.tokens.extend(tokens)
                return row
            self.slots.settle(slot)
            if result != NO_ROOM or not self.slots.give_way():
                return None

    def sure_of(self, row: int) -> int | None:
        """What comes next; None where it is not sure, or where that ends the answer."""
        logits = self.context.logits(row)
        if logits is None:
            return None
        known = logits[: self._tokens]
        token = int(known.argmax())
        likely = 1 / float(np.exp(known - known[token]).sum())
        # Damaged weights make this no number, which is not more than anything.
        if not likely >= _SURE or self._weights.vocabulary.ends_turn(token):
            return None
        return token


class Follower:
    """What the draft model has read of one answer. `close` gives its place back."""

    def __init__(self, draft: DraftModel) -> None:
        self._draft = draft
        self._slot: Slot | None = None
        self._may_follow = True

    def guess(self, tokens: list[int], most: int) -> list[int] | None:
        """What may come after `tokens`, at most so many; None where that was not tried, as the
        draft model has not read them yet or cannot."""
        draft = self._draft
        slot = self._place(tokens)
        if slot is None or len(tokens) + most > draft.context.length:
            return None
        known = self._go_back(slot, tokens)
        missing = tokens[known:]
        if not draft.knows(missing):
            return None
        if len(missing) > LONGEST_DRAFT + 1:
            if not draft.read_on(slot, missing):
                self._give_up(slot)
            return None
        return self._guess_on(slot, missing, most)

    def read_along(self, tokens: list[int], most: int) -> None:
        """Read at most so many of `tokens`, which the large model has just read."""
        slot = self._place(tokens)
        if slot is None or len(tokens) > self._draft.context.length:
            return
        missing = tokens[self._go_back(slot, tokens) :][:most]
        if not self._draft.knows(missing):
            return
        rows = self._draft.context.batch
        for start in range(0, len(missing), rows):
            if self._draft.read(slot, missing[start : start + rows], last=False) is None:
                self._give_up(slot)
                return

    def close(self) -> None:
        """Follow no longer; may be called again."""
        if self._slot is not None:
            self._draft.slots.release(self._slot)
            self._slot = None
        self._may_follow = False

    def _place(self, tokens: list[int]) -> Slot | None:
        if self._slot is None and self._may_follow and self._draft.slots.is_one_free:
            self._slot = self._draft.slots.take(tokens)
        return self._slot

    def _go_back(self, slot: Slot, tokens: list[int]) -> int:
        """Drop what is not so any more (wrong guesses); how many of `tokens` are read then, but
        not the last one."""
        held = slot.cells.tokens
        # The end alone is compared one by one: it is all that differs as a rule.
        near = max(0, min(len(held), len(tokens)) - LONGEST_DRAFT)
        if held[:near] == tokens[:near]:
            known = near + shared(held[near:], tokens[near:])
        else:
            known = shared(held, tokens)
        known = self._draft.context.keep(slot.sequence, min(known, len(tokens) - 1))
        slot.cells.cut(known)
        return known

    def _guess_on(self, slot: Slot, missing: list[int], most: int) -> list[int] | None:
        guess: list[int] = []
        while True:
            row = self._draft.read(slot, missing, last=True)
            if row is None:
                self._give_up(slot)
                return guess or None
            token = self._draft.sure_of(row)
            if token is None:
                return guess
            guess.append(token)
            if len(guess) == most:
                return guess
            missing = [token]

    def _give_up(self, slot: Slot) -> None:
        """Others need the room, so this answer goes on without guesses."""
        self._draft.slots.forget(slot)
        self.close()
