"""Sums of heights."""

from __future__ import annotations

from app.gui.transcript.heights import RowHeights


def test_rows_at_heights() -> None:
    heights = RowHeights([10, 20, 30])
    assert [heights.at(y) for y in (-5, 0, 9, 10, 29, 30, 59, 60, 500)] == [
        0, 0, 0, 1, 1, 2, 2, 2, 2,
    ]  # fmt: skip
    assert heights.total == 60


def test_a_changed_height_moves_what_is_below() -> None:
    heights = RowHeights([10, 20, 30])
    assert heights.top(3) == 60
    heights.set(0, 15)
    assert [heights.top(index) for index in range(4)] == [0, 15, 35, 65]


def test_no_rows() -> None:
    heights = RowHeights()
    assert heights.at(0) == -1
    assert heights.total == 0
