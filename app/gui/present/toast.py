"""Toasts: a word in passing at the lower edge, sometimes with one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.gui.controls import label, named, styled, text_button
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_4

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent

_SECONDS = 10.0
_MOVING = (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide)
"""Events of what it floats on, or above, after which its place is another one."""


class Toast(QFrame):
    """One at a time; a new one takes the place of the old. Floats on `over`, at its lower edge."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        named(self, "Toast")
        styled(self, ground="toast")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._over = over
        self._above: QWidget | None = None
        self._action: Callable[[], None] | None = None
        self._text = label(wrap=False)
        self._button = text_button("Undo", "Toast action")
        self._button.clicked.connect(self._act)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_4, SPACE_2, SPACE_2, SPACE_2)
        row.setSpacing(SPACE_3)
        row.addWidget(self._text)
        row.addWidget(self._button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        over.installEventFilter(self)
        self.hide()

    def say(
        self,
        text: str,
        action_label: str = "",
        action: Callable[[], None] | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        """Show `text`; with an action, a button that does it and closes the toast."""
        self._text.setText(text)
        self.setAccessibleDescription(text)
        self._action = action
        self._button.setVisible(action is not None)
        self._button.setText(action_label)
        self._button.setAccessibleName(action_label or "Toast action")
        self._timer.start(round(seconds * 1000))
        self._place()
        self.show()
        self.raise_()

    def float_above(self, foot: QWidget | None) -> None:
        """Leave `foot` uncovered from now on."""
        if self._above is not None:
            self._above.removeEventFilter(self)
        self._above = foot
        if foot is not None:
            foot.installEventFilter(self)
        self._place()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _MOVING:
            self._place()
        return False

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _act(self) -> None:
        action, self._action = self._action, None
        self.hide()
        if action is not None:
            action()

    def _place(self) -> None:
        hint = self.sizeHint()
        width = min(hint.width(), self._over.width() - 2 * SPACE_4)
        x = (self._over.width() - width) // 2
        above, floor = self._above, self._over.height() - SPACE_2
        if above is not None and above.isVisible():
            floor = above.mapTo(self._over, QPoint()).y()
        y = floor - hint.height() - SPACE_2
        self.setGeometry(x, y, width, hint.height())
