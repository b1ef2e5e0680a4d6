"""Lucide's line icons in the colours of the theme, crisp at any scale.

The files in resources/icons are copied unchanged from lucide-static 1.62.0 (ISC; licence beside
them). They are drawn with `currentColor`, for which the colour is put in before they are rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from shiboken6 import isValid

from app.gui.resources import resource

DISABLED_OPACITY = 0.4


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text("utf-8")


@lru_cache(maxsize=256)
def _drawn(name: str, colour: str, width: int, height: int) -> QPixmap:
    """The icon in device pixels."""
    pixmap = QPixmap(width, height)
    pixmap.fill(Qt.GlobalColor.transparent)
    svg = _source(name).replace("currentColor", colour)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, width, height))
    painter.end()
    return pixmap


_engines: list[QIconEngine] = []
"""Those that belong to an icon. Python's garbage collector must never end one: where an icon and
its engine are garbage together it may take the engine first, and the icon's own end then reaches
for what is gone (PySide 6.11, a crash in QIcon's destructor)."""
_LOOK_THROUGH = 512


def _keep(engine: QIconEngine) -> None:
    """Until its icon is gone, with which Qt ends it."""
    if len(_engines) >= _LOOK_THROUGH:
        _engines[:] = [kept for kept in _engines if isValid(kept)]
    _engines.append(engine)


class LineIconEngine(QIconEngine):
    """Asks for its colour each time it paints, so a change of theme needs no new icons."""

    def __init__(self, name: str, colour: Callable[[], QColor]) -> None:
        super().__init__()
        _keep(self)
        self._name = name
        self._colour = colour

    def clone(self) -> QIconEngine:
        return LineIconEngine(self._name, self._colour)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        scale = painter.device().devicePixelRatioF()
        pixmap = self._pixmap(rect.size() * scale)
        pixmap.setDevicePixelRatio(scale)
        painter.save()
        if mode == QIcon.Mode.Disabled:
            painter.setOpacity(painter.opacity() * DISABLED_OPACITY)
        painter.drawPixmap(rect, pixmap)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        drawn = self._pixmap(size)
        if mode != QIcon.Mode.Disabled:
            return drawn
        faded = QPixmap(size)
        faded.fill(Qt.GlobalColor.transparent)
        painter = QPainter(faded)
        painter.setOpacity(DISABLED_OPACITY)
        painter.drawPixmap(QPoint(0, 0), drawn)
        painter.end()
        return faded

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        return self.pixmap(size, mode, state)

    def _pixmap(self, size: QSize) -> QPixmap:
        return QPixmap(_drawn(self._name, self._colour().name(), size.width(), size.height()))
