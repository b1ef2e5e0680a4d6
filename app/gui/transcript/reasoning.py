"""What the model thought before it answered: folded, one click away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QToolButton, QWidget

from app.gui.theme.tokens import SPACE_2, SPACE_4
from app.gui.transcript import words
from app.gui.transcript.body import Body
from app.gui.transcript.notices import small_font
from app.gui.transcript.styles import GUTTER

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from app.gui.transcript.highlight import HighlightQueue
    from app.gui.transcript.itemmodel import Entry
    from app.gui.transcript.styles import Styles


class Reasoning(QWidget):
    """A line that says for how long the model thought, and unfolds into the thoughts."""

    folded = Signal()
    """Unfolded or folded: the height is another one."""
    copy_wished = Signal()
    link_activated = Signal(str)
    pressed = Signal()

    def __init__(
        self, styles: Styles, queue: HighlightQueue, entry: Entry, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.styles = styles
        self._queue = queue
        self._entry = entry
        self.body: Body | None = None
        """Only while it is unfolded."""
        self.toggle = self._make_toggle()
        self._show_label()
        if entry.is_unfolded:
            self._unfold()

    def _make_toggle(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("Reasoning")
        button.setCheckable(False)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(14, 14))
        button.setFont(small_font(self.styles))
        button.setCursor(Qt.CursorShape.ArrowCursor)
        button.clicked.connect(self._toggle)
        return button

    def grow(self, text: str) -> None:
        """More thoughts."""
        if self.body is not None:
            self.body.feed(text)
        self._show_label()

    def end(self) -> None:
        """The thoughts are complete."""
        if self.body is not None:
            self.body.finish()
        self._show_label()

    def _show_label(self) -> None:
        still = self._entry.is_live and not self._entry.text
        label = words.thought(self._entry.thought_seconds, still=still)
        icon = "chevron-down" if self._entry.is_unfolded else "chevron-right"
        self.toggle.setIcon(self.styles.theme.icon(icon, "muted"))
        self.toggle.setText(label)
        self.toggle.setAccessibleName(label)
        self.toggle.setToolTip("Hide the thoughts" if self._entry.is_unfolded else "Show them")

    def _toggle(self) -> None:
        self._entry.is_unfolded = not self._entry.is_unfolded
        if self._entry.is_unfolded:
            self._unfold()
        elif self.body is not None:
            self.body.hide()
            self.body.deleteLater()
            self.body = None
        self._show_label()
        self.folded.emit()

    def _unfold(self) -> None:
        self.body = Body(self.styles, self._queue, self, gutter=GUTTER)
        self.body.copy_wished.connect(self.copy_wished)
        self.body.link_activated.connect(self.link_activated)
        self.body.pressed.connect(self.pressed)
        if self._entry.is_live and not self._entry.text:
            self.body.feed(self._entry.reasoning)
        else:
            self.body.finish(self._entry.reasoning)
        self.body.show()

    def fit(self, width: int) -> int:
        """The line, and the thoughts below it where they are unfolded."""
        size = self.toggle.sizeHint()
        self.toggle.setGeometry(-6, 0, size.width(), size.height())
        if self.body is None:
            return size.height()
        height = self.body.fit(width - SPACE_4)
        top = size.height() + SPACE_2
        self.body.setGeometry(SPACE_4 - GUTTER, top, width - SPACE_4 + GUTTER, height)
        return top + height

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.body is not None:
            painter = QPainter(self)
            rect = self.body.geometry()
            painter.fillRect(2, rect.top(), 2, rect.height(), QColor(self.styles.tokens.line))
