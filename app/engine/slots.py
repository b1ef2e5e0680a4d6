"""Which conversation lies in which sequence of the context.

A slot remembers its tokens when its answer has ended, so that the next question of that
conversation begins where it stopped; several conversations stay warm side by side. The cells that
they take together are the context's: what is not in use gives way when room is needed. A
conversation that has a tag is then kept on disk, and comes back from there where that is sooner
than it would be read.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.engine.cells import GRID, Cells, shared
from app.engine.kept.kept_states import SHORTEST, Fetch, KeptStates
from app.engine.native.context import Context

SAVE_SECONDS = 0.8
"""How long copies are begun of what a context holds that is to be freed."""
_ANSWER = 1024
"""Tokens after a question that are taken for its answer, and not for a long conversation."""


@dataclass(slots=True, eq=False)
class Slot:
    """A sequence of the context and what it holds."""

    sequence: int
    cells: Cells = field(default_factory=Cells)
    busy: bool = False
    """An answer uses it."""
    used_at: int = 0
    """Counts up with every use of any slot."""
    tag: str = ""
    """Of its conversation (`GenerateRequest.cache_tag`)."""
    doomed: bool = False
    """Its conversation was removed while an answer of it ran."""


@dataclass(frozen=True, slots=True)
class Recall:
    """A slot that waits for a kept state."""

    slot: Slot
    fetch: Fetch


class Slots:
    """The sequences of a context; confined to the thread of the context."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.all = tuple(Slot(sequence) for sequence in range(context.sequences))
        self.kept: KeptStates | None = None
        """Where conversations go that leave; None: nowhere."""
        self._uses = 0

    @property
    def is_one_free(self) -> bool:
        """Whether another answer can begin."""
        return any(not slot.busy for slot in self.all)

    def take(self, tokens: Sequence[int], tag: str = "") -> Slot:
        """A free slot that holds as much of the beginning of `tokens` as can be had.

        That is less than all, unless their end is remembered.

        That is the one whose beginning is longest, if little else would be lost; else the one that
        was not used for longest, which then shares the cells of that beginning.
        """
        source, count = self._longest(tokens)
        slot = self._place_for(source, count, len(tokens))
        if slot is source:
            if slot.tag != tag and len(slot.cells.tokens) - count > SHORTEST:
                self._save(slot)
            count = self._context.keep(slot.sequence, count)
        elif count:
            self._save(slot)
            count = self._context.share(source.sequence, slot.sequence, count)
            slot.cells.take_over(source.cells, count)
            self._touch(source)
        else:
            self._evict(slot)
        slot.cells.cut(count)
        self._use(slot, tag)
        return slot

    def recall(self, tokens: Sequence[int], tag: str = "") -> Recall | None:
        """A slot into which more of the beginning of `tokens` comes from the disk than is here, and
        sooner than it would be read; None where there is no such thing."""
        if self.kept is None:
            return None
        state = self.kept.better(tokens, self._longest(tokens)[1])
        if state is None:
            return None
        slot = self._least_needed([slot for slot in self.all if not slot.busy])
        self._evict(slot)
        self._use(slot, tag)
        return Recall(slot, self.kept.fetch(state))

    def end_recall(self, recall: Recall, tokens: Sequence[int]) -> bool:
        """Fill the slot with what came. If that is not possible the slot is free again: `take` one.

        Waits for a fetch that is not ready.
        """
        assert self.kept is not None
        slot, fetch = recall.slot, recall.fetch
        cells = self.kept.restore(fetch, slot.sequence)
        while cells is None and fetch.has_come and self.give_way():
            cells = self.kept.restore(fetch, slot.sequence)
        if cells is None:
            self.kept.drop(fetch.kept)
            self.release(slot)
            return False
        slot.cells = cells
        slot.cells.cut(self._context.keep(slot.sequence, cells.resume_at(tokens)))
        return True

    def took_to_read(self, count: int, seconds: float) -> None:
        """So many tokens of prompts took so long: what to compare a kept state with."""
        if self.kept is not None:
            self.kept.rates.took_to_read(count, seconds)

    def release(self, slot: Slot) -> None:
        """The answer has ended; its tokens stay until their room is needed."""
        if slot.cells.pure is not None:
            # What was computed with tokens that are gone is of no use to the next prompt.
            slot.cells.cut(self._context.keep(slot.sequence, slot.cells.pure))
        slot.busy = False
        self._touch(slot)
        if slot.doomed:
            slot.doomed = False
            self.forget(slot)

    def give_way(self) -> bool:
        """Forget the conversation that was not used for longest; whether there was one."""
        idle = [slot for slot in self.all if not slot.busy and slot.cells.tokens]
        if not idle:
            return False
        self._evict(min(idle, key=lambda slot: slot.used_at))
        return True

    def save_all(self) -> None:
        """Keep what the slots hold before the context is freed: what was used last comes first, and
        after `SAVE_SECONDS` no more is begun."""
        until = time.monotonic() + SAVE_SECONDS
        for slot in sorted(self.all, key=lambda slot: -slot.used_at):
            if time.monotonic() < until:
                self._save(slot)

    def forget_tag(self, tag: str | None) -> None:
        """Nothing of this conversation may stay, and what is in use of it is not kept afterwards.
        None: only what is on disk is gone."""
        for slot in self.all:
            if slot.tag == tag:
                slot.tag = ""
                slot.doomed = slot.busy
                if not slot.busy:
                    self.forget(slot)
        if self.kept is not None:
            self.kept.forget(tag)

    def forget(self, slot: Slot) -> None:
        """Nothing of what this slot holds can be used any more."""
        self._context.forget(slot.sequence)
        slot.cells.cut(0)

    @property
    def can_shift(self) -> bool:
        """Whether `shift` is possible with this memory."""
        return self._context.can_shift

    def shift(self, slot: Slot, kept: int, count: int) -> bool:
        """Take the `count` tokens after the first `kept` out of a slot; whether that was possible.

        A cell has one position for all that share it. An idle conversation that has cells in common
        with what must move is forgotten; beside an answer that has them nothing can move.
        """
        sharing = [
            other
            for other in self.all
            if other is not slot and shared(other.cells.tokens, slot.cells.tokens) > kept + count
        ]
        if any(other.busy for other in sharing):
            return False
        for other in sharing:
            self.forget(other)
        self._context.shift(slot.sequence, kept, count)
        slot.cells.take_out(kept, count)
        return True

    def settle(self, slot: Slot) -> None:
        """After a computation that did not go through: only what was read before is left."""
        count = len(slot.cells.tokens)
        kept = self._context.keep(slot.sequence, count)
        if kept < count:
            slot.cells.cut(kept)

    def clear(self) -> None:
        """Forget everything."""
        self._context.clear()
        for slot in self.all:
            slot.cells.cut(0)

    def _longest(self, tokens: Sequence[int]) -> tuple[Slot, int]:
        """The slot that has most of the beginning, and how much of it; the free one of equals."""
        counts = [(self._usable(slot, tokens), slot) for slot in self.all]
        count, slot = max(counts, key=lambda pair: (pair[0], not pair[1].busy, pair[1].used_at))
        return slot, count

    def _usable(self, slot: Slot, tokens: Sequence[int]) -> int:
        count = slot.cells.resume_at(tokens)
        return count if self._context.can_keep(slot.sequence, count) else 0

    def _place_for(self, source: Slot, count: int, length: int) -> Slot:
        """The slot to go on in: `source`, which has `count` tokens of `length`, or one to share
        them with."""
        free = [slot for slot in self.all if not slot.busy]
        if count and not source.busy:
            lost = len(source.cells.tokens) - count
            if lost <= _may_lose(count) or len(free) == 1:
                return source
            if count == length and lost <= _ANSWER:
                # The same question is asked again. Kept beside it, every answer that was ever
                # regenerated would cost each further token time: attention goes over all cells
                # that hold something (eight of them took a quarter of the starter model's rate).
                return source
            free.remove(source)
        return self._least_needed(free)

    @staticmethod
    def _least_needed(free: Sequence[Slot]) -> Slot:
        # An empty one before one that would lose its conversation.
        return min(free, key=lambda slot: (bool(slot.cells.tokens), slot.used_at))

    def _evict(self, slot: Slot) -> None:
        self._save(slot)
        self.forget(slot)

    def _save(self, slot: Slot) -> None:
        if self.kept is not None and slot.tag:
            self.kept.keep(slot.sequence, slot.cells, slot.tag)

    def _use(self, slot: Slot, tag: str) -> None:
        slot.busy, slot.tag = True, tag
        self._touch(slot)

    def _touch(self, slot: Slot) -> None:
        self._uses += 1
        slot.used_at = self._uses


def _may_lose(kept: int) -> int:
    """Tokens that a conversation may lose and is gone on with, beside those `kept`: half as many,
    and what a prompt that goes on where another one ended leaves to be read again."""
    return max(kept // 2, min(kept, 2 * GRID))
