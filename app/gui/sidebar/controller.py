"""Keeps the sidebar true: list, search, rename, trash and undo."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.domain.facts import AnswerEnded, AnswerStarted, ConversationsChanged, Fact
from app.flow.tasks import TaskOwner
from app.gui.present.presenter import Presenter
from app.gui.sidebar.panel import Sidebar
from app.gui.sidebar.rows import UNTITLED
from app.services import Services

UNDO_SECONDS = 10.0


class SidebarController(QObject):
    """Between the conversation service and the panel."""

    listed = Signal()
    """The rows are up to date (titles may have changed)."""
    message_wished = Signal(int, int)
    """Show this conversation at this message."""
    show_wished = Signal(int)
    """Show this conversation."""
    undo_possible = Signal(bool)
    """Whether a deletion can be taken back."""
    left = Signal(int)
    """This conversation went to the trash; another one is to be shown if it was on the screen."""

    def __init__(
        self, services: Services, panel: Sidebar, presenter: Presenter, tasks: TaskOwner
    ) -> None:
        super().__init__(panel)
        self._services = services
        self._panel = panel
        self._presenter = presenter
        self._tasks = tasks
        self._trashed: list[int] = []
        self._listing = False
        self._list_again = False
        self._search_number = 0
        panel.chosen.connect(self.show_wished)
        panel.message_chosen.connect(self.message_wished)
        panel.trash_wished.connect(self.trash)
        panel.search_wished.connect(self._search)
        panel.rows.rename_wished.connect(self._rename)

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        match fact:
            case ConversationsChanged():
                self.refresh()
            case AnswerStarted(message):
                self._panel.rows.set_answering(message.conversation_id, True)
            case AnswerEnded(conversation_id=conversation_id):
                self._panel.rows.set_answering(conversation_id, False)
            case _:
                return

    def refresh(self) -> None:
        """Read the list again; calls that come meanwhile are joined."""
        self._list_again = True
        if not self._listing:
            self._listing = True
            self._tasks.spawn(self._list(), "list-conversations")

    async def _list(self) -> None:
        try:
            while self._list_again:
                self._list_again = False
                self._panel.rows.show_rows(await self._services.conversations.list())
                self.listed.emit()
        finally:
            self._listing = False

    # -------------------------------------------------------------------------------- search

    def _search(self, query: str) -> None:
        self._search_number += 1
        if query:
            self._tasks.spawn(self._find(query, self._search_number), "search")

    async def _find(self, query: str, number: int) -> None:
        hits = await self._services.conversations.search(query)
        if number == self._search_number:
            self._panel.hits.show_hits(hits)
            self._panel.show_hits_for(query, len(hits))

    # ------------------------------------------------------------------------- rename, trash

    def _rename(self, conversation_id: int, title: str) -> None:
        self._tasks.spawn(self._services.conversations.rename(conversation_id, title), "rename")

    def trash(self, conversation_id: int) -> None:
        """Into the trash, with ten seconds to take it back."""
        self._tasks.spawn(self._trash(conversation_id), "trash")

    async def _trash(self, conversation_id: int) -> None:
        summary = self._panel.rows.summary(conversation_id)
        title = (summary.title if summary else "") or UNTITLED
        self._services.chat.stop(conversation_id)
        await self._services.conversations.trash(conversation_id)
        self._trashed.append(conversation_id)
        self.undo_possible.emit(True)
        self.left.emit(conversation_id)
        shown = title if len(title) <= 40 else f"{title[:39]}…"
        self._presenter.toast(f"“{shown}” is in the trash.", "Undo", self.undo, UNDO_SECONDS)

    def undo(self) -> None:
        """Take the last deletion back and show that conversation."""
        if self._trashed:
            self._tasks.spawn(self._restore(self._trashed.pop()), "restore")
            self.undo_possible.emit(bool(self._trashed))

    async def _restore(self, conversation_id: int) -> None:
        await self._services.conversations.restore(conversation_id)
        self._presenter.hush()
        self.show_wished.emit(conversation_id)
