"""Between the model service and what shows it: button, popup, empty state, status line."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.domain.errors import ModelFileError
from app.domain.facts import (
    Fact,
    LoadedModelsChanged,
    LoadSettingsChanged,
    ModelPhase,
    ModelsChanged,
    ModelState,
    ModelStateChanged,
)
from app.flow.tasks import TaskOwner
from app.gui.controls import named
from app.gui.picker.button import ModelButton
from app.gui.picker.popup import ModelPopup
from app.gui.present.presenter import Presenter
from app.services import Services


class ModelController(QObject):
    """Chooses, loads, unloads, opens and forgets models as wished."""

    state_changed = Signal(object)
    """The `ModelState` in force."""
    models_changed = Signal(bool)
    """Whether any model is known."""

    def __init__(
        self,
        services: Services,
        button: ModelButton,
        popup: ModelPopup,
        presenter: Presenter,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(popup)
        self._services = services
        self._button = button
        self._popup = popup
        self._presenter = presenter
        self._tasks = tasks
        self._failure = ""
        self._bad_file = ""
        self._folder = Path.home()
        popup.opened.connect(self._show_fits)
        popup.filtered.connect(self._show_fits)
        popup.choose_wished.connect(self.choose)
        popup.forget_wished.connect(lambda path: self._do(self._services.models.forget(path)))
        popup.load_wished.connect(self.load)
        popup.unload_wished.connect(
            lambda path: self._do(self._services.models.unload(path or None))
        )
        popup.cancel_wished.connect(lambda: self._services.models.cancel_load())

    def show_now(self) -> None:
        """Show what the service knows."""
        self._show_models()
        self._show_state(self._services.models.state)

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        match fact:
            case ModelsChanged():
                self._show_models()
            case LoadedModelsChanged() | LoadSettingsChanged():
                self._show_fits()
            case ModelStateChanged(state):
                self._show_state(state)
            case _:
                return

    def _show_models(self) -> None:
        models = self._services.models.models
        self._popup.show_models(models)
        self._show_fits()
        self.models_changed.emit(bool(models))

    def _show_fits(self) -> None:
        """Against what is free now, so again each time that the list is looked at."""
        fits = self._services.fit
        self._popup.show_loaded(self._services.models.loaded)
        self._popup.show_fits({model.path: fits.fit(model) for model in self._popup.listed})

    def _show_state(self, state: ModelState) -> None:
        self._button.show_state(state)
        self._popup.show_state(state)
        if state.phase is not ModelPhase.LOADING:
            self._show_fits()
        self.state_changed.emit(state)
        if self._failure and state.phase is not ModelPhase.FAILED:
            self._presenter.over(self._failure)
            self._failure = ""
        if state.phase is ModelPhase.FAILED and state.error is not None:
            self._failure = state.error.kind
            self._presenter.trouble(state.error)

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.spawn(work, "models")

    def choose(self, path: str) -> None:
        """Make a known model the one that answers, and load it."""
        self._popup.close_up()
        self._do(self._choose_and_load(path))

    async def _choose_and_load(self, path: str) -> None:
        await self._services.models.choose(path)
        await self._services.models.preload()

    def load(self) -> None:
        """Load the chosen model; a failure is told by the state."""
        self._do(self._services.models.preload())

    def open_files(self, paths: list[str]) -> None:
        """Open a model file that was dropped, chosen or named on the command line."""
        for path in paths[:1]:
            self._folder = Path(path).parent
            self._do(self._open_and_load(path))

    async def _open_and_load(self, path: str) -> None:
        self._presenter.over(self._bad_file)
        try:
            opened = await self._services.models.open_file(path)
        except ModelFileError as error:
            self._bad_file = error.kind
            raise
        self._presenter.toast(f"“{opened.label}” is chosen.", seconds=4)
        await self._services.models.preload()

    def ask_for_file(self, window: QWidget) -> None:
        """The system's file dialog."""
        dialog = named(QFileDialog(window), "Open model file")
        dialog.setWindowTitle("Open model file")
        dialog.setDirectory(str(self._folder))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Model files (*.gguf)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.open_files)
        dialog.open()
