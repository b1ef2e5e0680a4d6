"""The transcript: a column of messages of which only those near the reader are widgets.

Heights of the others are estimated and corrected when they come near; what the reader looks at
stays where it is meanwhile. While the reader is at the end, the end is followed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSlider,
    QApplication,
    QFrame,
    QMenu,
    QPushButton,
    QWidget,
)

from app.gui.theme.tokens import READING_WIDTH, SPACE_3, SPACE_6, SPACE_8
from app.gui.transcript import clean
from app.gui.transcript.highlight import HighlightQueue
from app.gui.transcript.itemmodel import Entry, MessageItemModel
from app.gui.transcript.message import MessageRow
from app.gui.transcript.page import Page
from app.gui.transcript.rows import RowWindow
from app.gui.transcript.styles import GUTTER

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QContextMenuEvent,
        QFocusEvent,
        QKeyEvent,
        QPaintEvent,
        QResizeEvent,
    )

    from app.domain.conversation import Message, MessageStatus, Run
    from app.domain.errors import AppError
    from app.domain.generation import PartKind
    from app.gui.theme.keeper import ThemeKeeper

AT_END = 4
"""Logical pixels from the end within which the end is followed."""
NARROWEST = 200
"""Logical pixels of the column; a narrower window cuts it off."""
_LINE_STEP = 24
_ATTEMPTS = 4
_ENDS = {
    Qt.Key.Key_Home: QAbstractSlider.SliderAction.SliderToMinimum,
    Qt.Key.Key_End: QAbstractSlider.SliderAction.SliderToMaximum,
}
_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class TranscriptView(QAbstractScrollArea):
    """Shows a path of messages and the answer that streams in."""

    regenerate_requested = Signal(int)
    """The id of an answer, for which the reader wants another one."""
    sibling_requested = Signal(int)
    """The id of the message that the reader wants to see in place of its sibling."""
    link_activated = Signal(str)
    """A web or mail address; nothing has been opened."""

    def __init__(self, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._queue = HighlightQueue(self)
        self._items = MessageItemModel()
        self._rows = RowWindow(theme, self._items, self._queue, self.viewport(), self._wire_row)
        self._following = True
        self._anchor = (0, 0)
        """While the end is not followed: a row and its top in the viewport."""
        self._arranging = False
        self._shows_focus = False
        self._empty_state: QWidget | None = None
        self._set_up()
        self._new_text = self._make_new_text_button()
        self._wire()

    def _set_up(self) -> None:
        self.setObjectName("Messages")
        self.setAccessibleName("Messages")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.verticalScrollBar().setSingleStep(_LINE_STEP)

    def _make_new_text_button(self) -> QPushButton:
        button = QPushButton("New text below", self)
        button.setObjectName("New text below")
        button.setAccessibleName("New text below")
        button.setToolTip("Go to the end")
        button.setIcon(self._theme.icon("chevron-down", "accent"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.hide()
        return button

    def _wire(self) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)
        self._new_text.clicked.connect(self.scroll_to_end)
        self._theme.changed.connect(self._on_theme)

    def _wire_row(self, row: MessageRow) -> None:
        row.copy_wished.connect(self.copy)
        row.link_activated.connect(self.link_activated)
        row.pressed.connect(self._on_pressed)
        row.regenerate_requested.connect(self.regenerate_requested)
        row.resized.connect(self._arrange)
        row.sibling_requested.connect(self.sibling_requested)

    # ------------------------------------------------------------------------------- messages

    @property
    def entries(self) -> Sequence[Entry]:
        """What is shown, from the first message to the last."""
        return self._items.entries

    @property
    def live_rows(self) -> int:
        """How many messages are widgets now."""
        return len(self._rows)

    @property
    def is_at_end(self) -> bool:
        """Whether the end is in sight and followed."""
        return self._following

    def row(self, message_id: int) -> MessageRow | None:
        """The widget of a message, if it is near enough to have one."""
        return self._rows.get(message_id)

    def set_path(self, messages: Sequence[Message]) -> None:
        """Show these; rows of messages that have not changed stay, and so does the reader.

        The reader is taken to an answer that begins, and to the end of another conversation.
        """
        places = self._places_above()
        diff = self._items.set_path(messages)
        self._rows.keep_only(diff.kept)
        for message_id in diff.siblings:
            row = self._rows.get(message_id)
            if row is not None:
                row.set_siblings()
        self._rows.estimate(self._column)
        known = ((self._items.index_of(message_id), top) for message_id, top in places)
        anchor = next(((index, top) for index, top in known if index is not None), None)
        self._following |= diff.begins or anchor is None
        self._anchor = anchor or self._anchor
        self._arrange()
        for message_id, kind, text in diff.missed:
            self.grow(message_id, kind, text)

    def set_progress(self, message_id: int, done: int, total: int, left_out: int = 0) -> None:
        """So many prompt tokens are read, of so many; `left_out` messages are not among them."""
        entry = self._items.entry(message_id)
        if entry is None or not entry.is_live:
            return
        entry.progress = (done, total)
        is_news = left_out != entry.left_out
        entry.left_out = left_out
        row = self._rows.get(message_id)
        if row is not None:
            row.show_progress()
        if is_news:
            self._arrange()

    def grow(self, message_id: int, kind: PartKind, text: str) -> None:
        """New text of a streaming answer; painted when this returns to the event loop."""
        entry = self._items.entry(message_id)
        if entry is None or not entry.is_live:
            return
        text = clean.encodable(text)
        entry.grow(kind, text, time.monotonic())
        row = self._rows.get(message_id)
        if row is not None:
            row.grow(kind, text)
        self._arrange()
        self._new_text.setVisible(not self._following)

    def end_answer(
        self, message_id: int, status: MessageStatus, run: Run, error: AppError | None
    ) -> None:
        """The answer has its last word."""
        entry = self._items.entry(message_id)
        if entry is None or not entry.is_live:
            return
        entry.end(status, run, error, time.monotonic())
        row = self._rows.get(message_id)
        if row is not None:
            row.end()
        self._arrange()
        self._rows.order_tabs()

    def set_empty_state(self, widget: QWidget) -> None:
        """What to show instead of messages while there are none."""
        if self._empty_state is not None:
            self._empty_state.deleteLater()
        self._empty_state = widget
        widget.setParent(self.viewport())
        self._arrange()

    # ------------------------------------------------------------------------------- arranging

    @property
    def _column(self) -> int:
        room = self.viewport().width() - 2 * SPACE_6 - GUTTER
        return max(NARROWEST, min(READING_WIDTH, room))

    def _arrange(self) -> None:
        """Make, place and drop rows around the place of the reader."""
        if self._arranging:
            return
        self._arranging = True
        try:
            self._place_rows()
        finally:
            self._arranging = False
        if self._following:
            self._new_text.hide()
        if self._empty_state is not None:
            self._empty_state.setGeometry(self.viewport().rect())
            self._empty_state.setVisible(not self._items.entries)

    def _place_rows(self) -> None:
        for _ in range(_ATTEMPTS):
            column = self._column
            first, last = self._settle()
            self._rows.place(first, last, self.verticalScrollBar().value(), column)
            # The scroll bar may have come or gone, which changes the width: once more, then.
            if column == self._column:
                return

    def _settle(self) -> tuple[int, int]:
        """Measure until the rows in sight have their true heights; the first and the last."""
        if not self._items.entries:
            self._set_scroll(0)
            return 0, -1
        height = self.viewport().height()
        margin = height // 2
        while True:
            heights, value = self._rows.heights, self._wanted_scroll()
            first = heights.at(value - margin)
            last = heights.at(value + height + margin)
            if not self._rows.measure(first, last, self._column):
                self._set_scroll(value)
                return first, last

    def _wanted_scroll(self) -> int:
        longest = max(0, self._content_height() - self.viewport().height())
        if self._following:
            return longest
        index, top = self._anchor
        return min(max(self._rows.heights.top(index) - top, 0), longest)

    def _content_height(self) -> int:
        heights = self._rows.heights
        return heights.total + SPACE_8 if len(heights) else 0

    def _set_scroll(self, value: int) -> None:
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setPageStep(max(height - 2 * _LINE_STEP, _LINE_STEP))
        bar.setRange(0, max(0, self._content_height() - height))
        bar.setValue(value)

    # ------------------------------------------------------------------------------- scrolling

    def scroll_to_end(self) -> None:
        """Go to the end and stay there while it grows."""
        self._following = True
        self._arrange()

    def show_message(self, message_id: int) -> bool:
        """Bring the beginning of a message into sight; whether it is on the path."""
        index = self._items.index_of(message_id)
        if index is None:
            return False
        self._following = False
        self._anchor = (index, 0)
        self._arrange()
        bar = self.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - AT_END
        return True

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """The reader scrolls: what is in sight now is where the reader is."""
        if self._arranging:
            return
        bar = self.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - AT_END
        self._note_anchor()
        self._arrange()

    def _note_anchor(self) -> None:
        value = self.verticalScrollBar().value()
        index = max(0, self._rows.heights.at(value))
        self._anchor = (index, self._rows.heights.top(index) - value)

    def _places_above(self) -> list[tuple[int, int]]:
        """Ids and places of the first message in sight and of those above it, nearest first."""
        if not self._items.entries:
            return []
        self._note_anchor()
        heights, value = self._rows.heights, self.verticalScrollBar().value()
        return [
            (self._items.entries[index].message.id, heights.top(index) - value)
            for index in range(self._anchor[0], -1, -1)
        ]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._rows.estimate(self._column)
        self._arrange()
        size = self._new_text.sizeHint()
        view = self.viewport().geometry()
        left = view.left() + (view.width() - size.width()) // 2
        top = view.bottom() - size.height() - SPACE_3
        self._new_text.setGeometry(QRect(QPoint(left, top), size))
        self._new_text.raise_()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up, Down, PageUp, PageDown, Home and End scroll; Ctrl+C copies what is selected."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in _ENDS:
            self.verticalScrollBar().triggerAction(_ENDS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    # ----------------------------------------------------------------------------------- focus

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._show_focus(event.reason() in _BY_KEYBOARD)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show_focus(False)

    def _show_focus(self, shows: bool) -> None:
        self._shows_focus = shows
        self.viewport().update()

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """What Tab reaches comes into sight."""
        if new is None or not self.viewport().isAncestorOf(new):
            return
        # Neither a click, nor a window that comes to the front.
        clicked = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if clicked or old is None or old.window() is not new.window():
            return
        reached = new.cursorRect() if isinstance(new, Page) else new.rect()
        top = new.mapTo(self.viewport(), reached.topLeft()).y()
        below = top + reached.height() - self.viewport().height()
        bar = self.verticalScrollBar()
        if top < 0:
            bar.setValue(bar.value() + top - SPACE_3)
        elif below > 0:
            bar.setValue(bar.value() + below + SPACE_3)

    # --------------------------------------------------------------------------------- copying

    def selected_text(self) -> str:
        """What is selected."""
        texts = [row.selected_text() for row in self._rows.in_order]
        return "\n\n".join(text for text in texts if text)

    def copy(self) -> None:
        """Put the selected text on the clipboard, if there is any."""
        text = self.selected_text()
        if text:
            QGuiApplication.clipboard().setText(text)

    def _on_pressed(self) -> None:
        """A selection begins in one message: it ends in all others."""
        for row in self._rows.in_order:
            if row is not self.sender():
                row.clear_selection()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        under = self.viewport().childAt(self.viewport().mapFromGlobal(event.globalPos()))
        row: QWidget | None = under
        while row is not None and not isinstance(row, MessageRow):
            row = row.parentWidget()
        if under is not None and row is not None:
            self._popup_menu(row, _link_under(under, event.globalPos()), event.globalPos())

    def _popup_menu(self, row: MessageRow, link: str, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        action = menu.addAction("Copy")
        action.setEnabled(bool(self.selected_text()))
        action.triggered.connect(self.copy)
        menu.addAction("Copy message").triggered.connect(row.copy_message)
        if link:
            action = menu.addAction("Copy link address")
            action.triggered.connect(lambda: QGuiApplication.clipboard().setText(link))
        menu.popup(place)

    # --------------------------------------------------------------------------------- looks

    def _on_theme(self) -> None:
        """Everything is made again in the new colours; the reader stays."""
        self._note_anchor()
        self._rows.redress()
        self._arrange()
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(self._theme.tokens.paper))
        if self._shows_focus:
            painter.setPen(QPen(QColor(self._theme.tokens.accent), 2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))
        painter.end()
        self._queue.open()


def _link_under(widget: QWidget, place: QPoint) -> str:
    page = widget.parentWidget()
    return page.anchorAt(page.viewport().mapFromGlobal(place)) if isinstance(page, Page) else ""
