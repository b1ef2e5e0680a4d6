"""What has to do with models, brought together: choosing, loading, measuring, fetching them."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject

from app.domain.facts import Fact
from app.flow.tasks import TaskOwner
from app.gui.access.controller import AccessController
from app.gui.byname.controller import ByNameController
from app.gui.discover.controller import DiscoverController
from app.gui.discover.panel import DiscoverPanel
from app.gui.downloads.controller import DownloadsController
from app.gui.library.controller import LibraryController
from app.gui.library.panel import LibraryPanel
from app.gui.loading.controller import LoadSettingsController
from app.gui.measure.controller import MeasureController
from app.gui.memory.controller import MemoryController
from app.gui.models_page import DISCOVER, LIBRARY, ModelsPage
from app.gui.pages import CHAT, DOWNLOADS, MODELS
from app.gui.picker.controller import ModelController
from app.gui.quantise.controller import QuantiseController
from app.gui.window import MainWindow
from app.services import Services


class Hearing(Protocol):
    """A controller, as whoever tells the facts sees it."""

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        ...


class ModelsWiring(QObject):
    """Owns the controllers for models and connects what the window wishes of them."""

    def __init__(self, window: MainWindow, services: Services, tasks: TaskOwner) -> None:
        super().__init__(window)
        self._window = window
        presenter = window.presenter
        self.downloads = DownloadsController(services, window, tasks)
        self.by_name = ByNameController(services, window, presenter, tasks)
        self.access = AccessController(services, window, presenter, tasks)
        panel, self.library_panel = DiscoverPanel(window.theme), LibraryPanel(window.theme)
        self.page = ModelsPage(panel, self.library_panel, self.library_panel.foot)
        window.pages.add_page(self.page)
        self.discover = DiscoverController(
            services, panel, presenter, tasks, services.library.path_of
        )
        self.library = LibraryController(
            services, window, window.theme, self.library_panel, presenter, tasks
        )
        self.loading = LoadSettingsController(services, window, window.theme, presenter, tasks)
        self.measure = MeasureController(services, window, presenter, tasks)
        self.memory = MemoryController(services, window, presenter, tasks)
        self.picker = ModelController(services, window.model_button, window.popup, presenter, tasks)
        self.quantise = QuantiseController(services, window, presenter, tasks)
        self.controllers: tuple[Hearing, ...] = (
            self.discover,
            self.downloads,
            self.library,
            self.loading,
            self.measure,
            self.memory,
            self.picker,
            self.quantise,
        )
        window.pages.add_page(self.downloads.page)
        self._wire()

    def _wire(self) -> None:
        window, picker = self._window, self.picker
        menus = window.menus
        self.downloads.use_wished.connect(self._use_file)
        self.by_name.chat_wished.connect(lambda: window.pages.go(CHAT))
        self.by_name.token_wished.connect(self.access.ask_token)
        self.by_name.downloads_wished.connect(lambda: window.pages.go(DOWNLOADS))
        self.page.by_name_wished.connect(lambda: self.by_name.show())
        self.discover.chat_wished.connect(lambda: window.pages.go(CHAT))
        self.discover.ollama_wished.connect(self.by_name.show)
        self.discover.library_wished.connect(self._show_library)
        self.discover.network_wished.connect(self.access.show)
        self.discover.token_wished.connect(self.access.ask_token)
        self.access.changed.connect(self.by_name.again)
        self.access.changed.connect(self.discover.again)
        self.library.measure_wished.connect(self.measure.show)
        self.library.quantise_wished.connect(self.quantise.show)
        self.library.settings_wished.connect(self.loading.open)
        self.library.use_wished.connect(self._choose)
        self.library_panel.discover_wished.connect(self._find)
        picker.models_changed.connect(window.empty.set_has_model)
        picker.state_changed.connect(window.status.show_model)
        window.empty.find_wished.connect(self._find)
        window.empty.open_file_wished.connect(self._ask_for_file)
        window.files_dropped.connect(picker.open_files)
        window.inspector.settings_wished.connect(self.loading.open)
        window.popup.find_wished.connect(self._find)
        window.popup.measure_wished.connect(self.measure.show)
        window.popup.memory_wished.connect(self.memory.show)
        window.popup.open_file_wished.connect(self._ask_for_file)
        window.popup.quantise_wished.connect(lambda: self.quantise.show())
        window.popup.settings_wished.connect(self.loading.open)
        window.status.add_glance(self.downloads.glance)
        menus.access.triggered.connect(self.access.show)
        menus.by_name.triggered.connect(lambda: self.by_name.show())
        menus.measure.triggered.connect(self.measure.show)
        menus.memory.triggered.connect(self.memory.show)
        menus.model_settings.triggered.connect(lambda: self.loading.open())
        menus.open_file.triggered.connect(self._ask_for_file)
        menus.quantise.triggered.connect(lambda: self.quantise.show())

    def begin(self, files: list[str]) -> None:
        """Show everything for the first time, and open `files`."""
        self.downloads.show_now()
        self.library.show_now()
        self.picker.show_now()
        if files:
            self.picker.open_files(files)

    def finish(self) -> None:
        """Write what is unsaved and close what is open."""
        self.by_name.close()
        self.discover.finish()
        self.library.finish()
        self.loading.save()
        self.access.close()
        self.measure.close()
        self.memory.close()
        self.quantise.close()

    def _use_file(self, path: str) -> None:
        """Choose a model that has come, and go and talk to it."""
        self.picker.open_files([path])
        self._window.pages.go(CHAT)

    def _find(self) -> None:
        self.page.show_part(DISCOVER)
        self._window.pages.go(MODELS)

    def _show_library(self) -> None:
        self.page.show_part(LIBRARY)
        self._window.pages.go(MODELS)

    def _ask_for_file(self) -> None:
        self.picker.ask_for_file(self._window)

    def _choose(self, path: str) -> None:
        self.picker.choose(path)
        self._window.pages.go(CHAT)
