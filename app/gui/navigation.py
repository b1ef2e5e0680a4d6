"""The way between the pages: rows at the top of the left panel, and a slim rail in its stead."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QIcon,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout, QWidget

from app.gui.controls import ICON, icon_button, named, styled
from app.gui.pages import PLACES, Badge, Page, Pages
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import HEADER_HEIGHT, RADIUS_SMALL, SPACE_1, SPACE_2, SPACE_3

RAIL_WIDTH = 48
_ROW_HEIGHT = 34
_RING = 15
_RING_WIDE = 2.2
_DOT = 3.5
_TRACK_ALPHA = 70
"""To be seen on each of the grounds."""


def keys_of(name: str) -> str:
    """The shortcut of a page."""
    return f"Ctrl+{PLACES.index(name) + 1}"


class Navigation(QWidget):
    """A button for each page; exactly one is pressed in."""

    wished = Signal(str)
    """The name of a page."""

    def __init__(self, theme: ThemeKeeper, *, compact: bool) -> None:
        """`compact`: icons alone, for the rail."""
        super().__init__()
        named(self, "Pages of Lamplight")
        self._theme = theme
        self._compact = compact
        self._buttons: dict[str, PlaceButton] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        self._column.setSpacing(2)

    def follow(self, pages: Pages) -> None:
        """Show the pages that are added from now on, and lead to them."""
        pages.promised.connect(self._make_way)
        pages.added.connect(self._add)
        pages.changed.connect(self._mark)
        pages.badged.connect(self._set_badge)
        self.wished.connect(pages.go)

    def button(self, name: str) -> PlaceButton:
        """The button of a page."""
        return self._buttons[name]

    def _add(self, page: Page) -> None:
        if page.name not in self._buttons:
            self._make_way(page.name, page.icon)
        self._buttons[page.name].setEnabled(True)

    def _make_way(self, name: str, icon: str) -> None:
        button = PlaceButton(self._theme, name, icon, compact=self._compact)
        button.setEnabled(False)
        button.clicked.connect(lambda: self.wished.emit(name))
        before = [each for each in self._buttons if PLACES.index(each) < PLACES.index(name)]
        self._column.insertWidget(len(before), button)
        if before:
            QWidget.setTabOrder(self._buttons[before[-1]], button)
        self._buttons[name] = button
        self._buttons = {name: self._buttons[name] for name in PLACES if name in self._buttons}

    def _mark(self, shown: Page) -> None:
        for name, button in self._buttons.items():
            button.setChecked(name == shown.name)

    def _set_badge(self, name: str, badge: Badge | None) -> None:
        self._buttons[name].set_badge(badge)


class PlaceButton(QAbstractButton):
    """Icon, name and badge of a page; in the rail without the name."""

    def __init__(self, theme: ThemeKeeper, name: str, icon: str, *, compact: bool) -> None:
        super().__init__()
        named(self, f"Show {name.lower()}")
        self.setText(name)
        self.setCheckable(True)
        self._theme = theme
        self._compact = compact
        self._icons = theme.icon(icon, "muted"), theme.icon(icon, "text")
        self._keys = QKeySequence(keys_of(name)).toString(QKeySequence.SequenceFormat.NativeText)
        self._badge: Badge | None = None
        self.setFixedHeight(_ROW_HEIGHT)
        self._tell_badge()

    def set_badge(self, badge: Badge | None) -> None:
        """What is to be seen beside the name."""
        if badge != self._badge:
            self._badge = badge
            self._tell_badge()
            self.update()

    def _tell_badge(self) -> None:
        badge = self._badge
        tip = f"{self.text()} ({self._keys})"
        self.setToolTip(f"{tip}\n{badge.words}" if badge else tip)
        self.setAccessibleDescription(badge.words if badge else "")

    def nextCheckState(self) -> None:
        # What is shown decides which one is pressed in, not the press.
        return

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(RAIL_WIDTH - 2 * SPACE_2, _ROW_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        icon = self._icons[self.isChecked()]
        if self._compact:
            self._paint_compact(painter, icon)
        else:
            self._paint_row(painter, icon)

    def _ground(self) -> QColor:
        tokens = self._theme.tokens
        if self.isDown():
            return QColor(tokens.pressed)
        if self.isChecked():
            return QColor(tokens.selected)
        return QColor(tokens.hover if self.underMouse() else tokens.sidebar)

    def _paint_ground(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ground())
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS_SMALL, RADIUS_SMALL)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.tokens.accent), 1.0))
            box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(box, RADIUS_SMALL, RADIUS_SMALL)

    def _paint_row(self, painter: QPainter, icon: QIcon) -> None:
        side, middle = ICON.width(), self.height() // 2
        icon.paint(painter, QRect(SPACE_2 + 2, middle - side // 2, side, side))
        tokens = self._theme.tokens
        start = SPACE_2 + 2 + side + SPACE_3 - 2
        box = QRect(start, 0, self.width() - start - SPACE_3, self.height())
        painter.setPen(QColor(tokens.text))
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(flags | Qt.AlignmentFlag.AlignLeft), self.text())
        if self._badge is None:
            return
        right = self._paint_mark(painter, QRectF(box.right() - _RING, 0, _RING, self.height()))
        if self._badge.count > 1:
            painter.setPen(QColor(tokens.muted))
            count = QRect(0, 0, round(right) - SPACE_1 - 2, self.height())
            text = str(self._badge.count)
            painter.drawText(count, int(flags | Qt.AlignmentFlag.AlignRight), text)

    def _paint_compact(self, painter: QPainter, icon: QIcon) -> None:
        side = ICON.width()
        icon.paint(
            painter, QRect((self.width() - side) // 2, (self.height() - side) // 2, side, side)
        )
        if self._badge is not None:
            corner = QRectF(self.width() - 13, self.height() - 13, 12, 12)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._ground())
            painter.drawEllipse(corner.adjusted(-1.5, -1.5, 1.5, 1.5))
            self._paint_mark(painter, corner)

    def _paint_mark(self, painter: QPainter, box: QRectF) -> float:
        """The ring or the dot in the middle of a box; where it begins at the left."""
        assert self._badge is not None
        tokens = self._theme.tokens
        colour = QColor(tokens.danger if self._badge.is_trouble else tokens.accent)
        side = min(box.width(), _RING)
        ring = QRectF(0, 0, side - _RING_WIDE, side - _RING_WIDE)
        ring.moveCenter(box.center())
        if self._badge.fraction is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(box.center(), _DOT, _DOT)
            return box.center().x() - _DOT
        painter.setBrush(Qt.BrushStyle.NoBrush)
        track = QColor(tokens.muted)
        track.setAlpha(_TRACK_ALPHA)
        painter.setPen(QPen(track, _RING_WIDE))
        painter.drawEllipse(ring)
        pen = QPen(colour, _RING_WIDE)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawArc(ring, 90 * 16, -round(max(0.02, self._badge.fraction) * 360 * 16))
        return ring.left()


class Rail(QFrame):
    """Stands where the left panel would be, while that is closed."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self.setObjectName("Rail")
        styled(self, ground="sidebar", edge="right")
        self.setFixedWidth(RAIL_WIDTH)
        self.toggle = toggle_button(theme)
        self.navigation = Navigation(theme, compact=True)
        head = QWidget()
        head.setFixedHeight(HEADER_HEIGHT)
        top = QVBoxLayout(head)
        top.setContentsMargins(0, 0, 0, 0)
        top.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.navigation)
        column.addStretch(1)


def toggle_button(theme: ThemeKeeper) -> QAbstractButton:
    """Opens and closes the left panel; in its corner, and in the rail's."""
    return icon_button(
        theme, "panel-left", "Toggle conversations", "Show or hide the conversations (Ctrl+B)"
    )
