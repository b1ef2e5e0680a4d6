"""The button `Model` in the header: a sign of the state, the name, a chevron."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton

from app.domain.facts import ModelPhase, ModelState
from app.gui.controls import named, styled
from app.gui.picker.sentences import short_state
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3

_SIGN = 10
_CHEVRON = 15
_WIDEST = 280


class ModelButton(QPushButton):
    """Paints its state; the popup is the controller's."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Model")
        styled(self, kind="quiet")
        self._theme = theme
        self._chevron = theme.icon("chevron-down", "muted")
        self._state = ModelState()
        self._label = ""
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.show_state(self._state)

    def show_state(self, state: ModelState) -> None:
        """Become the picture of this state."""
        self._state = state
        self._label = state.model.short_label if state.model else "Choose a model"
        self.setToolTip(short_state(state))
        self.setAccessibleDescription(short_state(state))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        words = self.fontMetrics().horizontalAdvance(self._label)
        width = words + _SIGN + _CHEVRON + 3 * SPACE_2 + 2 * SPACE_3
        return QSize(min(width, _WIDEST), self.fontMetrics().height() + 14)

    def minimumSizeHint(self) -> QSize:
        return QSize(96, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        inner = self.rect().adjusted(SPACE_3, 0, -SPACE_2, 0)
        middle = inner.center().y() + 0.5
        self._paint_sign(painter, QRectF(inner.left(), middle - _SIGN / 2, _SIGN, _SIGN))
        left = inner.left() + _SIGN + SPACE_2
        words = inner.adjusted(left - inner.left(), 0, -_CHEVRON - SPACE_2, 0)
        painter.setPen(QColor(self._theme.tokens.text))
        elided = self.fontMetrics().elidedText(
            self._label, Qt.TextElideMode.ElideRight, words.width()
        )
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(words, int(flags), elided)
        self._chevron.paint(
            painter, inner.right() - _CHEVRON, round(middle - _CHEVRON / 2), _CHEVRON, _CHEVRON
        )

    def _paint_sign(self, painter: QPainter, box: QRectF) -> None:
        tokens = self._theme.tokens
        small = box.adjusted(1, 1, -1, -1)
        match self._state.phase:
            case ModelPhase.LOADING:
                painter.setPen(QPen(QColor(tokens.pressed), 2))
                painter.drawEllipse(small)
                painter.setPen(QPen(QColor(tokens.accent), 2))
                painter.drawArc(small, 90 * 16, -round(self._state.fraction * 360 * 16))
            case ModelPhase.READY:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tokens.success))
                painter.drawEllipse(small)
            case ModelPhase.FAILED:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tokens.danger))
                painter.drawEllipse(small)
            case _:
                painter.setPen(QPen(QColor(tokens.muted), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(small)
