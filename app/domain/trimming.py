"""Which messages are left out of a prompt that is too long.

The cut lies between exchanges: a question and its answer go together. It also lies still: what is
over is rounded up to a whole number of steps, so that the next turns of the conversation move
nothing and the prompt keeps beginning as it did. Otherwise each turn would drop another message,
every prompt would begin differently, and the engine would read all of it again each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from app.domain.generation import Role, Turn
from app.domain.overflow import Overflow

STEPS = 4
"""Of the room for a prompt; once it is full, at least one of them is freed."""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The turns that are left."""

    turns: tuple[Turn, ...]
    left_out: int
    """Messages."""
    is_least: bool
    """Nothing more can be left out."""


class Trimmer:
    """Trims one conversation, whose turns have these sizes in tokens."""

    def __init__(self, turns: Sequence[Turn], sizes: Sequence[int], overflow: Overflow) -> None:
        self._turns = turns
        groups = exchanges(turns)
        older = [] if overflow is Overflow.STOP else groups[:-1]
        if overflow is Overflow.KEEP_ENDS:
            # The first exchange goes only where the latest would not fit beside it.
            older = [*older[1:], *older[:1]]
        self._order = older
        self._sums = list(
            accumulate((sum(sizes[at] for at in group) for group in older), initial=0)
        )
        self._willing = self._sums[-1]
        if overflow is Overflow.KEEP_ENDS and older:
            self._willing = self._sums[-2]
        self._total = sum(sizes)

    def trimmed(self, room: int, more: int = 0) -> Trimmed:
        """What is left if it is to take `room` tokens by the sizes, less `more` steps."""
        step = max(1, room // STEPS)
        over = max(0, self._total - room)
        wanted = -(-over // step) * step
        if over <= self._willing:
            # For the sake of a cut that lies still, nothing goes that would have to stay.
            wanted = min(wanted, self._willing)
        wanted += more * step
        count = next(
            (at for at, freed in enumerate(self._sums) if freed >= wanted), len(self._order)
        )
        gone = {at for group in self._order[:count] for at in group}
        return Trimmed(
            tuple(turn for at, turn in enumerate(self._turns) if at not in gone),
            sum(self._turns[at].messages for at in gone),
            count == len(self._order),
        )


def exchanges(turns: Sequence[Turn]) -> list[list[int]]:
    """The places of turns that belong together: a question, and what was answered.

    What the system says belongs to none, and always stays.
    """
    groups: list[list[int]] = []
    for at, turn in enumerate(turns):
        if turn.role is Role.SYSTEM:
            continue
        if turn.role is Role.USER or not groups:
            groups.append([])
        groups[-1].append(at)
    return groups
