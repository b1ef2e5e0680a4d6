"""Which conversation lies in which sequence of the context.

A slot remembers its tokens when its answer has ended, so that the next question of that
conversation begins where it stopped; several conversations stay warm side by side. The cells that
they take together are the context's: what is not in use gives way when room is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.engine.cells import GRID, Cells, shared
from app.engine.native.context import Context


@dataclass(slots=True, eq=False)
class Slot:
    """A sequence of the context and what it holds."""

    sequence: int
    cells: Cells = field(default_factory=Cells)
    busy: bool = False
    """An answer uses it."""
    used_at: int = 0
    """Counts up with every use of any slot."""


class Slots:
    """The sequences of a context; confined to the thread of the context."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.all = tuple(Slot(sequence) for sequence in range(context.sequences))
        self._uses = 0

    @property
    def is_one_free(self) -> bool:
        """Whether another answer can begin."""
        return any(not slot.busy for slot in self.all)

    def take(self, tokens: Sequence[int]) -> Slot:
        """A free slot that holds as much of the beginning of `tokens` as can be had.

        That is less than all, unless their end is remembered.

        That is the one whose beginning is longest, if little else would be lost; else the one that
        was not used for longest, which then shares the cells of that beginning.
        """
        source, count = self._longest(tokens)
        slot = self._place_for(source, count, len(tokens))
        if slot is source:
            count = self._context.keep(slot.sequence, count)
        elif count:
            count = self._context.share(source.sequence, slot.sequence, count)
            slot.cells.take_over(source.cells, count)
            self._touch(source)
        else:
            self._context.forget(slot.sequence)
        slot.cells.cut(count)
        slot.busy = True
        self._touch(slot)
        return slot

    def release(self, slot: Slot) -> None:
        """The answer has ended; its tokens stay until their room is needed."""
        if slot.cells.pure is not None:
            # What was computed with tokens that are gone is of no use to the next prompt.
            slot.cells.cut(self._context.keep(slot.sequence, slot.cells.pure))
        slot.busy = False
        self._touch(slot)

    def give_way(self) -> bool:
        """Forget the conversation that was not used for longest; whether there was one."""
        idle = [slot for slot in self.all if not slot.busy and slot.cells.tokens]
        if not idle:
            return False
        self.forget(min(idle, key=lambda slot: slot.used_at))
        return True

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
            # The same question asked again overwrites its answer before it overwrites another
            # conversation.
            asked_again = count == length and all(slot.cells.tokens for slot in free)
            if asked_again or lost <= _may_lose(count) or len(free) == 1:
                return source
            free.remove(source)
        # An empty one before one that would lose its conversation.
        return min(free, key=lambda slot: (bool(slot.cells.tokens), slot.used_at))

    def _touch(self, slot: Slot) -> None:
        self._uses += 1
        slot.used_at = self._uses


def _may_lose(kept: int) -> int:
    """Tokens that a conversation may lose and is gone on with, beside those `kept`: half as many,
    and what a prompt that goes on where another one ended leaves to be read again."""
    return max(kept // 2, min(kept, 2 * GRID))
