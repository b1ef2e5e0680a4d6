"""A table of a message: its own document, so that a wide one scrolls sideways by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QFontMetricsF,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.gui.theme.palette import mixed
from app.gui.theme.tokens import READING_WIDTH, SPACE_1, SPACE_2, SPACE_3
from app.gui.transcript.markdown import References, Run, Table, Text, inline_runs
from app.gui.transcript.page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from app.gui.transcript.styles import Styles

_ALIGNS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}
_COLUMN_COMFORT = 150
"""Logical pixels under which a column of long text is not squeezed; the table scrolls instead."""
MOST_CELLS = 3_000
"""Of one table that are shown."""


class TablePage(Page):
    """One table. A streaming one takes new rows without being made again."""

    def __init__(self, styles: Styles, parent: QWidget | None = None) -> None:
        super().__init__(styles, parent)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setAccessibleName("Table")
        self.setLineWrapColumnOrWidth(READING_WIDTH)
        self._table: QTextTable | None = None
        self._given = 0
        self._rows: list[tuple[str, ...]] = []
        self._aligns: tuple[str, ...] = ()
        self._natural: list[float] = []
        """For each column the width of its longest cell on one line."""

    def put(self, table: Table, references: References, width: int) -> None:
        """Show this table in a column of this width; rows that are shown already stay."""
        rows = [table.head, *table.rows][: max(1, MOST_CELLS // max(1, len(table.head)))]
        if table.aligns != self._aligns or self._table is None:
            self._begin(table)
        same = 0
        for old, new in zip(self._rows, rows, strict=False):
            if old != new:
                break
            same += 1
        cursor = QTextCursor(self.document())
        # One step, so that the table is laid out once.
        cursor.beginEditBlock()
        self._replace(same, rows[same:], references)
        self._set_table_width(width)
        cursor.endEditBlock()

    def fit(self, width: int) -> int:
        """The height at this width, with the bar for sideways scrolling where it is needed."""
        self._set_table_width(width)
        height = self.text_height(max(width, self._comfort))
        if self.document().size().width() > width:
            height += self.horizontalScrollBar().sizeHint().height()
        return height

    @property
    def _comfort(self) -> int:
        """The width below which the table scrolls instead of squeezing its columns further."""
        padding = len(self._natural) * 2 * SPACE_3 + 2
        return padding + math.ceil(sum(min(width, _COLUMN_COMFORT) for width in self._natural))

    def _set_table_width(self, width: int) -> None:
        """As wide as the longest cells want it, but not wider than the column."""
        assert self._table is not None
        natural = math.ceil(sum(self._natural)) + len(self._natural) * 2 * SPACE_3 + 2
        wanted = min(natural, max(width, self._comfort))
        if wanted != self._given:
            self._given = wanted
            made = self._table.format()
            made.setWidth(QTextLength(QTextLength.Type.FixedLength, wanted))
            self._table.setFormat(made)

    def _begin(self, table: Table) -> None:
        self.document().clear()
        self.document().setDocumentMargin(0)
        self._rows, self._aligns = [], table.aligns
        self._natural = [0.0] * len(table.aligns)
        self._given = 0
        made = QTextTableFormat()
        made.setBorder(0)
        made.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_None)
        made.setBorderCollapse(True)
        made.setCellPadding(0)
        made.setCellSpacing(0)
        made.setHeaderRowCount(1)
        cursor = QTextCursor(self.document())
        self._table = cursor.insertTable(1, max(1, len(table.aligns)), made)
        # Qt keeps the caret in sight: behind the table it would scroll a wide one to its end.
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _replace(self, start: int, rows: Sequence[tuple[str, ...]], references: References) -> None:
        table = self._table
        assert table is not None
        surplus = table.rows() - max(1, start)
        if surplus > 0:
            table.removeRows(max(1, start), surplus)
        del self._rows[start:]
        if start + len(rows) > table.rows():
            table.appendRows(start + len(rows) - table.rows())
        for offset, row in enumerate(rows):
            self._rows.append(row)
            for column in range(len(self._aligns)):
                text = row[column] if column < len(row) else ""
                self._fill(table, start + offset, column, text, references)

    def _fill(
        self, table: QTextTable, row: int, column: int, text: str, references: References
    ) -> None:
        cell = table.cellAt(row, column)
        cell.setFormat(self._cell_format(row, column))
        cursor = cell.firstCursorPosition()
        cursor.setPosition(cell.lastPosition(), QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        block_format = self.styles.block_format(Text(""), 0)
        block_format.setAlignment(_ALIGNS.get(self._aligns[column], Qt.AlignmentFlag.AlignLeft))
        cursor.setBlockFormat(block_format)
        width = 0.0
        for run in inline_runs(text, references):
            look = Run("", run.bold or row == 0, run.italic, run.struck, run.code, run.link)
            made = self.styles.char_format(look)
            cursor.insertText(run.text, made)
            width += QFontMetricsF(made.font()).horizontalAdvance(run.text)
            if run.link:
                self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._natural[column] = max(self._natural[column], width + 1)

    def _cell_format(self, row: int, column: int) -> QTextTableCellFormat:
        made = QTextTableCellFormat()
        # The line's own leading stands above the text.
        made.setTopPadding(SPACE_1)
        made.setBottomPadding(SPACE_2)
        # The first column stands flush with the text above, the lines reach to both ends.
        made.setLeftPadding(SPACE_3 if column else 2)
        made.setRightPadding(SPACE_3)
        made.setBottomBorder(1)
        made.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        tokens = self.styles.tokens
        made.setBottomBorderBrush(QBrush(mixed(tokens.line, tokens.muted, 0.0 if row else 0.5)))
        return made
