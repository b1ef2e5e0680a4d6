"""Paints a row of what was found: three lines, whatever the number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from app.gui.discover.rows import ROW_ROLE
from app.gui.discover.words import FoundRow
from app.gui.row_delegate import RowDelegate, small_font
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3

if TYPE_CHECKING:
    from PySide6.QtWidgets import QStyleOptionViewItem

Index = QModelIndex | QPersistentModelIndex

_TOKENS = {"success": "success", "warning": "accent", "danger": "danger", "muted": "muted"}
_SIGN = 13


class FoundDelegate(RowDelegate):
    """Name and whether it fits; author, size and licence; figures."""

    def __init__(self, theme: ThemeKeeper, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._signs = {name: theme.icon(name, "muted") for name in ("download", "heart", "lock")}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        font: QFont = option.font
        small = QFontMetrics(small_font(font)).height()
        return QSize(80, QFontMetrics(font).height() + 2 * small + 2 * SPACE_1 + 2 * SPACE_2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        row: FoundRow = index.data(ROW_ROLE)
        inner = self.paint_ground(painter, option).adjusted(0, SPACE_2, 0, -SPACE_2)
        font: QFont = option.font
        small = small_font(font)
        top = QRect(inner.left(), inner.top(), inner.width(), QFontMetrics(font).height())
        top.setRight(self._paint_badge(painter, row, top, small))
        self._paint_title(painter, row, top, font, small)
        line = QFontMetrics(small).height()
        second = QRect(inner.left(), top.bottom() + 1 + SPACE_1, inner.width(), line)
        painter.setFont(small)
        self._text(painter, second, row.about, "muted")
        self._paint_figures(painter, row, second.translated(0, line + SPACE_1), small)
        painter.restore()

    def _paint_badge(self, painter: QPainter, row: FoundRow, box: QRect, small: QFont) -> int:
        """At the right; where the room for the title ends."""
        if not row.badge:
            return box.right()
        painter.setFont(small)
        painter.setPen(QColor(getattr(self._theme.tokens, _TOKENS[row.tone])))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(flags), row.badge)
        return box.right() - QFontMetrics(small).horizontalAdvance(row.badge) - SPACE_3

    def _paint_title(
        self, painter: QPainter, row: FoundRow, box: QRect, font: QFont, small: QFont
    ) -> None:
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        room = box.adjusted(0, 0, -(_SIGN + SPACE_2) if row.gated else 0, 0)
        used = self._text(painter, room, row.title, "text")
        rest = box.adjusted(used + SPACE_2, 0, 0, 0)
        if row.gated:
            at = QRect(rest.left(), box.center().y() - _SIGN // 2, _SIGN, _SIGN)
            self._signs["lock"].paint(painter, at)
        elif row.mark and QFontMetrics(small).horizontalAdvance(row.mark) <= rest.width():
            painter.setFont(small)
            self._text(painter, rest, row.mark, "accent")

    def _paint_figures(self, painter: QPainter, row: FoundRow, box: QRect, small: QFont) -> None:
        painter.setFont(small)
        rest = QRect(box)
        for sign, text in row.figures:
            if not text or rest.width() < 2 * _SIGN:
                continue
            if sign:
                at = QRect(rest.left(), rest.center().y() - _SIGN // 2, _SIGN, _SIGN)
                self._signs[sign].paint(painter, at)
                rest.adjust(_SIGN + SPACE_1, 0, 0, 0)
            rest.adjust(self._text(painter, rest, text, "muted") + SPACE_3, 0, 0, 0)

    def _text(self, painter: QPainter, box: QRect, text: str, token: str) -> int:
        """On one line at the left, with an ellipsis where it ends; its width."""
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.setPen(QColor(getattr(self._theme.tokens, token)))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(flags), shown)
        return metrics.horizontalAdvance(shown)
