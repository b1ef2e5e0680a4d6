"""Between the dialog “Get a model by name” and the services."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.domain.errors import AppError, TokenNeeded, TokenRefused
from app.domain.hub import RepoDetails, Variant
from app.domain.ollama import OllamaProgress
from app.domain.repo_name import OllamaName
from app.flow.tasks import TaskOwner
from app.gui import fit_words
from app.gui.byname import words
from app.gui.present.presenter import Presenter
from app.services import Services

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.gui.byname.dialog import ByNameDialog


class ByNameController(QObject):
    """Opens the dialog, looks up what is named there, and has it fetched."""

    chat_wished = Signal()
    """A model was fetched and chosen."""
    downloads_wished = Signal()
    """A download has begun."""
    token_wished = Signal(str)
    """The hub wants to know who asks, and why."""

    def __init__(
        self, services: Services, window: QWidget, presenter: Presenter, tasks: TaskOwner
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._presenter = presenter
        self._tasks = tasks
        self._dialog: ByNameDialog | None = None
        self._work: asyncio.Task[None] | None = None
        """What is done for the dialog now; another name ends it."""
        self._ollamas = ""
        self._path = self._refusal = ""
        self._is_pulling = False
        self._found: tuple[RepoDetails, Variant] | None = None

    def show(self, name: str = "") -> None:
        """Open the dialog, or bring it forward; `name` as if it had been pasted."""
        if self._dialog is None:
            self._dialog = self._make()
        self._dialog.bring_forward()
        if name:
            self._dialog.show_name(name)

    def again(self) -> None:
        """A token was given, or another hub chosen: look once more for what is named."""
        if self._dialog is not None and not self._is_pulling:
            self._on_name(self._dialog.field.text().strip())

    def close(self) -> None:
        """Close the dialog, if it is open."""
        if self._dialog is not None:
            self._dialog.close()

    def _make(self) -> ByNameDialog:
        # Imported when it is wanted: few starts need it.
        from app.gui.byname.dialog import ByNameDialog

        dialog = ByNameDialog(self._window)
        dialog.download_wished.connect(lambda: self._begin(self._download(dialog), "download"))
        dialog.finished.connect(self._on_closed)
        dialog.name_changed.connect(self._on_name)
        dialog.pull_wished.connect(lambda: self._begin(self._pull(dialog, self._ollamas), "pull"))
        dialog.stop_wished.connect(self._on_stop)
        dialog.token_wished.connect(lambda: self.token_wished.emit(self._refusal))
        dialog.use_wished.connect(lambda: self._begin(self._use(dialog), "use"))
        return dialog

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._end()
        self._work = self._tasks.spawn(work, f"by-name-{name}")

    def _end(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def _on_closed(self) -> None:
        self._dialog = None
        if self._is_pulling:
            self._presenter.toast(words.STOPPED, seconds=6)
        self._end()

    def _on_name(self, text: str) -> None:
        dialog = self._dialog
        if dialog is None:
            return
        self._end()
        self._found = None
        if not text:
            dialog.show_hint()
            return
        try:
            name = self._services.hub.read_name(text)
        except AppError as error:
            dialog.show_error(error)
            return
        if isinstance(name, OllamaName):
            self._ollamas = name.name
            dialog.show_ollama(words.kind(name))
        else:
            dialog.show_looking(words.kind(name))
            self._begin(self._look(dialog, text), "look")

    # ------------------------------------------------------------------------------------- hub

    async def _look(self, dialog: ByNameDialog, text: str) -> None:
        from app.gui.byname.dialog import Main

        try:
            details, variant = self._found = await self._services.hub.find(text)
        except (TokenNeeded, TokenRefused) as error:
            self._refusal = error.title
            dialog.show_error(error, Main.TOKEN)
            return
        except AppError as error:
            dialog.show_error(error)
            return
        about, caution = words.about(details, variant), words.caution(details)
        button = words.download(details, variant)
        dialog.show_found(words.title(details, variant), about, caution, button)
        await self._show_fit(dialog, details, variant)

    async def _show_fit(self, dialog: ByNameDialog, details: RepoDetails, variant: Variant) -> None:
        try:
            model = await self._services.hub.look_into(details, variant)
            fit = self._services.fit.fit(model)
        except AppError as error:
            # It can be downloaded all the same; that nothing here could run it is worth knowing.
            dialog.show_fit(error.title, "warning")
            return
        if fit is not None:
            largest = self._services.fit.largest_context(model)
            dialog.show_fit(words.fit(fit, largest), fit_words.tone(fit))

    async def _download(self, dialog: ByNameDialog) -> None:
        if self._found is None:
            return
        from app.gui.byname.dialog import Main

        try:
            await self._services.transfers.download(*self._found)
        except AppError as error:
            dialog.show_error(error, Main.DOWNLOAD)
            return
        self._work = None
        dialog.accept()
        self.downloads_wished.emit()

    # ---------------------------------------------------------------------------------- Ollama

    async def _pull(self, dialog: ByNameDialog, name: str) -> None:
        from app.gui.byname.dialog import Main

        dialog.show_pulling(name, OllamaProgress())
        self._is_pulling = True
        try:
            async with aclosing(self._services.ollama.pull(name)) as pulling:
                async for progress in pulling:
                    dialog.show_pulling(name, progress)
            dialog.show_trying(name)
            model = await self._services.ollama.use(name)
        except AppError as error:
            dialog.show_error(error, Main.PULL)
            return
        finally:
            self._is_pulling = False
        self._path = model.path
        dialog.show_ready(name)

    def _on_stop(self) -> None:
        self._end()
        if self._dialog is not None:
            self._dialog.show_ollama(words.STOPPED)

    async def _use(self, dialog: ByNameDialog) -> None:
        await self._services.models.choose(self._path)
        self._work = None
        dialog.accept()
        self.chat_wished.emit()
