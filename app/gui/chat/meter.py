"""The ring in the composer that shows how full the context is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QProgressBar, QSizePolicy

from app.gui.chat import meter_words
from app.gui.chat.meter_words import Fullness
from app.gui.controls import named, styled
from app.gui.theme.tokens import SPACE_2

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from app.domain.generation import TokenCount
    from app.gui.theme.keeper import ThemeKeeper

_RING = 16
_STROKE = 2.5
_FONT = 0.88
_COLOURS = {Fullness.ROOMY: "muted", Fullness.NEARLY: "accent", Fullness.OVER: "danger"}


class ContextMeter(QProgressBar):
    """A progress bar for screen readers, a ring with a few words for the eye.

    Hidden while there is nothing to tell.
    """

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self._fullness = Fullness.ROOMY
        self._words = ""
        self._is_brief = False
        styled(named(self, "Context"), kind="ring")
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * _FONT)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_count(self, count: TokenCount | None) -> None:
        """What would be sent; None: that is not known."""
        self.setVisible(count is not None)
        if count is None:
            return
        self._fullness = meter_words.fullness(count)
        self.setMaximum(max(1, count.context_length))
        self.setValue(min(count.sent, self.maximum()))
        self._words = meter_words.figures(count)
        self.setFormat(self._words)
        self.setToolTip(meter_words.itemised(count))
        self.setAccessibleDescription(meter_words.spoken(count))
        self._fit()

    def set_room(self, room: int) -> None:
        """So many logical pixels are left for the figures; without enough of them only the ring
        shows."""
        brief = room < self._words_width()
        if brief != self._is_brief:
            self._is_brief = brief
            self._fit()

    def words(self) -> str:
        """The figures beside the ring."""
        return self._words

    def _fit(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        beside = 0 if self._is_brief else self._words_width()
        return QSize(beside + _RING + 2, max(_RING + 2, self.fontMetrics().height()))

    def _words_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._words) + SPACE_2

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        colour = QColor(getattr(tokens, _COLOURS[self._fullness]))
        if not self._is_brief:
            painter.setPen(colour)
            room = self.rect().adjusted(0, 0, -(_RING + 2 + SPACE_2), 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self._words)
        ring = QRectF(self.width() - _RING - 1, (self.height() - _RING) / 2, _RING, _RING)
        ring.adjust(_STROKE / 2, _STROKE / 2, -_STROKE / 2, -_STROKE / 2)
        painter.setPen(QPen(QColor(tokens.pressed), _STROKE))
        painter.drawEllipse(ring)
        pen = QPen(colour, _STROKE)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        # From twelve o'clock with the clock, in sixteenths of a degree.
        share = self.value() / self.maximum()
        if share > 0:
            painter.drawArc(ring, 90 * 16, -max(16, round(share * 360 * 16)))
