"""The page `Chat`: the conversation, what one writes into it, and the status line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.chat.composer import Composer
from app.gui.chat.empty import EmptyState
from app.gui.chat.header import Header
from app.gui.chat.status import StatusLine
from app.gui.pages import CHAT, Page
from app.gui.theme.keeper import ThemeKeeper
from app.gui.transcript.view import TranscriptView

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


class ChatPage(Page):
    """Holds the parts; controllers move them."""

    def __init__(self, theme: ThemeKeeper, model_button: QWidget) -> None:
        self.header = Header(theme, model_button)
        super().__init__(CHAT, "message-circle", self.header)
        self.transcript = TranscriptView(theme)
        self.composer = self.foot = Composer(theme)
        self.status = StatusLine()
        self.empty = EmptyState(theme)
        self.transcript.set_empty_state(self.empty)
        self.add(self.transcript, 1)
        self.add(self.composer)
        self.add(self.status)
        self.empty.example_chosen.connect(self._take_example)
        self.transcript.verticalScrollBar().rangeChanged.connect(self._on_scroll_range)

    def take_focus(self) -> None:
        self.composer.field.setFocus()

    def _take_example(self, text: str) -> None:
        self.composer.set_text(text)
        self.take_focus()

    def _on_scroll_range(self, low: int, high: int) -> None:
        """The composer keeps below the messages, which a scroll bar moves aside."""
        bar = self.transcript.verticalScrollBar()
        gutter = bar.sizeHint().width() if high > low else 0
        self.composer.set_gutter(gutter)
        self.status.set_gutter(gutter)
