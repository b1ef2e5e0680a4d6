"""Between the dialog “Make smaller” and the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.domain.errors import AppError
from app.domain.facts import Fact, QuantiseChanged
from app.domain.quantise import QuantisePhase, QuantiseRequest, QuantiseState
from app.flow.tasks import TaskOwner
from app.gui.present.presenter import Presenter
from app.gui.window import MainWindow
from app.services import Services

if TYPE_CHECKING:
    from app.gui.quantise.dialog import QuantiseDialog


class QuantiseController(QObject):
    """Opens the dialog, and tells of the job where it is closed meanwhile."""

    def __init__(
        self, services: Services, window: MainWindow, presenter: Presenter, tasks: TaskOwner
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._presenter = presenter
        self._tasks = tasks
        self._dialog: QuantiseDialog | None = None

    def show(self, path: str = "") -> None:
        """Open the dialog for the model of this file, or for the chosen one; while a job runs, for
        that job's."""
        state = self._services.quantise.state
        chosen = self._services.models.state.model
        if state.is_running and state.request is not None:
            path = state.request.source
        path = path or (chosen.path if chosen else "")
        if not path:
            self._presenter.toast("Choose a model first.", seconds=4)
            return
        self.close()
        self._dialog = dialog = self._make()
        dialog.bring_forward()
        self._tasks.spawn(self._look(dialog, path), "quantise-options")

    def close(self) -> None:
        """Close the dialog, if it is open, without a word."""
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.close()

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        if not isinstance(fact, QuantiseChanged):
            return
        if self._dialog is not None:
            self._dialog.show_state(fact.state)
        else:
            self._tell(fact.state)

    def _make(self) -> QuantiseDialog:
        # Imported when it is wanted: few starts need it.
        from app.gui.quantise.dialog import QuantiseDialog

        dialog = QuantiseDialog(self._window, self._window.theme)
        dialog.begin_wished.connect(self._begin)
        dialog.cancel_wished.connect(self._services.quantise.cancel)
        dialog.finished.connect(lambda: self._on_closed(dialog))
        dialog.use_wished.connect(self._use)
        return dialog

    async def _look(self, dialog: QuantiseDialog, path: str) -> None:
        quantise = self._services.quantise
        try:
            options = await quantise.options(path)
        except AppError as error:
            if dialog is self._dialog:
                dialog.show_failure(error.title, error.remedy)
            return
        if dialog is not self._dialog:
            return
        dialog.target_chosen.connect(
            lambda target: dialog.show_result_path(quantise.result_for(options.path, target))
        )
        dialog.show_options(options)
        if quantise.state.is_running:
            dialog.show_state(quantise.state)

    def _begin(self, request: QuantiseRequest) -> None:
        self._services.quantise.begin(request)

    def _use(self, path: str) -> None:
        self.close()
        self._tasks.spawn(self._services.models.choose(path), "use-result")

    def _on_closed(self, dialog: QuantiseDialog) -> None:
        if dialog is not self._dialog:
            return
        self._dialog = None
        if self._services.quantise.state.is_running:
            self._presenter.toast("The model is still being made smaller.", "Show", self.show)

    def _tell(self, state: QuantiseState) -> None:
        """The end of a job whose dialog was closed."""
        if state.phase is QuantisePhase.DONE:
            path = state.result_path
            self._presenter.toast(
                f"A smaller “{state.label}” is ready.", "Use it", lambda: self._use(path), 30.0
            )
        elif state.phase is QuantisePhase.FAILED and state.error is not None:
            self._presenter.trouble(state.error)
