"""What concerns the library as a whole: adding files, its folders, duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from app.domain.library import Duplicates, Imported, ImportWay, Origin
from app.gui.controls import named
from app.gui.library.questions import ImportDialog, MoveFolderDialog, refused_dialog
from app.gui.library.words import imported_sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from app.gui.library.duplicates import DuplicatesDialog
    from app.gui.library.folders import FoldersDialog
    from app.gui.library.panel import LibraryPanel
    from app.gui.library.work import LibraryWork
    from app.gui.present.presenter import Presenter
    from app.gui.theme.keeper import ThemeKeeper
    from app.services import Services

_TOAST_SECONDS = 6


class Housekeeping(QObject):
    """Opens the dialogs for it, and does what they wish."""

    def __init__(
        self,
        services: Services,
        window: QWidget,
        theme: ThemeKeeper,
        panel: LibraryPanel,
        presenter: Presenter,
        work: LibraryWork,
    ) -> None:
        super().__init__(panel)
        self._library = services.library
        self._models = services.models
        self._window = window
        self._theme = theme
        self._panel = panel
        self._presenter = presenter
        self._work = work
        self._way = ImportWay.IN_PLACE
        self._from = str(Path.home())
        self._folders: FoldersDialog | None = None
        self._duplicates: DuplicatesDialog | None = None
        self._removed: set[str] = set()
        panel.add_files_wished.connect(self._ask_for_files)
        panel.add_folder_wished.connect(
            lambda: self._ask_for_folder("Add models from a folder", self._ask_how)
        )
        panel.dropped.connect(self._ask_how)
        panel.duplicates_wished.connect(self._find_duplicates)
        panel.folders_wished.connect(self._open_folders)

    def close(self) -> None:
        """Close what is open."""
        for dialog in (self._folders, self._duplicates):
            if dialog is not None:
                dialog.close()

    # -------------------------------------------------------------------------------- adding

    def _ask_for_files(self) -> None:
        dialog = self._file_dialog("Add model files", QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(["Model files (*.gguf)", "All files (*)"])
        dialog.filesSelected.connect(self._ask_how)
        dialog.open()

    def _ask_for_folder(self, title: str, then: Callable[[list[str]], None]) -> None:
        dialog = self._file_dialog(title, QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.filesSelected.connect(then)
        dialog.open()

    def _file_dialog(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = named(QFileDialog(self._folders or self._window), title)
        dialog.setWindowTitle(title)
        dialog.setDirectory(self._from)
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    def _ask_how(self, paths: list[str]) -> None:
        if not paths:
            return
        self._from = str(Path(paths[0]).parent)
        space = self._library.space()
        dialog = ImportDialog(self._window, self._theme, paths, space, self._way)
        dialog.chosen.connect(lambda way: self._import(paths, way))
        dialog.open()

    def _import(self, paths: list[str], way: ImportWay) -> None:
        self._way = way
        doing = {ImportWay.COPY: "Copying", ImportWay.MOVE: "Moving"}.get(way, "Adding")
        self._work.begin(
            f"{doing} models",
            lambda told: self._library.import_paths(paths, way, told),
            self._on_imported,
        )

    def _on_imported(self, done: Imported) -> None:
        for path in (*done.paths, *done.already_there)[:1]:
            self._panel.select(path)
        if done.refused:
            refused_dialog(self._window, done.refused, len(done.paths)).open()
        else:
            self._presenter.toast(imported_sentence(done), seconds=_TOAST_SECONDS)

    # ------------------------------------------------------------------------------- folders

    def _open_folders(self) -> None:
        # Imported when it is wanted: few starts need it.
        from app.gui.library.folders import FoldersDialog

        if self._folders is None:
            dialog = self._folders = FoldersDialog(self._window, self._theme)
            dialog.add_wished.connect(
                lambda: self._ask_for_folder("Add a model folder", self._add_folders)
            )
            dialog.change_wished.connect(
                lambda: self._ask_for_folder("Folder for new models", self._ask_whether_to_move)
            )
            dialog.finished.connect(self._on_folders_closed)
            dialog.look_wished.connect(self._look_at)
            dialog.remove_wished.connect(
                lambda path: self._work.do(self._library.remove_folder(path))
            )
            dialog.reveal_wished.connect(self._presenter.reveal)
            self.show_folders()
        self._folders.open()

    def show_folders(self) -> None:
        """Show them as they are now, if they are being looked at."""
        if self._folders is not None:
            self._folders.show_folders(self._library.folders)

    def _on_folders_closed(self) -> None:
        self._folders = None

    def _add_folders(self, paths: list[str]) -> None:
        for path in paths:
            self._work.do(self._library.add_folder(path))

    def _look_at(self, origin: Origin, looked_at: bool) -> None:
        self._work.do(self._library.look_at(origin, looked_at))

    def _ask_whether_to_move(self, paths: list[str]) -> None:
        path, space = paths[0], self._library.space()
        if not space.own_bytes:
            self._use_folder(path, move=False)
            return
        dialog = MoveFolderDialog(self._folders or self._window, path, space)
        dialog.chosen.connect(lambda move: self._use_folder(path, move=move))
        dialog.open()

    def _use_folder(self, path: str, *, move: bool) -> None:
        if self._folders is not None and move:
            # How far it is stands in the panel.
            self._folders.close()
        self._work.begin(
            "Moving the models" if move else "Changing the folder",
            lambda told: self._library.use_own_folder(path, move=move, told=told),
            lambda _: self._presenter.toast("New models go to the new folder.", seconds=5),
        )

    # ---------------------------------------------------------------------------- duplicates

    def _find_duplicates(self) -> None:
        self._panel.duplicates.setEnabled(False)
        self._work.begin(
            "Looking for duplicates",
            self._library.find_duplicates,
            self._show_duplicates,
            lambda: self._panel.duplicates.setEnabled(True),
        )

    def _show_duplicates(self, found: Duplicates) -> None:
        from app.gui.library.duplicates import DuplicatesDialog

        if not found.groups:
            self._presenter.toast("There are no duplicates.", seconds=_TOAST_SECONDS)
            return
        self._removed.clear()
        dialog = self._duplicates = DuplicatesDialog(self._window, self._theme, found)
        dialog.finished.connect(self._on_duplicates_closed)
        dialog.remove_wished.connect(lambda path: self._work.do(self._remove_copy(path)))
        dialog.reveal_wished.connect(self._presenter.reveal)
        dialog.open()

    async def remove(self, path: str) -> None:
        """Put what is ours into the trash; what is in memory leaves it first."""
        if any(info.path == path for info in self._models.loaded):
            await self._models.unload(path)
        await self._library.remove(path)

    async def _remove_copy(self, path: str) -> None:
        await self.remove(path)
        self._removed.add(path)
        if self._duplicates is not None:
            self._duplicates.show_removed(self._removed)

    def _on_duplicates_closed(self) -> None:
        self._duplicates = None
