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
from app.gui.loading.controller import LoadSettingsController
from app.gui.measure.controller import MeasureController
from app.gui.memory.controller import MemoryController
from app.gui.picker.controller import ModelController
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
        self.models = ModelController(services, window.model_button, window.popup, presenter, tasks)
        self.measure = MeasureController(services, window, presenter, tasks)
        self.memory = MemoryController(services, window, presenter, tasks)
        self.chat = ChatController(
            services, window.transcript, window.composer, self.inspector, tasks
        )
        self.loading = LoadSettingsController(services, window, window.theme, presenter, tasks)
        self.meter = MeterController(services, window.composer, window.inspector, self.chat, tasks)
        self._controllers = (
            self.sidebar,
            self.models,
            self.measure,
            self.memory,
            self.chat,
            self.inspector,
            self.loading,
            self.meter,
        )
        self._wire()
        self._forget = services.facts.subscribe(self._heard)

    def _wire(self) -> None:
        window, chat, sidebar, models = self._window, self.chat, self.sidebar, self.models
        menus = window.menus
        chat.answering_changed.connect(self._show_possible)
        chat.run_changed.connect(window.status.show_run)
        chat.shown.connect(self._on_shown)
        chat.recovered.connect(window.presenter.over)
        models.models_changed.connect(window.empty.set_has_model)
        models.state_changed.connect(window.status.show_model)
        sidebar.left.connect(self._on_left)
        sidebar.listed.connect(self._show_title)
        sidebar.message_wished.connect(self._show_message)
        sidebar.show_wished.connect(self._show_conversation)
        sidebar.undo_possible.connect(menus.undo_delete.setEnabled)
        window.empty.open_file_wished.connect(self._ask_for_file)
        window.files_dropped.connect(models.open_files)
        window.inspector.settings_wished.connect(self.loading.open)
        window.popup.measure_wished.connect(self.measure.show)
        window.popup.memory_wished.connect(self.memory.show)
        window.popup.open_file_wished.connect(self._ask_for_file)
        window.popup.settings_wished.connect(self.loading.open)
        window.sidebar.new_wished.connect(self._new)
        menus.delete.triggered.connect(self._delete)
        menus.escape.activated.connect(self._on_escape)
        menus.model_settings.triggered.connect(lambda: self.loading.open())
        menus.measure.triggered.connect(self.measure.show)
        menus.memory.triggered.connect(self.memory.show)
        menus.new.triggered.connect(self._new)
        menus.open_file.triggered.connect(self._ask_for_file)
        menus.regenerate.triggered.connect(chat.regenerate_last)
        menus.rename.triggered.connect(self._rename)
        menus.stop.triggered.connect(chat.stop)
        menus.themes.triggered.connect(lambda action: self._set_theme(action.data()))
        menus.stop.setEnabled(False)
        menus.undo_delete.setEnabled(False)
        menus.undo_delete.triggered.connect(sidebar.undo)

    def begin(self, remembered: dict[str, Any], files: list[str]) -> None:
        """Show everything for the first time."""
        self.models.show_now()
        self.sidebar.refresh()
        last = remembered.get("conversation")
        self.chat.show_or_new(last if isinstance(last, int) else None)
        self._window.composer.be_heard()
        if files:
            self.models.open_files(files)

    async def finish(self) -> None:
        """Write what is unsaved; nothing is told any more."""
        self._forget()
        self.loading.save()
        self.measure.close()
        self.memory.close()
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
        self._window.shell.close_floating()
        self._window.sidebar.end_search()
        self.chat.show_new()
        self._window.composer.field.setFocus()

    def _show_conversation(self, conversation_id: int) -> None:
        self._window.shell.close_floating()
        self.chat.show_conversation(conversation_id)

    def _show_message(self, conversation_id: int, message_id: int) -> None:
        self._window.shell.close_floating()
        self.chat.show_message(conversation_id, message_id)

    def _on_shown(self, conversation_id: int) -> None:
        self._window.sidebar.select(conversation_id)
        self._show_title()
        self._show_possible()

    def _on_left(self, conversation_id: int) -> None:
        if conversation_id != self.chat.current:
            return
        following = self._window.sidebar.rows.neighbour(conversation_id)
        if following is None:
            self.chat.show_new()
        else:
            self.chat.show_conversation(following)

    def _show_title(self) -> None:
        current = self.chat.current
        summary = None if current is None else self._window.sidebar.rows.summary(current)
        title = (summary.title if summary else "") or UNTITLED
        self._window.header.set_title(title)
        self._window.setWindowTitle(f"{title} - Lamplight" if summary else "Lamplight")
        self._window.sidebar.select(current)

    def _show_possible(self, _answering: bool = False) -> None:
        menus, current = self._window.menus, self.chat.current
        answering = current is not None and self._services.chat.is_answering(current)
        menus.stop.setEnabled(answering)
        menus.regenerate.setEnabled(not answering and self.chat.can_regenerate())
        menus.delete.setEnabled(current is not None)
        menus.rename.setEnabled(current is not None)

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

    def _ask_for_file(self) -> None:
        self.models.ask_for_file(self._window)

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
