"""The picture of one device's memory: a bar in as many colours as there are parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.controls import named
from app.gui.fitview import words
from app.gui.fitview.places import Part, Place
from app.gui.theme.palette import mixed
from app.gui.theme.tokens import RADIUS_SMALL

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from app.gui.theme.keeper import ThemeKeeper
    from app.gui.theme.tokens import Tokens

_HEIGHT = 16
_SWATCH = 10
_LEAST = 2.0
"""Logical pixels: what takes anything at all is to be seen."""
_GAP = 1.0


def colour_of(part: Part, tokens: Tokens) -> QColor:
    """The same in the bar and in the legend."""
    match part:
        case Part.OTHERS:
            return mixed(tokens.muted, tokens.surface, 0.55)
        case Part.WEIGHTS:
            return QColor(tokens.accent_fill)
        case Part.CACHE:
            return QColor(tokens.success)
        case Part.BUFFERS:
            return mixed(tokens.accent_fill, tokens.surface, 0.6)
        case Part.FREE:
            return QColor(tokens.surface)


class Swatch(QWidget):
    """The colour of a part, for the legend."""

    def __init__(self, theme: ThemeKeeper, part: Part) -> None:
        super().__init__()
        self._theme = theme
        self._part = part
        self.setFixedSize(_SWATCH + 2, _SWATCH + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        painter.setPen(QColor(tokens.line))
        painter.setBrush(colour_of(self._part, tokens))
        painter.drawRoundedRect(QRectF(0.5, 0.5, _SWATCH, _SWATCH), 2, 2)


class DeviceBar(QWidget):
    """What is taken and what is left; what does not fit runs over the mark of the device's end."""

    def __init__(self, theme: ThemeKeeper, place: Place) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_place(place)

    def show_place(self, place: Place) -> None:
        """Take other figures."""
        self._place = place
        named(self, f"{place.name} in use")
        self.setAccessibleDescription(words.spoken(place))
        self.setToolTip(words.spoken(place))
        self.update()

    def widths(self) -> dict[Part, float]:
        """Logical pixels of each part from left to right; a sliver where it takes next to
        nothing, for which the others make room."""
        parts = {part: nbytes for part, nbytes in self._place.parts.items() if nbytes > 0}
        whole = sum(parts.values())
        if not whole:
            return {}
        shares = {part: max(_LEAST, self.width() * n / whole) for part, n in parts.items()}
        scale = self.width() / sum(shares.values())
        return {part: share * scale for part, share in shares.items()}

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens, height = self._theme.tokens, float(self.height())
        frame = QRectF(0.5, 0.5, self.width() - 1.0, height - 1.0)
        shape = QPainterPath()
        shape.addRoundedRect(frame, RADIUS_SMALL, RADIUS_SMALL)
        painter.setClipPath(shape)
        painter.fillRect(self.rect(), QColor(tokens.surface))
        left = 0.0
        for part, width in self.widths().items():
            painter.fillRect(
                QRectF(left, 0, max(_GAP, width - _GAP), height), colour_of(part, tokens)
            )
            left += width
        self._paint_what_runs_over(painter)
        painter.setClipping(False)
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shape)

    def _paint_what_runs_over(self, painter: QPainter) -> None:
        place = self._place
        whole = place.parts[Part.OTHERS] + place.needed_bytes
        if place.needed_bytes <= place.free_bytes or not whole:
            return
        tokens = self._theme.tokens
        end = self.width() * place.total_bytes / whole
        over = QRectF(end, 0, self.width() - end, self.height())
        painter.fillRect(over, QColor(tokens.danger_ground))
        painter.fillRect(over, QBrush(QColor(tokens.danger), Qt.BrushStyle.BDiagPattern))
        painter.fillRect(QRectF(end - 1, 0, 2, self.height()), QColor(tokens.danger))
