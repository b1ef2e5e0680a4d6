"""The transcript: a column of messages of which only those near the reader are widgets.

Heights of the others are estimated and corrected when they come near; what the reader looks at
stays where it is meanwhile. While the reader is at the end, the end is followed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSlider,
    QApplication,
    QFrame,
    QMenu,
    QToolButton,
    QWidget,
)

from app.gui.theme.tokens import READING_WIDTH, SPACE_3, SPACE_6, SPACE_8
from app.gui.transcript import clean
from app.gui.transcript.highlight import HighlightQueue
from app.gui.transcript.itemmodel import Entry, MessageItemModel, RowHeights
from app.gui.transcript.message import MessageRow
from app.gui.transcript.styles import GUTTER, Styles

if TYPE_CHECKING:
    from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPaintEvent, QResizeEvent

    from app.domain.conversation import Message, MessageStatus, Run
    from app.domain.errors import AppError
    from app.domain.generation import PartKind
    from app.gui.theme.keeper import ThemeKeeper

ROW_GAP = SPACE_8 - 4
"""Space above each row."""
AT_END = 4
"""Logical pixels from the end within which the end is followed."""
_LINE_STEP = 24


class TranscriptView(QAbstractScrollArea):
    """Shows a path of messages and the answer that streams in."""

    regenerate_requested = Signal(int)
    sibling_requested = Signal(int)
    link_activated = Signal(str)

    def __init__(self, theme: ThemeKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._looks = (Styles(theme), Styles(theme, quiet=True))
        self._queue = HighlightQueue(self)
        self._items = MessageItemModel()
        self._heights = RowHeights()
        self._rows: dict[int, MessageRow] = {}
        self._order: list[int] = []
        """Ids of the rows in the order in which they are stacked."""
        self._following = True
        self._anchor = (0, 0)
        """While the end is not followed: a row and its top in the viewport."""
        self._arranging = False
        self._empty_state: QWidget | None = None
        self._set_up()
        self._new_text = self._make_new_text_button()
        theme.changed.connect(self._on_theme)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    def _set_up(self) -> None:
        self.setObjectName("Messages")
        self.setAccessibleName("Messages")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.verticalScrollBar().setSingleStep(_LINE_STEP)

    def _make_new_text_button(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("New text below")
        button.setAccessibleName("New text below")
        button.setText("New text below")
        button.setToolTip("Go to the end")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self.scroll_to_end)
        button.hide()
        return button

    # ------------------------------------------------------------------------------- messages

    @property
    def entries(self) -> Sequence[Entry]:
        """What is shown, from the first message to the last."""
        return self._items.entries

    @property
    def live_rows(self) -> int:
        """How many messages are widgets now."""
        return len(self._rows)

    def row(self, message_id: int) -> MessageRow | None:
        """The widget of a message, if it is near enough to have one."""
        return self._rows.get(message_id)

    def set_path(self, messages: Sequence[Message]) -> None:
        """Show these; rows of messages that have not changed stay, and so does the reader."""
        anchor_id = self._anchor_id()
        diff = self._items.set_path(messages)
        for message_id in [key for key in self._rows if key not in diff.kept]:
            self._drop(message_id)
        for message_id in diff.siblings & self._rows.keys():
            self._rows[message_id].set_siblings()
        self._estimate_all()
        anchor = self._items.index_of(anchor_id) if anchor_id is not None else None
        if anchor is None:
            # Another conversation, or another branch: its end is where one reads on.
            self._following = True
        else:
            self._anchor = (anchor, self._anchor[1])
        self._arrange()

    def start_answer(self, message: Message) -> None:
        """An answer begins; the reader who asked for it is taken to it."""
        if self._items.index_of(message.id) is None:
            self._items.append(message)
            self._estimate_all()
        self._following = True
        self._arrange()

    def set_progress(self, message_id: int, done: int, total: int) -> None:
        """So many prompt tokens are read, of so many."""
        entry = self._items.entry(message_id)
        if entry is None or not entry.is_live:
            return
        entry.progress = (done, total)
        row = self._rows.get(message_id)
        if row is not None:
            row.show_progress()

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

    def set_empty_state(self, widget: QWidget) -> None:
        """What to show instead of messages while there are none."""
        if self._empty_state is not None:
            self._empty_state.deleteLater()
        self._empty_state = widget
        widget.setParent(self.viewport())
        self._arrange()

    # ---------------------------------------------------------------------------------- rows

    @property
    def _column(self) -> int:
        return max(200, min(READING_WIDTH, self.viewport().width() - 2 * SPACE_6 - GUTTER))

    def _estimate_all(self) -> None:
        width = self._column
        self._heights = RowHeights(
            [
                ROW_GAP + (row.fit(width) if row else _estimate(entry, width))
                for entry in self._items.entries
                for row in (self._rows.get(entry.message.id),)
            ]
        )

    def _make(self, entry: Entry) -> MessageRow:
        row = MessageRow(entry, self._looks, self._queue, self.viewport())
        row.link_activated.connect(self.link_activated)
        row.regenerate_requested.connect(self.regenerate_requested)
        row.sibling_requested.connect(self.sibling_requested)
        row.resized.connect(self._arrange)
        row.pressed.connect(self._on_pressed)
        self._rows[entry.message.id] = row
        return row

    def _drop(self, message_id: int) -> None:
        row = self._rows.pop(message_id)
        row.hide()
        row.deleteLater()

    def _measure(self, index: int, width: int) -> bool:
        """Make sure that the row is a widget; whether its height was another one."""
        entry = self._items.entries[index]
        row = self._rows.get(entry.message.id) or self._make(entry)
        height = row.fit(width) + ROW_GAP
        if height == self._heights[index]:
            return False
        self._heights.set(index, height)
        return True

    # ------------------------------------------------------------------------------- arranging

    def _arrange(self) -> None:
        """Make, place and drop rows around the place of the reader."""
        if self._arranging:
            return
        self._arranging = True
        try:
            first, last = self._settle()
            self._place(first, last)
        finally:
            self._arranging = False
        self._show_empty_state()
        if self._following:
            self._new_text.hide()

    def _settle(self) -> tuple[int, int]:
        """Measure until the rows in sight have their true heights; the first and the last."""
        count = len(self._heights)
        if not count:
            self._set_scroll(0)
            return 0, -1
        width, height = self._column, self.viewport().height()
        margin = height // 2
        while True:
            value = self._wanted_scroll()
            first = self._heights.at(value - margin)
            last = self._heights.at(value + height + margin)
            changed = [self._measure(index, width) for index in range(first, last + 1)]
            if not any(changed):
                self._set_scroll(value)
                return first, last

    def _wanted_scroll(self) -> int:
        longest = max(0, self._content_height() - self.viewport().height())
        if self._following:
            return longest
        index, top = self._anchor
        return min(max(self._heights.top(index) - top, 0), longest)

    def _content_height(self) -> int:
        return self._heights.total + SPACE_8 if len(self._heights) else 0

    def _set_scroll(self, value: int) -> None:
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setPageStep(max(height - 2 * _LINE_STEP, _LINE_STEP))
        bar.setRange(0, max(0, self._content_height() - height))
        bar.setValue(value)

    def _place(self, first: int, last: int) -> None:
        value = self.verticalScrollBar().value()
        width = self._column
        left = (self.viewport().width() - width) // 2 - GUTTER
        entries = self._items.entries
        near = {entries[index].message.id: index for index in range(first, last + 1)}
        for message_id in [key for key in self._rows if key not in near]:
            if not self._must_stay(message_id):
                self._drop(message_id)
        for message_id, row in self._rows.items():
            index = near.get(message_id)
            if index is None:
                index = self._items.index_of(message_id) or 0
            top = self._heights.top(index) + ROW_GAP - value
            row.setGeometry(left, top, width + GUTTER, self._heights[index] - ROW_GAP)
            row.set_last(index == len(entries) - 1)
            row.show()
        self._restack()

    def _must_stay(self, message_id: int) -> bool:
        """A row that grows, or in which the reader works, keeps its widget out of sight."""
        row = self._rows[message_id]
        focus = self.focusWidget()
        return row.entry.is_live or (focus is not None and row.isAncestorOf(focus))

    def _restack(self) -> None:
        """Screen readers and Tab meet the rows in the order in which they were made or raised."""
        order = sorted(self._rows, key=lambda key: self._items.index_of(key) or 0)
        if order == self._order:
            return
        self._order = order
        above: QWidget | None = None
        for message_id in order:
            row = self._rows[message_id]
            row.raise_()
            if above is not None:
                QWidget.setTabOrder(above, row)
            above = row

    def _show_empty_state(self) -> None:
        if self._empty_state is not None:
            self._empty_state.setGeometry(self.viewport().rect())
            self._empty_state.setVisible(not len(self._heights))

    # ------------------------------------------------------------------------------- scrolling

    def scroll_to_end(self) -> None:
        """Go to the end and stay there while it grows."""
        self._following = True
        self._arrange()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """The reader scrolls: what is in sight now is where the reader is."""
        if self._arranging:
            return
        bar = self.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - AT_END
        self._note_anchor(bar.value())
        self._arrange()

    def _note_anchor(self, value: int) -> None:
        index = max(0, self._heights.at(value))
        self._anchor = (index, self._heights.top(index) - value)

    def _anchor_id(self) -> int | None:
        if not len(self._heights):
            return None
        self._note_anchor(self.verticalScrollBar().value())
        return self._items.entries[self._anchor[0]].message.id

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._estimate_all()
        self._arrange()
        self._place_new_text()

    def _place_new_text(self) -> None:
        size = self._new_text.sizeHint()
        view = self.viewport().geometry()
        left = view.left() + (view.width() - size.width()) // 2
        self._new_text.setGeometry(
            QRect(QPoint(left, view.bottom() - size.height() - SPACE_3), size)
        )
        self._new_text.raise_()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up, Down, PageUp, PageDown, Home and End scroll; Ctrl+C copies what is selected."""
        moves = {
            Qt.Key.Key_Home: QAbstractSlider.SliderAction.SliderToMinimum,
            Qt.Key.Key_End: QAbstractSlider.SliderAction.SliderToMaximum,
        }
        key = Qt.Key(event.key())
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
        elif key in moves:
            self.verticalScrollBar().triggerAction(moves[key])
        else:
            super().keyPressEvent(event)

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """What Tab reaches comes into sight."""
        if new is None or not self.viewport().isAncestorOf(new):
            return
        if isinstance(new, MessageRow) or new.height() > self.viewport().height() // 2:
            return
        top = new.mapTo(self.viewport(), QPoint(0, 0)).y()
        below = top + new.height() - self.viewport().height()
        bar = self.verticalScrollBar()
        if top < 0:
            bar.setValue(bar.value() + top - SPACE_3)
        elif below > 0:
            bar.setValue(bar.value() + below + SPACE_3)

    # -------------------------------------------------------------------------------- copying

    def selected_text(self) -> str:
        """What is selected, from top to bottom."""
        texts = [self._rows[key].selected_text() for key in self._order if key in self._rows]
        return "\n\n".join(text for text in texts if text)

    def copy_selection(self) -> None:
        """Put the selected text on the clipboard, if there is any."""
        text = self.selected_text()
        if text:
            QGuiApplication.clipboard().setText(text)

    def _on_pressed(self) -> None:
        """A selection begins in one message: it ends in all others."""
        for row in self._rows.values():
            if row is not self.sender():
                row.clear_selection()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        under = self.viewport().childAt(self.viewport().mapFromGlobal(event.globalPos()))
        row: QWidget | None = under
        while row is not None and not isinstance(row, MessageRow):
            row = row.parentWidget()
        if row is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        copy = menu.addAction("Copy")
        copy.setEnabled(bool(self.selected_text()))
        copy.triggered.connect(self.copy_selection)
        menu.addAction("Copy message").triggered.connect(row.copy_message)
        menu.popup(event.globalPos())

    # --------------------------------------------------------------------------------- looks

    def _on_theme(self) -> None:
        """Everything is made again in the new colours; the reader stays."""
        self._anchor_id()
        self._looks = (Styles(self._theme), Styles(self._theme, quiet=True))
        for message_id in list(self._rows):
            self._drop(message_id)
        self._arrange()
        self._new_text.update()
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(self._theme.tokens.paper))
        painter.end()
        self._queue.open()


def _estimate(entry: Entry, width: int) -> int:
    """About how high a message will be; a wrong guess is corrected when it comes near."""
    characters = max(1, width // 8)
    lines = len(entry.text) // characters + entry.text.count("\n") + 1
    return 60 + 24 * lines
