"""The heights of all rows, those that are no widgets included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class RowHeights:
    """Heights of all rows, one below the other; the first sum after a change costs once.

    A streaming answer changes the last row only, so nothing has to be summed again.
    """

    def __init__(self, heights: Sequence[int] = ()) -> None:
        self._heights = list(heights)
        self._tops = [0]
        """Known tops; one more than rows when all are known."""

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    def set(self, index: int, height: int) -> None:
        """A row turned out to be so high."""
        self._heights[index] = height
        del self._tops[index + 1 :]

    def top(self, index: int) -> int:
        """Where a row begins; `len` rows: where all end."""
        tops = self._tops
        while len(tops) <= index:
            tops.append(tops[-1] + self._heights[len(tops) - 1])
        return tops[index]

    @property
    def total(self) -> int:
        """The height of all rows."""
        return self.top(len(self._heights))

    def at(self, y: int) -> int:
        """The row at a height; the first above all, the last below all; -1 without rows."""
        count = len(self._heights)
        self.top(count)
        return min(max(bisect_right(self._tops, y) - 1, 0), count - 1)
