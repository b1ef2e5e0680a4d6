"""Between the library service and the part `Library` of the page `Models`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from app.domain.facts import (
    BenchmarkChanged,
    BenchPhase,
    Fact,
    LibraryChanged,
    LoadedModelsChanged,
    LoadSettingsChanged,
    ModelPhase,
    ModelStateChanged,
)
from app.domain.library import LibraryEntry, RefusedFile, Verdict, Verification
from app.gui.library.acts import Act
from app.gui.library.details import Shown
from app.gui.library.housekeeping import Housekeeping
from app.gui.library.questions import RenameDialog, trash_dialog
from app.gui.library.rows import places_of
from app.gui.library.words import speed_text, verified_sentence
from app.gui.library.work import LibraryWork

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.domain.fit import Fit
    from app.flow.tasks import TaskOwner
    from app.gui.library.panel import LibraryPanel
    from app.gui.present.presenter import Presenter
    from app.gui.theme.keeper import ThemeKeeper
    from app.services import Services

_TONES = {Verdict.SOUND: "success", Verdict.RECORDED: "muted", Verdict.CHANGED: "danger"}
_TOAST_SECONDS = 5


class LibraryController(QObject):
    """Shows the library and does what is wished for one of its rows."""

    use_wished = Signal(str)
    """Choose the model of this path and go to the conversation."""
    settings_wished = Signal(str)
    measure_wished = Signal()
    """Of the chosen model."""
    quantise_wished = Signal(str)

    def __init__(
        self,
        services: Services,
        window: QWidget,
        theme: ThemeKeeper,
        panel: LibraryPanel,
        presenter: Presenter,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(panel)
        self._services = services
        self._library = services.library
        self._window = window
        self._panel = panel
        self._presenter = presenter
        self._tasks = tasks
        self._verified: dict[str, Verification] = {}
        self._verifying: set[str] = set()
        self._speeds: dict[str, str] = {}
        self._work = LibraryWork(panel.work, presenter, tasks)
        self.housekeeping = Housekeeping(services, window, theme, panel, presenter, self._work)
        panel.rows.set_fit_of(self._fit)
        panel.details.hash_wished.connect(self._copy)
        panel.details.link_wished.connect(presenter.ask_link)
        panel.picked.connect(self._on_picked)
        panel.scan_wished.connect(lambda: self._work.do(self._library.scan()))
        panel.shown.connect(self._look_again)
        panel.wished.connect(self._do)
        self._application = QGuiApplication.instance()
        assert isinstance(self._application, QGuiApplication)
        self._application.applicationStateChanged.connect(self._on_application_state)

    def show_now(self) -> None:
        """Show what the service knows, and have it watch while the window is in front."""
        self._show_library()
        self._show_state()
        self._library.watch(True)

    def finish(self) -> None:
        """Watch no more, and close what is open."""
        self._library.watch(False)
        self.housekeeping.close()

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        match fact:
            case LibraryChanged():
                self._show_library()
                self.housekeeping.show_folders()
            case ModelStateChanged(state) if state.phase is ModelPhase.LOADING:
                # It comes many times, and nothing but the chosen model is another one.
                self._show_state()
            case ModelStateChanged() | LoadedModelsChanged():
                self._show_state()
                self._look_again()
            case LoadSettingsChanged():
                self._look_again()
            case BenchmarkChanged(state) if state.phase is BenchPhase.DONE:
                self._look_at_speed(self._panel.list.row())
            case _:
                return

    def _on_application_state(self, state: Qt.ApplicationState) -> None:
        self._library.watch(state is Qt.ApplicationState.ApplicationActive)

    # ---------------------------------------------------------------------------- what is shown

    def _show_library(self) -> None:
        library = self._library
        self._panel.show_library(
            library.entries, library.refused, library.space(), is_scanning=library.is_scanning
        )
        self._show_details(self._panel.list.row())

    def _show_state(self) -> None:
        models = self._services.models
        loaded = frozenset(info.path for info in models.loaded)
        chosen = models.state.model.path if models.state.model else ""
        if self._panel.rows.show_state(loaded, chosen):
            self._show_details(self._panel.list.row())

    def _look_again(self) -> None:
        """Other memory may be free now; what is not seen is asked for when it is."""
        if self._panel.isVisible():
            self._panel.rows.look_again()
            self._show_details(self._panel.list.row())

    def _fit(self, entry: LibraryEntry) -> Fit | None:
        return self._services.fit.fit(entry.model)

    def _on_picked(self, row: LibraryEntry | RefusedFile | None) -> None:
        self._show_details(row)
        self._look_at_speed(row)

    def _show_details(self, row: LibraryEntry | RefusedFile | None) -> None:
        if not self._panel.isVisible():
            # What fits takes milliseconds to tell; it is told when it is looked at.
            return
        if not isinstance(row, LibraryEntry):
            self._panel.details.show_row(Shown(row) if row else None)
            return
        models, fits = self._services.models, self._services.fit
        chosen = models.state.model
        places = places_of(row)
        found = self._verified.get(row.path)
        self._panel.details.show_row(
            Shown(
                row,
                fits.fit(row.model),
                fits.largest_context(row.model),
                is_loaded=any(info.path in places for info in models.loaded),
                is_chosen=chosen is not None and chosen.path in places,
                speed=self._speeds.get(row.path, ""),
                verdict=verified_sentence(found) if found else "",
                verdict_tone=_TONES[found.verdict] if found else "",
                is_verifying=row.path in self._verifying,
            )
        )

    def _look_at_speed(self, row: LibraryEntry | RefusedFile | None) -> None:
        if isinstance(row, LibraryEntry) and row.can_chat:
            self._tasks.spawn(self._read_speed(row), "library-speed")

    async def _read_speed(self, entry: LibraryEntry) -> None:
        records = await self._services.benchmarks.history(entry.model)
        now = datetime.now().astimezone()
        self._speeds[entry.path] = speed_text(records[0], now) if records else ""
        row = self._panel.list.row()
        if row is not None and row.path == entry.path:
            self._show_details(row)

    # ------------------------------------------------------------------------------ what is done

    def _row(self, path: str) -> LibraryEntry | RefusedFile | None:
        refused = (file for file in self._library.refused if file.path == path)
        return self._library.entry(path) or next(refused, None)

    def _do(self, act: Act, path: str) -> None:
        row = self._row(path)
        if row is None:
            # It has gone since the row was painted.
            return
        match act:
            case Act.REVEAL:
                self._reveal(row)
            case Act.COPY_PATH:
                self._copy(row.path)
            case Act.TRASH:
                self._ask_for_trash(row)
            case _ if isinstance(row, LibraryEntry):
                self._do_with_entry(act, row)

    def _do_with_entry(self, act: Act, entry: LibraryEntry) -> None:
        path = entry.path
        match act:
            case Act.USE:
                self.use_wished.emit(path)
            case Act.LOAD_SETTINGS:
                self.settings_wished.emit(path)
            case Act.MEASURE:
                self._work.do(self._measure(path))
            case Act.QUANTISE:
                self.quantise_wished.emit(path)
            case Act.VERIFY:
                self._verify(entry)
            case Act.RENAME:
                self._ask_for_name(entry)
            case Act.FAVOURITE:
                self._work.do(self._library.set_favourite(path, not entry.is_favourite))
            case Act.FORGET:
                self._work.do(self._library.forget(path))
            case _:
                return

    def _reveal(self, row: LibraryEntry | RefusedFile) -> None:
        is_entry = isinstance(row, LibraryEntry)
        self._presenter.reveal(self._library.reveal_path(row.path) if is_entry else row.path)

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._presenter.toast("Copied.", seconds=3)

    async def _measure(self, path: str) -> None:
        await self._services.models.choose(path)
        self.measure_wished.emit()

    def _verify(self, entry: LibraryEntry) -> None:
        if entry.path in self._verifying:
            return
        self._verifying.add(entry.path)
        self._verified.pop(entry.path, None)
        self._show_details(self._panel.list.row())

        def ended() -> None:
            self._verifying.discard(entry.path)
            self._show_details(self._panel.list.row())

        self._work.begin(
            f"Verifying “{entry.name}”",
            lambda told: self._library.verify(entry.path, told),
            lambda found: self._on_verified(entry, found),
            ended,
        )

    def _on_verified(self, entry: LibraryEntry, found: Verification) -> None:
        self._verified[entry.path] = found
        row = self._panel.list.row()
        if row is not None and row.path == entry.path:
            self._show_details(row)
        else:
            self._presenter.toast(f"“{entry.name}”: {verified_sentence(found)}")

    def _ask_for_name(self, entry: LibraryEntry) -> None:
        dialog = RenameDialog(self._window, entry)
        dialog.chosen.connect(lambda name: self._work.do(self._library.rename(entry.path, name)))
        dialog.open()

    def _ask_for_trash(self, row: LibraryEntry | RefusedFile) -> None:
        loaded = any(info.path == row.path for info in self._services.models.loaded)
        dialog = trash_dialog(self._window, row, loaded=loaded)
        dialog.accepted.connect(lambda: self._work.do(self._remove(row.path)))
        dialog.open()

    async def _remove(self, path: str) -> None:
        await self.housekeeping.remove(path)
        self._presenter.toast("It is in the trash.", seconds=_TOAST_SECONDS)
