"""Measuring several things by turns, and comparing turn by turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Side = Callable[[int], Mapping[str, float]]
"""Measures in the turn of this number; what it found, by name."""


@dataclass(frozen=True)
class Turns:
    """What was found in each turn, by name."""

    figures: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """Of all turns."""
        return statistics.median(self.figures[name])

    def ratio(self, name: str, other: str) -> float:
        """The median of the ratios turn by turn."""
        pairs = zip(self.figures[name], self.figures[other], strict=True)
        return statistics.median(one / two for one, two in pairs)


def one(name: str, measure: Callable[[int], float]) -> Side:
    """A side that finds one figure."""
    return lambda number: {name: measure(number)}


def by_turns(count: int, *sides: Side) -> Turns:
    """Let each measure `count` times.

    Each second turn goes the other way round, so that a machine that slows down or quickens favours
    nobody.
    """
    figures: dict[str, list[float]] = {}
    for number in range(count):
        for side in reversed(sides) if number % 2 else sides:
            for name, figure in side(number).items():
                figures.setdefault(name, []).append(figure)
    return Turns(figures)
