"""The window and the services, brought together after the first paint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from app.domain.errors import ConfigError
from app.domain.facts import Fact, Trouble, TroubleOver
from app.flow.tasks import TaskOwner
from app.gui.chat.controller import ChatController
from app.gui.chat.metering import MeterController
from app.gui.inspector.controller import InspectorController
from app.gui.models_wiring import ModelsWiring
from app.gui.pages import CHAT
from app.gui.sidebar.controller import SidebarController
from app.gui.sidebar.rows import UNTITLED
from app.gui.window import MainWindow
from app.services import Services


class Wiring(QObject):
    """Owns the controllers, tells them every fact, and connects what the window wishes."""

    def __init__(self, window: MainWindow, services: Services, tasks: TaskOwner) -> None:
        super().__init__(window)
        self._window = window
        self._services = services
        presenter = window.presenter
        window.inspector.fill()
        self.inspector = InspectorController(services, window.inspector, tasks)
        self.sidebar = SidebarController(services, window.sidebar, presenter, tasks)
        self.models = ModelsWiring(window, services, tasks)
        self.chat = ChatController(
            services, window.transcript, window.composer, self.inspector, tasks
        )
        self.meter = MeterController(services, window.composer, window.inspector, self.chat, tasks)
        self._controllers = (
            self.sidebar,
            *self.models.controllers,
            self.chat,
            self.inspector,
            self.meter,
        )
        self._wire()
        self._forget = services.facts.subscribe(self._heard)

    def _wire(self) -> None:
        window, chat, sidebar = self._window, self.chat, self.sidebar
        menus = window.menus
        chat.answering_changed.connect(self._show_possible)
        chat.run_changed.connect(window.status.show_run)
        chat.shown.connect(self._on_shown)
        chat.recovered.connect(window.presenter.over)
        sidebar.left.connect(self._on_left)
        sidebar.listed.connect(self._show_title)
        sidebar.message_wished.connect(self._show_message)
        sidebar.show_wished.connect(self._show_conversation)
        sidebar.undo_possible.connect(menus.undo_delete.setEnabled)
        window.pages.changed.connect(self._on_page)
        window.sidebar.new_wished.connect(self._new)
        menus.delete.triggered.connect(self._delete)
        menus.escape.activated.connect(self._on_escape)
        menus.new.triggered.connect(self._new)
        menus.regenerate.triggered.connect(chat.regenerate_last)
        menus.rename.triggered.connect(self._rename)
        menus.stop.triggered.connect(chat.stop)
        menus.themes.triggered.connect(lambda action: self._set_theme(action.data()))
        menus.stop.setEnabled(False)
        menus.undo_delete.setEnabled(False)
        menus.undo_delete.triggered.connect(sidebar.undo)

    def begin(self, remembered: dict[str, Any], files: list[str]) -> None:
        """Show everything for the first time."""
        self.models.begin(files)
        self.sidebar.refresh()
        last = remembered.get("conversation")
        self.chat.show_or_new(last if isinstance(last, int) else None)
        self._window.composer.be_heard()

    async def finish(self) -> None:
        """Write what is unsaved; nothing is told any more."""
        self._forget()
        self.models.finish()
        self.meter.finish()
        await self.chat.finish()

    def _heard(self, fact: Fact) -> None:
        match fact:
            case Trouble(error):
                self._window.presenter.trouble(error)
            case TroubleOver(kind):
                self._window.presenter.over(kind)
            case _:
                for controller in self._controllers:
                    controller.heard(fact)

    # ---------------------------------------------------------------------------- conversation

    def _new(self) -> None:
        self._turn_to_chat()
        self._window.sidebar.end_search()
        self.chat.show_new()
        self._window.composer.field.setFocus()

    def _show_conversation(self, conversation_id: int) -> None:
        self._turn_to_chat()
        self.chat.show_conversation(conversation_id)

    def _show_message(self, conversation_id: int, message_id: int) -> None:
        self._turn_to_chat()
        self.chat.show_message(conversation_id, message_id)

    def _turn_to_chat(self) -> None:
        self._window.shell.close_floating()
        self._window.pages.show_page(CHAT)

    def _on_page(self) -> None:
        self._show_title()
        self._show_possible()

    def _on_shown(self, _conversation_id: int) -> None:
        self._on_page()

    def _on_left(self, conversation_id: int) -> None:
        if conversation_id != self.chat.current:
            return
        following = self._window.sidebar.rows.neighbour(conversation_id)
        if following is None:
            self.chat.show_new()
        else:
            self.chat.show_conversation(following)

    def _show_title(self) -> None:
        page, current = self._window.pages.shown, self.chat.current
        summary = None if current is None else self._window.sidebar.rows.summary(current)
        title = (summary.title if summary else "") or UNTITLED
        self._window.header.set_title(title)
        shown = page if page != CHAT else title if summary else ""
        self._window.setWindowTitle(f"{shown} - Lamplight" if shown else "Lamplight")
        # Elsewhere none is marked: each one leads back to the conversation.
        self._window.sidebar.select(current if page == CHAT else None)

    def _show_possible(self, _answering: bool = False) -> None:
        menus, current = self._window.menus, self.chat.current
        answering = current is not None and self._services.chat.is_answering(current)
        seen = current is not None and self._window.pages.shown == CHAT
        menus.stop.setEnabled(answering)
        menus.regenerate.setEnabled(seen and not answering and self.chat.can_regenerate())
        menus.delete.setEnabled(seen)
        menus.rename.setEnabled(seen)

    def _delete(self) -> None:
        if self.chat.current is not None:
            self.sidebar.trash(self.chat.current)

    def _rename(self) -> None:
        if not self._window.shell.left.is_open:
            self._window.shell.toggle(self._window.shell.left)
        self._window.sidebar.select(self.chat.current)
        self._window.sidebar.rename_current()

    def _on_escape(self) -> None:
        if not self._window.step_back():
            self.chat.stop()

    # ----------------------------------------------------------------------------------- rest

    def _set_theme(self, wish: str) -> None:
        self._window.theme.set_wish(wish)
        settings = self._services.settings.current
        appearance = replace(settings.appearance, theme=wish)
        try:
            self._services.settings.change(replace(settings, appearance=appearance))
        except ConfigError as error:
            self._window.presenter.trouble(error)

    def state(self) -> dict[str, Any]:
        """What to remember beside the window's shape."""
        return {"conversation": self.chat.current}
