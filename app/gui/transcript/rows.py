"""The rows that are widgets now, and the heights of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.gui.theme.tokens import SPACE_8
from app.gui.transcript.heights import RowHeights
from app.gui.transcript.message import MessageRow
from app.gui.transcript.styles import GUTTER, Styles

if TYPE_CHECKING:
    from app.gui.theme.keeper import ThemeKeeper
    from app.gui.transcript.highlight import HighlightQueue
    from app.gui.transcript.itemmodel import Entry, MessageItemModel

ROW_GAP = SPACE_8 - 4
"""Space above each row, in logical pixels."""


class RowWindow:
    """Makes rows where the reader looks, measures them, and lets go of those far away."""

    def __init__(
        self,
        theme: ThemeKeeper,
        items: MessageItemModel,
        queue: HighlightQueue,
        viewport: QWidget,
        wire: Callable[[MessageRow], None],
    ) -> None:
        """`wire` connects the signals of a new row."""
        self._theme = theme
        self._items = items
        self._queue = queue
        self._viewport = viewport
        self._wire = wire
        self._looks = (Styles(theme), Styles(theme, quiet=True))
        self._rows: dict[int, MessageRow] = {}
        self._order: list[int] = []
        """Ids of the rows in the order in which they are stacked."""
        self.heights = RowHeights()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, message_id: int) -> MessageRow | None:
        """The row of a message, if it is a widget now."""
        return self._rows.get(message_id)

    @property
    def in_order(self) -> list[MessageRow]:
        """From top to bottom."""
        return [self._rows[key] for key in self._order if key in self._rows]

    def keep_only(self, wanted: frozenset[int]) -> None:
        """Let go of all rows but those of these messages."""
        for message_id in [key for key in self._rows if key not in wanted]:
            self._drop(message_id)

    def redress(self) -> None:
        """The theme is another one: all rows are made again."""
        self._looks = (Styles(self._theme), Styles(self._theme, quiet=True))
        self.keep_only(frozenset())

    def estimate(self, width: int) -> None:
        """Guess the heights of all messages in a column of this width."""
        heights: list[int] = []
        for entry in self._items.entries:
            row = self._rows.get(entry.message.id)
            height = row.fit(width) if row else estimated_height(entry, width)
            heights.append(ROW_GAP + height)
        self.heights = RowHeights(heights)

    def measure(self, first: int, last: int, width: int) -> bool:
        """Make these rows widgets of this width; whether any height was another one."""
        changed = False
        for index in range(first, last + 1):
            entry = self._items.entries[index]
            row = self._rows.get(entry.message.id) or self._make(entry)
            height = row.fit(width) + ROW_GAP
            if height != self.heights[index]:
                self.heights.set(index, height)
                changed = True
        return changed

    def place(self, first: int, last: int, scrolled: int, width: int) -> None:
        """Put the rows where they belong and let go of those that are not among these."""
        entries = self._items.entries
        near = {entries[index].message.id: index for index in range(first, last + 1)}
        self.keep_only(frozenset(key for key in self._rows if key in near or self._stays(key)))
        left = (self._viewport.width() - width) // 2 - GUTTER
        for message_id, row in self._rows.items():
            index = near.get(message_id, self._index(message_id))
            top = self.heights.top(index) + ROW_GAP - scrolled
            row.setGeometry(left, top, width + GUTTER, self.heights[index] - ROW_GAP)
            row.set_last(index == len(entries) - 1)
            row.show()
        self._restack()

    def order_tabs(self) -> None:
        """Tab goes through the rows from top to bottom, beginning behind the view itself."""
        before: QWidget = self._viewport.parentWidget() or self._viewport
        for row in self.in_order:
            for stop in row.tab_stops():
                QWidget.setTabOrder(before, stop)
                before = stop

    def _index(self, message_id: int) -> int:
        return self._items.index_of(message_id) or 0

    def _make(self, entry: Entry) -> MessageRow:
        row = MessageRow(entry, self._looks, self._queue, self._viewport)
        self._wire(row)
        self._rows[entry.message.id] = row
        return row

    def _drop(self, message_id: int) -> None:
        row = self._rows.pop(message_id)
        row.hide()
        row.deleteLater()

    def _stays(self, message_id: int) -> bool:
        """A row that grows, or in which the reader works, keeps its widget out of sight."""
        row = self._rows[message_id]
        focus = row.focusWidget()
        return row.entry.is_live or (focus is not None and focus.hasFocus())

    def _restack(self) -> None:
        """Screen readers meet widgets in the order in which they were made or raised."""
        order = sorted(self._rows, key=self._index)
        if order == self._order:
            return
        self._order = order
        for row in self.in_order:
            row.raise_()
        self.order_tabs()


def estimated_height(entry: Entry, width: int) -> int:
    """About how high a message will be; a wrong guess is corrected when it comes near."""
    characters = max(1, width // 8)
    lines = len(entry.text) // characters + entry.text.count("\n") + 1
    return 60 + 24 * lines
