"""The list of downloads: those that are under way in their order, below them the finished ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain.transfer import Transfer
from app.gui.controls import label, named, text_button
from app.gui.downloads.row import TransferRow
from app.gui.downloads.words import GOES_ON, is_going, is_pending
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import READING_WIDTH, SPACE_2, SPACE_3, SPACE_4


class TransferList(QScrollArea):
    """A row for each download; only what has changed is drawn again."""

    wished = Signal(str, object)
    """A transfer's id and a `Wish`."""
    moved = Signal(str, int)
    """A download was dragged to this place among those that are under way."""
    clear_wished = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Downloads")
        self._theme = theme
        self._rows: dict[str, TransferRow] = {}
        self._dragged: TransferRow | None = None
        self._goes_on = label(GOES_ON, tone="muted", wrap=True, size=0.92)
        self._clear = text_button("Clear the list", "Clear finished downloads", kind="quiet")
        self._clear.clicked.connect(self.clear_wished)
        self._pending, self._finished = _column(), _column()
        self._heading = self._make_heading()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self._lay_out())

    def _make_heading(self) -> QWidget:
        heading = QWidget()
        row = QHBoxLayout(heading)
        row.setContentsMargins(0, SPACE_2, 0, 0)
        row.addWidget(label("Finished", tone="muted"))
        row.addStretch(1)
        row.addWidget(self._clear)
        return heading

    def _lay_out(self) -> QWidget:
        inner = QWidget()
        inner.setMaximumWidth(READING_WIDTH)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, SPACE_4, 0, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addLayout(self._pending)
        column.addWidget(self._goes_on)
        column.addWidget(self._heading)
        column.addLayout(self._finished)
        column.addStretch(1)
        sheet = QWidget()
        outer = QHBoxLayout(sheet)
        outer.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        outer.addStretch(1)
        outer.addWidget(inner, 100)
        outer.addStretch(1)
        return sheet

    # ------------------------------------------------------------------------------- content

    def show_transfers(self, transfers: Sequence[Transfer]) -> None:
        """These are all of them now, in their order."""
        known = {each.transfer_id for each in transfers}
        for gone in [each for each in self._rows if each not in known]:
            self._drop(gone)
        for each in transfers:
            row = self._rows.get(each.transfer_id)
            if row is None:
                self._rows[each.transfer_id] = self._make_row(each)
            else:
                row.show_transfer(each)
        pending = [each.transfer_id for each in transfers if is_pending(each)]
        # The one that was finished last is on top.
        finished = [each.transfer_id for each in reversed(transfers) if not is_pending(each)]
        if self._dragged is None:
            self._arrange(self._pending, pending)
            self._arrange(self._finished, finished)
        self._goes_on.setVisible(any(map(is_going, transfers)))
        self._heading.setVisible(bool(finished))

    def rows(self) -> list[TransferRow]:
        """All of them from top to bottom."""
        return _rows_of(self._pending) + _rows_of(self._finished)

    def take_focus(self) -> None:
        """To the first row, if there is one."""
        rows = self.rows()
        if rows:
            rows[0].setFocus()

    def _make_row(self, transfer: Transfer) -> TransferRow:
        row = TransferRow(self._theme, transfer)
        row.wished.connect(self.wished)
        row.stepped.connect(lambda by: self._step(row, by))
        row.dragged.connect(lambda y: self._drag(row, y))
        row.dropped.connect(lambda: self._end_drag(row))
        return row

    def _drop(self, transfer_id: str) -> None:
        row = self._rows.pop(transfer_id)
        if row is self._dragged:
            self._dragged = None
        focus = self.window().focusWidget()
        if focus is row or (focus is not None and row.isAncestorOf(focus)):
            self._leave(row)
        row.hide()
        row.deleteLater()
        for column in (self._pending, self._finished):
            column.removeWidget(row)

    def _arrange(self, column: QVBoxLayout, wanted: Sequence[str]) -> None:
        if [row.transfer.transfer_id for row in _rows_of(column)] == list(wanted):
            return
        for place, transfer_id in enumerate(wanted):
            row = self._rows[transfer_id]
            if row not in _rows_of(column)[place : place + 1]:
                self._pending.removeWidget(row)
                self._finished.removeWidget(row)
                column.insertWidget(place, row)
        rows = self.rows()
        for before, after in itertools.pairwise(rows):
            QWidget.setTabOrder(before.last_control, after)

    # ------------------------------------------------------------------------ focus and drag

    def _step(self, row: TransferRow, by: int) -> None:
        """The focus goes to the row above or below."""
        rows = self.rows()
        place = rows.index(row) + by
        if 0 <= place < len(rows):
            rows[place].setFocus()
            self.ensureWidgetVisible(rows[place])

    def _leave(self, row: TransferRow) -> None:
        """The focus goes on to a neighbour."""
        self._step(row, -1 if row is self.rows()[-1] else 1)

    def _drag(self, row: TransferRow, y: int) -> None:
        """The row goes where the mouse is; the others make room."""
        self._dragged = row
        rows = _rows_of(self._pending)
        at = row.mapFromGlobal(QPoint(0, y)).y() + row.y()
        others = [each for each in rows if each is not row]
        place = sum(each.geometry().center().y() < at for each in others)
        if rows.index(row) != place:
            self._pending.removeWidget(row)
            self._pending.insertWidget(place, row)
        self.ensureWidgetVisible(row)

    def _end_drag(self, row: TransferRow) -> None:
        if self._dragged is row:
            self._dragged = None
            place = _rows_of(self._pending).index(row)
            self.moved.emit(row.transfer.transfer_id, place)


def _column() -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(SPACE_2)
    return column


def _rows_of(column: QVBoxLayout) -> list[TransferRow]:
    items = [column.itemAt(place) for place in range(column.count())]
    widgets = [item.widget() for item in items if item is not None]
    return [widget for widget in widgets if isinstance(widget, TransferRow)]
