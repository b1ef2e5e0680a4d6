"""The line under an answer: what it took, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.gui.controls import ElidedLabel
from app.gui.theme.tokens import SPACE_1, SPACE_2
from app.gui.transcript.notices import plain_label, small_font

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from app.gui.transcript.styles import Styles

HEIGHT = 30
COPIED_FOR = 1600
"""Milliseconds for which Copy says that it has copied."""


class ActionButton(QToolButton):
    """An icon that shows only while its row is awake; it is always there for keys and readers."""

    def __init__(self, styles: Styles, parent: QWidget, icon: str, name: str, tip: str) -> None:
        super().__init__(parent)
        self._theme = styles.theme
        self.is_awake = False
        """Whether its row is hovered or the last one."""
        self.setObjectName(name)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoRaise(True)
        self.setIconSize(QSize(16, 16))
        self.setFixedSize(HEIGHT - 2, HEIGHT - 2)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.show_icon(icon)

    def show_icon(self, icon: str) -> None:
        """Another icon."""
        self.setIcon(self._theme.icon(icon, "muted"))

    def set_awake(self, awake: bool) -> None:
        """Whether it is painted."""
        if awake != self.is_awake:
            self.is_awake = awake
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.is_awake or self.hasFocus():
            super().paintEvent(event)


class _Counter(QLabel):
    """`2/3`, awake with its buttons."""

    is_awake = False

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.is_awake:
            super().paintEvent(event)
        else:
            # The ground of the row shows through.
            QPainter(self).end()


class Footer(QWidget):
    """Statistics on the left, actions on the right."""

    copy_requested = Signal()
    regenerate_requested = Signal()
    sibling_requested = Signal(int)

    def __init__(self, styles: Styles, parent: QWidget) -> None:
        super().__init__(parent)
        self._siblings: tuple[int, ...] = ()
        self._message_id = 0
        self.statistics = ElidedLabel()
        self.statistics.setObjectName("Statistics")
        muted = plain_label(self, small_font(styles), styles.tokens.muted)
        self.statistics.setFont(muted.font())
        self.statistics.setPalette(muted.palette())
        self.counter = _Counter(self)
        self.counter.setFont(muted.font())
        self.counter.setPalette(muted.palette())
        muted.deleteLater()
        self._make_buttons(styles)
        self._restore = QTimer(self)
        self._restore.setSingleShot(True)
        self._restore.timeout.connect(self._show_copy)
        self._lay_out()
        self._wire()

    def _make_buttons(self, styles: Styles) -> None:
        def make(icon: str, name: str, tip: str) -> ActionButton:
            return ActionButton(styles, self, icon, name, tip)

        self.previous = make("chevron-left", "Previous answer", "Show the previous answer")
        self.next = make("chevron-right", "Next answer", "Show the next answer")
        self.copy = make("copy", "Copy", "Copy this answer")
        self.regenerate = make("refresh-cw", "Regenerate", "Answer again; this answer is kept")
        self.buttons: list[QWidget] = [self.previous, self.next, self.copy, self.regenerate]

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_1)
        row.addWidget(self.statistics, 1)
        row.addSpacing(SPACE_2)
        for widget in (self.previous, self.counter, self.next, self.copy, self.regenerate):
            row.addWidget(widget)

    def _wire(self) -> None:
        self.copy.clicked.connect(self._on_copy)
        self.next.clicked.connect(lambda: self._ask_sibling(1))
        self.previous.clicked.connect(lambda: self._ask_sibling(-1))
        self.regenerate.clicked.connect(self.regenerate_requested)

    def set_statistics(self, text: str, *shorter: str) -> None:
        """What the answer took, and the same for less room."""
        self.statistics.set_full_text(text, *shorter)

    def set_siblings(self, message_id: int, siblings: tuple[int, ...]) -> None:
        """The answers among which one can switch, this one among them."""
        self._message_id, self._siblings = message_id, siblings
        several = len(siblings) > 1 and message_id in siblings
        for widget in (self.previous, self.counter, self.next):
            widget.setVisible(several)
        if several:
            at = siblings.index(message_id)
            self.counter.setText(f"{at + 1}/{len(siblings)}")
            self.counter.setAccessibleName(f"Answer {at + 1} of {len(siblings)}")
            self.previous.setEnabled(at > 0)
            self.next.setEnabled(at + 1 < len(siblings))

    def set_awake(self, awake: bool) -> None:
        """Whether the actions are painted."""
        for button in (self.previous, self.next, self.copy, self.regenerate):
            button.set_awake(awake)
        self.counter.is_awake = awake
        self.counter.update()

    def fit(self, width: int) -> int:
        """One line."""
        return HEIGHT

    def _ask_sibling(self, step: int) -> None:
        self.sibling_requested.emit(self._siblings[self._siblings.index(self._message_id) + step])

    def _on_copy(self) -> None:
        self.copy_requested.emit()
        self.copy.show_icon("check")
        self.copy.setToolTip("Copied")
        self.copy.setAccessibleDescription("Copied")
        self._restore.start(COPIED_FOR)

    def _show_copy(self) -> None:
        self.copy.show_icon("copy")
        self.copy.setToolTip("Copy this answer")
        self.copy.setAccessibleDescription("Copy this answer")
