"""Between the benchmark service and the dialog that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.domain.benchmark import BenchPlan
from app.domain.facts import BenchmarkChanged, BenchPhase, Fact, ModelPhase, ModelStateChanged
from app.domain.localmodel import LocalModel
from app.domain.slowness import ChooseAnother, CopyCommand, Fix, MeasureAgain, UnloadOthers
from app.flow.tasks import TaskOwner
from app.gui.present.presenter import Presenter
from app.gui.window import MainWindow
from app.services import Services

if TYPE_CHECKING:
    from app.gui.measure.dialog import MeasureDialog


class MeasureController(QObject):
    """Opens the dialog for the chosen model, fills it, and does what it wishes."""

    def __init__(
        self, services: Services, window: MainWindow, presenter: Presenter, tasks: TaskOwner
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._presenter = presenter
        self._tasks = tasks
        self._dialog: MeasureDialog | None = None
        self._looks = 0

    def show(self) -> None:
        """Open the dialog for the chosen model, or bring it forward."""
        model = self._services.models.state.model
        if model is None:
            self._presenter.toast("Choose a model first.", seconds=4)
            return
        if self._dialog is None:
            self._dialog = self._make(model)
        self._dialog.bring_forward()

    def close(self) -> None:
        """Close the dialog, if it is open."""
        if self._dialog is not None:
            self._dialog.close()

    def _make(self, model: LocalModel) -> MeasureDialog:
        # Imported when it is wanted: few starts need it.
        from app.gui.measure.dialog import MeasureDialog

        benchmarks = self._services.benchmarks
        dialog = MeasureDialog(self._window, self._window.theme, model)
        dialog.finished.connect(self._on_closed)
        dialog.cancel_wished.connect(benchmarks.cancel)
        dialog.copy_wished.connect(self._copy)
        dialog.fix_wished.connect(self._fix)
        dialog.forget_wished.connect(self._forget)
        dialog.measure_wished.connect(benchmarks.begin)
        dialog.show_state(benchmarks.state)
        self._refresh()
        return dialog

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        if self._dialog is None:
            return
        match fact:
            case BenchmarkChanged(state):
                self._dialog.show_state(state)
                if state.phase is BenchPhase.DONE:
                    self._refresh()
            case ModelStateChanged(state):
                other = state.model is not None and state.model.path != self._dialog.model.path
                if other and state.model is not None:
                    self._dialog.show_model(state.model)
                    self._dialog.show_state(self._services.benchmarks.state)
                if other or state.phase is ModelPhase.READY:
                    self._refresh()
            case _:
                return

    def _on_closed(self) -> None:
        self._dialog = None

    def _refresh(self) -> None:
        self._looks += 1
        self._tasks.spawn(self._look(self._looks), "measurements")

    async def _look(self, number: int) -> None:
        """Show the history and why it is slow, unless a later look has begun."""
        dialog, benchmarks = self._dialog, self._services.benchmarks
        if dialog is None:
            return
        records = await benchmarks.history(dialog.model)
        state = benchmarks.state
        if state.record is not None and state.record.id == 0 and state.path == dialog.model.path:
            # The store could not keep it.
            records.insert(0, state.record)
        if self._is_current(dialog, number):
            dialog.show_records(records)
        diagnosis = await benchmarks.diagnose(dialog.model, records[0] if records else None)
        if self._is_current(dialog, number):
            dialog.show_diagnosis(diagnosis)

    def _is_current(self, dialog: MeasureDialog, number: int) -> bool:
        return dialog is self._dialog and number == self._looks

    def _forget(self, record_id: int) -> None:
        async def forget() -> None:
            await self._services.benchmarks.forget(record_id)
            self._refresh()

        self._tasks.spawn(forget(), "forget-measurement")

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._presenter.toast("Copied.", seconds=3)

    def _fix(self, fix: Fix) -> None:
        match fix:
            case MeasureAgain():
                self._services.benchmarks.begin(
                    self._dialog.plan() if self._dialog is not None else BenchPlan()
                )
            case ChooseAnother():
                self.close()
                self._window.activateWindow()
                self._window.popup.toggle()
            case CopyCommand(command):
                self._copy(command)
            case _:
                self._tasks.spawn(self._apply(fix), "fix")

    async def _apply(self, fix: Fix) -> None:
        await self._services.benchmarks.apply(fix)
        if isinstance(fix, UnloadOthers):
            self._presenter.toast(
                "The other models were unloaded. Measure again to see the change."
            )
        else:
            self._presenter.toast("The model was loaded again. Measure it to see the change.")
        self._refresh()
