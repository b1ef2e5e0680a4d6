"""Between the dialog “Memory and disk” and the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.domain.errors import AppError, ConfigError
from app.domain.facts import Fact, LoadedModelsChanged
from app.flow.tasks import TaskOwner
from app.gui.present.presenter import Presenter
from app.gui.window import MainWindow
from app.services import Services

if TYPE_CHECKING:
    from app.gui.memory.dialog import MemoryDialog

_PAUSE = 300
"""Milliseconds without a change before it is written."""


class MemoryController(QObject):
    """Opens the dialog, keeps what is changed there, and removes what is kept on disk."""

    def __init__(
        self, services: Services, window: MainWindow, presenter: Presenter, tasks: TaskOwner
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._presenter = presenter
        self._tasks = tasks
        self._dialog: MemoryDialog | None = None
        self._failure = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._save)

    def show(self) -> None:
        """Open the dialog, or bring it forward."""
        if self._dialog is None:
            self._dialog = self._make()
        self._dialog.bring_forward()

    def close(self) -> None:
        """Close the dialog, if it is open; what was changed is written."""
        if self._dialog is not None:
            self._dialog.close()

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        if isinstance(fact, LoadedModelsChanged):
            self._show_taken()

    def _make(self) -> MemoryDialog:
        # Imported when it is wanted: few starts need it.
        from app.gui.memory.dialog import MemoryDialog

        dialog = MemoryDialog(self._window, self._window.theme)
        dialog.show_settings(self._services.settings.current)
        dialog.changed.connect(self._timer.start)
        dialog.clear_wished.connect(self._clear)
        dialog.finished.connect(self._on_closed)
        self._dialog = dialog
        self._show_taken()
        self._tasks.spawn(self._look(dialog), "kept-on-disk")
        return dialog

    def _save(self) -> None:
        self._timer.stop()
        if self._dialog is None:
            return
        settings = self._services.settings
        changed = self._dialog.applied(settings.current)
        if changed == settings.current:
            return
        self._presenter.over(self._failure)
        try:
            settings.change(changed)
        except ConfigError as error:
            self._failure = error.kind
            self._presenter.trouble(error)

    def _show_taken(self) -> None:
        loaded = self._services.models.loaded
        if self._dialog is not None:
            self._dialog.show_taken(len(loaded), sum(info.total_bytes for info in loaded))

    def _clear(self) -> None:
        if self._dialog is not None:
            self._dialog.clear.setEnabled(False)
            self._tasks.spawn(self._removed(self._dialog), "clear-kept")

    async def _look(self, dialog: MemoryDialog, removed: int = 0) -> int:
        """Show what is kept on disk; how much that is."""
        try:
            kept = await self._services.models.kept_bytes()
        except AppError as error:
            self._said(dialog, error)
            return 0
        if dialog is self._dialog:
            dialog.show_kept(kept, max(0, removed - kept))
        return kept

    async def _removed(self, dialog: MemoryDialog) -> None:
        before = await self._look(dialog)
        try:
            await self._services.models.clear_kept()
        except AppError as error:
            self._said(dialog, error)
            return
        await self._look(dialog, before)

    def _said(self, dialog: MemoryDialog, error: AppError) -> None:
        self._presenter.trouble(error)
        if dialog is self._dialog:
            dialog.show_unknown()

    def _on_closed(self) -> None:
        self._save()
        self._dialog = None
