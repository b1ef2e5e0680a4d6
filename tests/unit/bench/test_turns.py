"""Measuring by turns, and what is said of a figure that could not be had."""

from __future__ import annotations

import io
from collections.abc import Callable

from tests.bench.rows import missing, print_rows
from tests.bench.turns import by_turns, one


def test_every_second_turn_goes_the_other_way_round() -> None:
    order: list[str] = []

    def side(name: str) -> Callable[[int], float]:
        return lambda number: order.append(f"{name}{number}") or 1.0

    by_turns(3, one("a", side("a")), one("b", side("b")))
    assert order == ["a0", "b0", "b1", "a1", "a2", "b2"]


def test_what_counts_is_the_ratio_of_one_turn() -> None:
    slow = [1.0, 4.0, 1.0]
    found = by_turns(
        3, one("ours", lambda n: 9.0 / slow[n]), lambda n: {"theirs": 10.0 / slow[n], "other": 1.0}
    )
    assert found.ratio("ours", "theirs") == 0.9
    assert found.median("theirs") == 10.0
    assert found.figures["other"] == [1.0, 1.0, 1.0]


def test_a_figure_that_could_not_be_had_is_told_with_the_reason() -> None:
    out = io.StringIO()
    row = missing("the peer", "no such package")
    assert print_rows([row], out)
    assert out.getvalue().splitlines() == ["the peer  -     no such package", "0 of 0 bars hold"]
    assert row.to_dict()["note"] == "no such package"
