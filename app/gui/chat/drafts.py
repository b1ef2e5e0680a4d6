"""What is written and not sent, kept for each conversation."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from app.flow.tasks import TaskOwner
from app.services import Services

_PAUSE = 400
"""Milliseconds without a key before a draft is written."""


class Drafts(QObject):
    """Writes drafts a little after they change, in the order in which they changed."""

    def __init__(self, services: Services, tasks: TaskOwner, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._tasks = tasks
        self._unsaved: dict[int, str] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self.save_soon)

    def note(self, conversation_id: int, text: str) -> None:
        """The draft of this conversation is now `text`."""
        self._unsaved[conversation_id] = text
        self._timer.start()

    def unsaved(self, conversation_id: int) -> str | None:
        """A draft that is newer than the one on disk."""
        return self._unsaved.get(conversation_id)

    def forget(self, conversation_id: int) -> None:
        """Its text has been sent: there is nothing to write any more."""
        self._unsaved.pop(conversation_id, None)

    def save_soon(self) -> None:
        """Write without waiting for it."""
        self._timer.stop()
        if self._unsaved:
            self._tasks.spawn(self.save(), "save-draft")

    async def save(self) -> None:
        """Write what is unsaved; what could not be written stays unsaved."""
        self._timer.stop()
        for conversation_id, text in tuple(self._unsaved.items()):
            await self._services.conversations.set_draft(conversation_id, text)
            if self._unsaved.get(conversation_id) == text:
                del self._unsaved[conversation_id]
