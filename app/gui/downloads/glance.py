"""Downloads in the status line: a word and a thin bar, and a way to the page."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton

from app.gui.controls import label, named
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2

_BAR = QSize(44, 4)


class Glance(QAbstractButton):
    """Hidden while nothing runs."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Download progress", "Show the downloads")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(label(size=0.88).font())
        self._theme = theme
        self._fraction = 0.0
        self.hide()

    def show_progress(self, text: str, fraction: float) -> None:
        """A few words, and how far it is from 0 to 1; without words it is not there."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleDescription(f"{text}. Press to show the downloads.")
            self.updateGeometry()
            self.setVisible(bool(text))
        if fraction != self._fraction:
            self._fraction = fraction
            self.update()

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(width + SPACE_2 + _BAR.width(), self.fontMetrics().height())

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.hasFocus() or self.underMouse()
        painter.setPen(QColor(tokens.text if lit else tokens.muted))
        words = QRect(0, 0, self.width() - _BAR.width() - SPACE_2, self.height())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(words, int(flags), self.text())
        track = QRectF(0, 0, _BAR.width(), _BAR.height())
        track.moveCenter(QRectF(self.rect()).center())
        track.moveRight(self.width())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.pressed))
        painter.drawRoundedRect(track, 2, 2)
        track.setWidth(max(4.0, track.width() * self._fraction))
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(track, 2, 2)
