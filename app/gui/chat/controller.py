"""The conversation that is shown: opens it, sends, stops, and keeps its view true.

Whatever arrives for another conversation than the one on the screen is left alone here; it is on
disk, and is read when that conversation is opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.domain.conversation import Message, MessageStatus
from app.domain.errors import AppError, NotFound
from app.domain.facts import (
    AnswerEnded,
    AnswerGrew,
    AnswerProgress,
    AnswerStarted,
    Fact,
    PathChanged,
)
from app.domain.generation import Role, RunStats
from app.flow.tasks import TaskOwner
from app.gui.chat.composer import Composer
from app.gui.chat.drafts import Drafts
from app.gui.inspector.controller import InspectorController
from app.gui.transcript.view import TranscriptView
from app.services import Services


class ChatController(QObject):
    """Between the chat and conversation services and the middle of the window."""

    shown = Signal(int)
    """This conversation is on the screen now."""
    run_changed = Signal(object)
    """`RunStats` of the newest answer that is shown, or None."""
    answering_changed = Signal(bool)
    recovered = Signal(str)
    """A message could be sent again after an error of this kind."""

    def __init__(
        self,
        services: Services,
        transcript: TranscriptView,
        composer: Composer,
        inspector: InspectorController,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(composer)
        self._services = services
        self._transcript = transcript
        self._composer = composer
        self._inspector = inspector
        self._tasks = tasks
        self.drafts = Drafts(services, tasks, self)
        self.current: int | None = None
        self._path: list[Message] = []
        self._opening: asyncio.Task[None] | None = None
        self._reading = False
        self._read_again = False
        self._refused = ""
        self._sought: int | None = None
        self._sending: dict[int, asyncio.Task[None]] = {}
        composer.send_wished.connect(self._on_send)
        composer.stop_wished.connect(self.stop)
        composer.text_changed.connect(self._on_text)
        transcript.regenerate_requested.connect(self.regenerate)
        transcript.sibling_requested.connect(self._on_sibling)

    # ------------------------------------------------------------------------------- opening

    def show_new(self) -> None:
        """A fresh conversation."""
        self._leave()
        self._open_by(self._fresh())

    def show_conversation(self, conversation_id: int) -> None:
        """Show this one; a switch that is still under way is dropped."""
        if conversation_id == self.current:
            return
        self._leave()
        self.current = conversation_id
        self._open_by(self._open(conversation_id))

    def show_message(self, conversation_id: int, message_id: int) -> None:
        """Show the conversation at this message, on whichever branch it stands."""
        if conversation_id == self.current:
            self._tasks.spawn(self._seek(message_id), "show-message")
            return
        self._leave()
        self.current = conversation_id
        self._open_by(self._open_at(conversation_id, message_id))

    def show_or_new(self, conversation_id: int | None) -> None:
        """The one that was shown last time, if it is still there."""
        # What was typed since the window appeared stays: it belongs to what is opened now.
        opening = self._fresh() if conversation_id is None else self._open_or_fresh(conversation_id)
        self._open_by(opening)

    def _leave(self) -> None:
        self.drafts.save_soon()
        self.current = None
        self._sought = None
        self._set_text("")
        self._composer.set_sending(False)

    def _open_by(self, work: Coroutine[Any, Any, None]) -> None:
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._tasks.spawn(work, "open-conversation")

    async def _fresh(self) -> None:
        conversation = await self._services.conversations.fresh()
        self.current = conversation.id
        await self._open(conversation.id)

    async def _open_or_fresh(self, conversation_id: int) -> None:
        try:
            self.current = conversation_id
            await self._open(conversation_id)
        except NotFound:
            await self._fresh()

    async def _open(self, conversation_id: int) -> None:
        """Runs to its end only if no other switch has cancelled it."""
        conversation = await self._services.conversations.open(conversation_id)
        path = await self._services.conversations.path(conversation_id)
        unsaved = self.drafts.unsaved(conversation_id)
        draft = conversation.draft if unsaved is None else unsaved
        # What was typed while it was being opened belongs to it as well.
        typed = self._composer.text()
        self._set_text(draft + typed)
        if typed:
            self.drafts.note(conversation_id, draft + typed)
        self._composer.set_sending(conversation_id in self._sending)
        self._inspector.show_conversation(conversation)
        self._show_path(path)
        self.shown.emit(conversation_id)

    async def _open_at(self, conversation_id: int, message_id: int) -> None:
        await self._open(conversation_id)
        await self._seek(message_id)

    async def _seek(self, message_id: int) -> None:
        if self._transcript.show_message(message_id) or self._is_answering():
            return
        # The path with its branch is read next, and shown there.
        self._sought = message_id
        await self._services.conversations.show_sibling(message_id)

    # ---------------------------------------------------------------------------------- path

    def _show_path(self, path: list[Message]) -> None:
        """The path, with what a running answer has said so far."""
        live = self._services.chat.live(self.current) if self.current is not None else None
        if live is not None:
            # What is stored may be a little behind.
            path = [live if message.id == live.id else message for message in path]
        self._path = path
        self._transcript.set_path(path)
        if self._sought is not None and self._transcript.show_message(self._sought):
            self._sought = None
        self._set_answering(live is not None)
        self.run_changed.emit(self._newest_stats())

    def _newest_stats(self) -> RunStats | None:
        ended = [m for m in self._path if m.status is not MessageStatus.STREAMING]
        runs = [message.run for message in ended if message.run is not None]
        return runs[-1].stats if runs else None

    def _read_path(self) -> None:
        self._read_again = True
        if not self._reading:
            self._reading = True
            self._tasks.spawn(self._read(), "read-path")

    async def _read(self) -> None:
        try:
            while self._read_again:
                self._read_again = False
                conversation_id = self.current
                if conversation_id is None:
                    return
                path = await self._services.conversations.path(conversation_id)
                if conversation_id == self.current and not self._read_again:
                    self._show_path(path)
        finally:
            self._reading = False

    # --------------------------------------------------------------------------------- facts

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        match fact:
            case PathChanged(conversation_id) if conversation_id == self.current:
                self._read_path()
            case AnswerStarted(message) if message.conversation_id == self.current:
                self._set_answering(True)
            case AnswerProgress() | AnswerGrew() if fact.conversation_id == self.current:
                self._on_answer_moved(fact)
            case AnswerEnded() if fact.conversation_id == self.current:
                self._on_answer_ended(fact)
            case _:
                return

    def _is_shown(self, message_id: int) -> bool:
        return any(message.id == message_id for message in self._path[-1:])

    def _on_answer_moved(self, fact: AnswerProgress | AnswerGrew) -> None:
        # Until the path with this answer has been read nothing is lost: `live` holds its text.
        if self._reading or not self._is_shown(fact.message_id):
            return
        if isinstance(fact, AnswerGrew):
            self._transcript.grow(fact.message_id, fact.kind, fact.text)
        else:
            self._transcript.set_progress(fact.message_id, fact.done, fact.total, fact.left_out)

    def _on_answer_ended(self, fact: AnswerEnded) -> None:
        self._set_answering(False)
        self.run_changed.emit(fact.run.stats)
        if self._reading or not self._is_shown(fact.message_id):
            self._read_path()
            return
        self._transcript.end_answer(fact.message_id, fact.status, fact.run, fact.error)

    def _set_answering(self, answering: bool) -> None:
        self._composer.set_answering(answering)
        self.answering_changed.emit(answering)

    # ------------------------------------------------------------------------------- wishes

    def _on_text(self, text: str) -> None:
        if self._opening is not None and not self._opening.done():
            # It is joined to the draft that is being read.
            return
        if self.current is not None and self.current not in self._sending:
            self.drafts.note(self.current, text)

    def _set_text(self, text: str) -> None:
        """Show a draft that is on disk already."""
        blocked = self._composer.blockSignals(True)
        self._composer.set_text(text)
        self._composer.blockSignals(blocked)

    def _on_send(self, text: str) -> None:
        if self.current is None and (self._opening is None or self._opening.done()):
            # Opening one failed before; whatever stands in the way says so again, or is gone.
            self._open_by(self._fresh())
        if self._opening is not None and not self._opening.done():
            self._tasks.spawn(self._send_once_open(self._opening), "send-once-open")
            return
        if self.current is not None and self.current not in self._sending:
            self._composer.set_sending(True)
            self._sending[self.current] = self._tasks.spawn(self._send(self.current, text), "send")

    async def _send_once_open(self, opening: asyncio.Task[None]) -> None:
        """Enter came before the conversation was there: it holds for what is written by then."""
        await asyncio.wait({opening})
        is_open = opening is self._opening and self.current is not None
        if is_open and self._composer.text().strip():
            self._on_send(self._composer.text())

    async def _send(self, conversation_id: int, text: str) -> None:
        """The text leaves the composer only when the message is on disk."""
        sent = False
        try:
            await self._inspector.save()
            self.drafts.forget(conversation_id)
            await self._services.chat.send(conversation_id, text)
            sent = True
            self.recovered.emit(self._refused)
        except AppError as error:
            self._refused = error.kind
            raise
        finally:
            del self._sending[conversation_id]
            if conversation_id == self.current:
                if sent:
                    self._set_text("")
                self._composer.set_sending(False)
            if not sent:
                self.drafts.note(conversation_id, text)

    def stop(self) -> None:
        """End the answer that is being written here."""
        if self.current is not None:
            self._services.chat.stop(self.current)

    def regenerate(self, message_id: int) -> None:
        """Another answer to the same question."""
        self._tasks.spawn(self._regenerate(message_id), "regenerate")

    async def _regenerate(self, message_id: int) -> None:
        await self._inspector.save()
        await self._services.chat.regenerate(message_id)

    def regenerate_last(self) -> None:
        """Another answer to the last question."""
        answers = [message for message in self._path if message.role is Role.ASSISTANT]
        if answers:
            self.regenerate(answers[-1].id)

    def can_regenerate(self) -> bool:
        """Whether there is an answer that could be made again."""
        answers = any(message.role is Role.ASSISTANT for message in self._path)
        return answers and not self._is_answering()

    def _is_answering(self) -> bool:
        return self.current is not None and self._services.chat.is_answering(self.current)

    def _on_sibling(self, message_id: int) -> None:
        self._tasks.spawn(self._services.conversations.show_sibling(message_id), "sibling")

    async def finish(self) -> None:
        """Write what is not on disk yet; the window closes."""
        if self._sending:
            await asyncio.wait(tuple(self._sending.values()))
        await self.drafts.save()
        await self._inspector.save()
