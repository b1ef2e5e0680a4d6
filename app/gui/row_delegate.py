"""What painted rows of all lists have in common: their ground, and their smaller font."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import RADIUS_SMALL, SPACE_2, SPACE_3

_SMALL = 0.88

Index = QModelIndex | QPersistentModelIndex


def small_font(font: QFont) -> QFont:
    """For what stands beside the main thing."""
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * _SMALL)
    return small


class RowDelegate(QStyledItemDelegate):
    """Paints the ground of a row: selected, under the mouse, with the focus."""

    def __init__(self, theme: ThemeKeeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> QRect:
        """Paint it; where the row's own things may stand."""
        state: Any = option.state
        rect: QRect = option.rect
        box = QRectF(rect.adjusted(SPACE_2, 1, -SPACE_2, -1))
        tokens = self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(tokens.selected))
            painter.drawRoundedRect(box, RADIUS_SMALL, RADIUS_SMALL)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(tokens.hover))
            painter.drawRoundedRect(box, RADIUS_SMALL, RADIUS_SMALL)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_Active:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.accent), 1.0))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_SMALL, RADIUS_SMALL)
        return rect.adjusted(SPACE_2 + SPACE_3, 1, -SPACE_2 - SPACE_2, -1)
