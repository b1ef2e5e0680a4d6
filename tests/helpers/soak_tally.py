"""What came of a soak."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.engine.supervisor import HostEngine

SETTLED_AFTER = 4
"""Looks after which the application has all that it keeps, such as libraries."""
_ENOUGH = 6
"""Looks after that, from which on growth can be told from chance."""
MOST_GROWTH = 1.05
ARENAS = 16 * 1024 * 1024
"""Bytes by which a process may grow all the same: Python's own memory is in pieces at first, and
comes to rest within some minutes. 5 % of what a host with the starter model has."""


@dataclass
class Tally:
    """Counts, and what must not have been."""

    ends: Counter[str] = field(default_factory=Counter[str])
    """How many requests ended how."""
    application: list[int] = field(default_factory=list[int])
    """Resident bytes of this process after each round."""
    hosts: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """The same of each host by its process id, after calm rounds, loaded in the same way."""
    faults: list[str] = field(default_factory=list[str])
    kills: int = 0
    killed: dict[str, tuple[HostEngine, int]] = field(
        default_factory=dict[str, tuple[HostEngine, int]]
    )
    """Models whose host was killed in this round, and which process that was."""
    returns: int = 0
    """Conversations that came back from disk."""
    most_kept: int = 0
    """Bytes on disk, at most."""
    forgotten: set[str] = field(default_factory=set[str])
    """Tags of conversations that are gone."""

    @property
    def requests(self) -> int:
        return self.ends.total()

    @property
    def growth(self) -> float:
        """Of the application, at the end against settled."""
        return growth(self.application)

    @property
    def host_growth(self) -> float:
        """Of the host that grew most."""
        return max((growth(sizes) for sizes in self.hosts.values()), default=1.0)

    def fault(self, what: str) -> None:
        """Note what must not be."""
        self.faults.append(what)

    def check_growth(self) -> None:
        """A process that has grown is a fault."""
        for sizes in (self.application, *self.hosts.values()):
            if growth(sizes) > MOST_GROWTH and max(sizes) - sizes[0] > ARENAS:
                self.fault(f"a process grew: {sizes}")


def growth(sizes: Sequence[int]) -> float:
    """The end against the state once settled, medians of three looks each; 1 while there are too
    few."""
    settled = sizes[SETTLED_AFTER:]
    if len(settled) < _ENOUGH:
        return 1.0
    return statistics.median(settled[-3:]) / statistics.median(settled[:3])
