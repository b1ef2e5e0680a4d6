"""Side panel, middle, side panel: beside each other in a wide window, on top in a narrow one.

While the left one is not beside the middle, a slim rail stands there.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.gui.theme.tokens import SPACE_8

_MIDDLE_LEAST = 420
_LEAST = 360
"""Logical pixels of the middle, below which nothing would be of use."""
_PANEL_LEAST = 220
_PANEL_MOST = 460
_GRIP = 7


class Side:
    """One of the two panels: whether it is wished for, how wide, and how it is shown."""

    def __init__(self, panel: QWidget, width: int, wished: bool) -> None:
        self.panel = panel
        self.width = width
        self.wished = wished
        """Open whenever there is room beside the middle."""
        self.docked = False
        self.floating = False
        """Open on top of the middle, for the moment."""
        self.barred = False
        """Not to be had, whatever is wished: what is in the middle has no use for it."""

    @property
    def is_open(self) -> bool:
        return self.docked or self.floating


class Shell(QWidget):
    """Places its three children itself; a splitter could not let one float."""

    changed = Signal()
    """A panel opened or closed."""
    floated = Signal(object)
    """This panel opened on top of the middle; it should take the focus."""
    focus_lost = Signal()
    """The panel that had the focus was closed."""

    def __init__(self, left: QWidget, rail: QWidget, middle: QWidget, right: QWidget) -> None:
        super().__init__()
        self.left = Side(left, 264, True)
        self.right = Side(right, 300, False)
        self._rail = rail
        self._middle = middle
        self._scrim = _Scrim(self)
        self._scrim.pressed.connect(self.close_floating)
        for child in (middle, rail, self._scrim, left, right):
            child.setParent(self)
        self._grips = {
            "left": _Grip(self, self._drag_left),
            "right": _Grip(self, self._drag_right),
        }
        self.setMinimumWidth(_LEAST + rail.minimumWidth())

    def toggle(self, side: Side) -> None:
        """Open or close a panel, in the way there is room for."""
        if side.is_open:
            side.wished = side.wished and side.floating
            side.floating = False
        elif self._fits(side):
            side.wished = True
        else:
            self.close_floating()
            side.floating = True
        self._place()
        if side.floating:
            self.floated.emit(side.panel)

    def bar(self, side: Side, barred: bool) -> None:
        """Take a panel away, or let it come back as it is wished for."""
        side.barred = barred
        side.floating = side.floating and not barred
        self._place()

    def close_floating(self) -> bool:
        """Close what lies on top of the middle; whether there was anything."""
        floating = self.left.floating or self.right.floating
        self.left.floating = self.right.floating = False
        if floating:
            self._place()
        return floating

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _fits(self, side: Side) -> bool:
        other = self.right if side is self.left else self.left
        # The conversation list has the older right: the inspector docks only beside it.
        beside = 0
        if side is self.right:
            beside = other.width if other.docked else self._rail.width()
        return self.width() >= side.width + beside + _MIDDLE_LEAST

    def _place(self) -> None:
        before = (self.left.is_open, self.right.is_open)
        width, height = self.width(), self.height()
        self.left.docked = self.left.wished and self._fits(self.left)
        self.right.docked = self.right.wished and not self.right.barred and self._fits(self.right)
        for side in (self.left, self.right):
            side.floating = side.floating and not side.docked
        start = self.left.width if self.left.docked else self._rail.width()
        self._rail.setGeometry(QRect(0, 0, self._rail.width(), height))
        self._rail.setVisible(not self.left.docked)
        end = width - (self.right.width if self.right.docked else 0)
        self._middle.setGeometry(QRect(start, 0, end - start, height))
        floating = self.left.floating or self.right.floating
        self._scrim.setGeometry(self.rect())
        self._scrim.setVisible(floating)
        self._scrim.raise_()
        self._place_side(self.left, at_right=False)
        self._place_side(self.right, at_right=True)
        self._place_grip(self._grips["left"], start, self.left.docked)
        self._place_grip(self._grips["right"], end, self.right.docked)
        if before != (self.left.is_open, self.right.is_open):
            self.changed.emit()

    def _place_side(self, side: Side, *, at_right: bool) -> None:
        width = side.width if side.docked else min(side.width, self.width() - SPACE_8)
        left = self.width() - width if at_right else 0
        side.panel.setGeometry(QRect(left, 0, width, self.height()))
        focus = QApplication.focusWidget()
        had_focus = focus is not None and side.panel.isAncestorOf(focus)
        side.panel.setVisible(side.is_open)
        side.panel.raise_()
        if had_focus and not side.is_open:
            self.focus_lost.emit()

    def _place_grip(self, grip: _Grip, x: int, shown: bool) -> None:
        grip.setGeometry(QRect(x - _GRIP // 2, 0, _GRIP, self.height()))
        grip.setVisible(shown)
        grip.raise_()

    def _drag_left(self, x: int) -> None:
        room = self.width() - _MIDDLE_LEAST - (self.right.width if self.right.docked else 0)
        self.left.width = _between(_PANEL_LEAST, x, min(_PANEL_MOST, room))
        self._place()

    def _drag_right(self, x: int) -> None:
        beside = self.left.width if self.left.docked else self._rail.width()
        room = self.width() - _MIDDLE_LEAST - beside
        self.right.width = _between(_PANEL_LEAST, self.width() - x, min(_PANEL_MOST, room))
        self._place()

    def state(self) -> dict[str, object]:
        """What to remember."""
        return {
            "left": [self.left.wished, self.left.width],
            "right": [self.right.wished, self.right.width],
        }

    def restore(self, state: dict[str, object]) -> None:
        """Be as remembered; what makes no sense is left as it is."""
        for name, side in (("left", self.left), ("right", self.right)):
            match state.get(name):
                case [bool(wished), int(width)]:
                    side.wished = wished
                    side.width = _between(_PANEL_LEAST, width, _PANEL_MOST)
        self._place()


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, max(low, high)))


class _Scrim(QWidget):
    """Dims the middle below a floating panel; a press on it closes the panel."""

    pressed = Signal()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(0, 0, 0, 90))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()


class _Grip(QWidget):
    """The edge of a docked panel, to drag."""

    def __init__(self, shell: QWidget, drag: Callable[[int], None]) -> None:
        super().__init__(shell)
        self._shell = shell
        self._drag = drag
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            x = self._shell.mapFromGlobal(event.globalPosition().toPoint()).x()
            self._drag(x)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
