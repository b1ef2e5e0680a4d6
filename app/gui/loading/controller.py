"""Between the dialog of a model's load settings and the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.domain.errors import AppError
from app.domain.facts import Fact, LoadedModelsChanged, ModelStateChanged
from app.domain.fit import Fit
from app.domain.load_params import LoadParams
from app.domain.localmodel import LocalModel
from app.flow.tasks import TaskOwner
from app.gui.loading.dialog import LoadSettingsDialog
from app.gui.present.presenter import Presenter
from app.gui.theme.keeper import ThemeKeeper
from app.services import Services

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_PAUSE = 300
"""Milliseconds without a change before it is written."""


class LoadSettingsController(QObject):
    """Opens the dialog for a model; at most one is open."""

    def __init__(
        self,
        services: Services,
        window: QWidget,
        theme: ThemeKeeper,
        presenter: Presenter,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._theme = theme
        self._presenter = presenter
        self._tasks = tasks
        self._dialog: LoadSettingsDialog | None = None
        self._model: LocalModel | None = None
        self._unsaved: LoadParams | None = None
        self._draft_path = self._draft_failure = ""
        self._failure = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self.save)

    def open(self, path: str = "") -> None:
        """Show the settings of the model of this path; of the chosen one if none is named."""
        if self._dialog is not None:
            return
        chosen = self._services.models.state.model
        known = {model.path: model for model in self._services.models.models}
        model = known.get(path, chosen)
        if model is None:
            self._presenter.toast("Choose a model first.", seconds=4)
            return
        self._model = model
        dialog = self._dialog = LoadSettingsDialog(self._window, self._theme, model)
        dialog.changed.connect(self._on_edit)
        dialog.load_wished.connect(self._load_again)
        dialog.measure_wished.connect(self._measure)
        dialog.threads_unwished.connect(self._forget_threads)
        dialog.finished.connect(self._on_closed)
        dialog.show_params(self._services.load_settings.wished(model.path))
        dialog.show_threads(self._services.load_settings.automatic_threads)
        dialog.show_devices(self._services.fit.devices)
        self._show_fit()
        self._show_loaded()
        dialog.open()
        self._tasks.spawn(self._look_at_devices(), "devices")
        self._look_at_draft(dialog.panel.params)

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        if isinstance(fact, LoadedModelsChanged | ModelStateChanged):
            self._show_loaded()

    async def _look_at_devices(self) -> None:
        try:
            devices = await self._services.fit.look_at_devices()
        except AppError as error:
            self._presenter.trouble(error)
            return
        if self._dialog is not None:
            self._dialog.show_devices(devices)
            self._show_fit()

    def _look_at_draft(self, params: LoadParams) -> None:
        """What it takes is told by its file."""
        if params.draft_path == self._draft_path:
            return
        self._draft_path = params.draft_path
        self._presenter.over(self._draft_failure)
        self._tasks.spawn(self._read_draft(params), "draft-model")

    async def _read_draft(self, params: LoadParams) -> None:
        try:
            await self._services.fit.look_at_draft(params)
        except AppError as error:
            self._draft_failure = error.kind
            self._presenter.trouble(error)
        self._show_fit()

    def _on_edit(self, params: LoadParams) -> None:
        self._look_at_draft(params)
        self._unsaved = params
        self._timer.start()
        self._show_fit()

    def save(self) -> None:
        """Write what was edited."""
        self._timer.stop()
        params, self._unsaved = self._unsaved, None
        if params is None or self._model is None:
            return
        self._presenter.over(self._failure)
        try:
            self._services.load_settings.change(self._model.path, params)
        except AppError as error:
            self._failure = error.kind
            self._presenter.trouble(error)
        self._show_loaded()

    def _forget_threads(self) -> None:
        if self._dialog is None or self._model is None:
            return
        self._presenter.over(self._failure)
        try:
            self._services.load_settings.forget_threads(self._model.path)
        except AppError as error:
            self._failure = error.kind
            self._presenter.trouble(error)
        self._dialog.show_threads(self._services.load_settings.automatic_threads)
        self._show_loaded()

    def _show_fit(self) -> None:
        dialog, model = self._dialog, self._model
        if dialog is None or model is None:
            return
        params, fits = dialog.panel.params, self._services.fit
        dialog.show_fit(fits.fit(model, params), fits.largest_context(model, params))

    def _measure(self) -> None:
        if self._dialog is not None and self._model is not None:
            self._dialog.show_measuring(True)
            measured = self._measured(self._dialog, self._model, self._dialog.panel.params)
            self._tasks.spawn(measured, "measure-fit")

    async def _measured(
        self, dialog: LoadSettingsDialog, model: LocalModel, wished: LoadParams
    ) -> None:
        """Show the exact figure, unless something was changed meanwhile."""
        self._presenter.over(self._failure)
        fit: Fit | None = None
        try:
            fit = await self._services.fit.measure(model, wished)
        except AppError as error:
            self._failure = error.kind
            self._presenter.trouble(error)
        if dialog is not self._dialog:
            return
        dialog.show_measuring(False)
        if fit is not None and wished == dialog.panel.params:
            dialog.show_fit(fit, self._services.fit.largest_context(model, wished))

    def _show_loaded(self) -> None:
        if self._dialog is None or self._model is None:
            return
        path, models = self._model.path, self._services.models
        self._dialog.show_loaded(
            loaded=any(info.path == path for info in models.loaded),
            outdated=models.is_outdated(path),
        )

    def _load_again(self) -> None:
        self.save()
        self._tasks.spawn(self._choose_and_load(), "load-again")

    async def _choose_and_load(self) -> None:
        if self._model is not None:
            await self._services.models.choose(self._model.path)
            await self._services.models.load(again=True)

    def _on_closed(self) -> None:
        self.save()
        self._dialog = self._model = None
        self._draft_path = ""
