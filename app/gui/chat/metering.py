"""Keeps the context meter true: counted a little after something changed, one count at a time."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from app.domain.conversation import ChatParams, Message
from app.domain.errors import AppError
from app.domain.facts import AnswerEnded, Fact, ModelPhase, ModelStateChanged, PathChanged
from app.domain.generation import TokenCount
from app.flow.tasks import TaskOwner
from app.gui.chat import meter_words
from app.gui.chat.composer import Composer
from app.gui.chat.controller import ChatController
from app.gui.inspector.panel import Inspector
from app.services import Services

_PAUSE = 250
"""Milliseconds without a change before it is counted."""


class MeterController(QObject):
    """Between the composer's meter and the service that counts."""

    def __init__(
        self,
        services: Services,
        composer: Composer,
        inspector: Inspector,
        chat: ChatController,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(composer)
        self._services = services
        self._composer = composer
        self._inspector = inspector
        self._chat = chat
        self._tasks = tasks
        self._path: list[Message] | None = None
        """Of the conversation that is shown; None: to be read."""
        self._paths = 0
        """Counts up whenever that is another one."""
        self._is_counting = False
        self._count_again = False
        self._is_finished = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._begin)
        chat.shown.connect(self._on_shown)
        composer.text_changed.connect(self._count_soon)
        inspector.params_changed.connect(self._count_soon)

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        match fact:
            case PathChanged(conversation_id) if conversation_id == self._chat.current:
                self._forget_path()
            case AnswerEnded() if fact.conversation_id == self._chat.current:
                self._forget_path()
            case ModelStateChanged(state) if state.phase is ModelPhase.READY:
                self._count_soon()
            case ModelStateChanged(state):
                self._show(None, self._inspector.params())
            case _:
                return

    def finish(self) -> None:
        """The window closes: nothing is counted any more."""
        self._is_finished = True
        self._timer.stop()

    def _on_shown(self, _conversation_id: int) -> None:
        self._show(None, self._inspector.params())
        self._forget_path()

    def _forget_path(self) -> None:
        self._path = None
        self._paths += 1
        self._count_soon()

    def _count_soon(self, *_: object) -> None:
        if not self._is_finished:
            self._timer.start()

    def _begin(self) -> None:
        self._count_again = True
        if not self._is_counting:
            self._is_counting = True
            self._tasks.spawn(self._count(), "count-tokens")

    async def _count(self) -> None:
        try:
            while self._count_again:
                self._count_again = False
                await self._count_once()
        finally:
            self._is_counting = False

    async def _count_once(self) -> None:
        current, params = self._chat.current, self._inspector.params()
        if current is None:
            return
        info, asked = self._services.models.state.info, self._paths
        try:
            path = self._path
            if path is None:
                path = await self._services.conversations.path(current)
                if asked == self._paths:
                    self._path = path
            count = await self._services.meter.count(path, params, self._composer.text())
        except AppError:
            # Whatever stands in the way is told when the message is sent.
            count = None
        is_still_so = asked == self._paths and info is self._services.models.state.info
        if is_still_so and not self._count_again:
            self._show(count, params)

    def _show(self, count: TokenCount | None, params: ChatParams) -> None:
        self._composer.show_count(count)
        self._composer.warn(meter_words.warning(count, params.overflow))
