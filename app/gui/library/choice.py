"""One of several ways: a button with a sentence on it, of which one is chosen."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QRadioButton, QSizePolicy

from app.gui.controls import named
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import RADIUS, SPACE_1, SPACE_2, SPACE_3

_DOT = 16


class WayButton(QRadioButton):
    """A radio button as a card: what it is, and below it what that means."""

    def __init__(self, theme: ThemeKeeper, words: str, about: str) -> None:
        super().__init__(words)
        named(self, words)
        self.setAccessibleDescription(about)
        self._theme = theme
        self._about = about
        # One of them must hold the focus for the arrow keys, after a click too.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hitButton(self, pos: object) -> bool:
        return True

    def sizeHint(self) -> QSize:
        return QSize(300, self.heightForWidth(max(300, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:
        text = self._text_box(QRect(0, 0, width, 10_000))
        metrics = QFontMetrics(self.font())
        about = metrics.boundingRect(text, int(Qt.TextFlag.TextWordWrap), self._about)
        return metrics.height() + SPACE_1 + about.height() + 2 * SPACE_3

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()

    def _text_box(self, card: QRect) -> QRect:
        return card.adjusted(SPACE_3 + _DOT + SPACE_2, SPACE_3, -SPACE_3, -SPACE_3)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        lit = self.isChecked() or self.hasFocus()
        painter.setPen(QPen(QColor(tokens.accent if lit else tokens.line), 1))
        painter.setBrush(QColor(tokens.hover if self.underMouse() else tokens.surface))
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        text = self._text_box(self.rect())
        metrics = QFontMetrics(self.font())
        dot = QRectF(SPACE_3, text.top() + (metrics.height() - _DOT) / 2, _DOT, _DOT)
        painter.setPen(QPen(QColor(tokens.accent if self.isChecked() else tokens.muted), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(dot.adjusted(1, 1, -1, -1))
        if self.isChecked():
            painter.setBrush(QColor(tokens.accent))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(dot.adjusted(4.5, 4.5, -4.5, -4.5))
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(tokens.text))
        painter.drawText(text, int(Qt.AlignmentFlag.AlignLeft), self.text())
        painter.setFont(self.font())
        painter.setPen(QColor(tokens.muted))
        below = text.adjusted(0, metrics.height() + SPACE_1, 0, 0)
        painter.drawText(below, int(Qt.TextFlag.TextWordWrap), self._about)
