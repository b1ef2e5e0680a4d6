"""What the library asks before it does something, and tells when that is done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.domain.library import ImportWay, LibraryEntry, LibrarySpace, RefusedFile
from app.gui.controls import label, named, text_button
from app.gui.library.choice import WayButton
from app.gui.library.words import file_name, trash_question
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_6
from app.gui.wording import size_text

_WIDTH = 460
_NAMED = 4
"""So many files are named one by one."""

_WAYS = {
    ImportWay.IN_PLACE: (
        "Use in place",
        "The files stay where they are, and Lamplight never changes them.",
    ),
    ImportWay.COPY: (
        "Copy into Lamplight's folder",
        "The originals stay. It takes their space a second time.",
    ),
    ImportWay.MOVE: (
        "Move into Lamplight's folder",
        "They are then managed here, and are gone from where they were.",
    ),
}


def trash_dialog(
    parent: QWidget, row: LibraryEntry | RefusedFile, *, loaded: bool = False
) -> Dialog:
    """Ask before something goes to the trash; `accepted` means: do it."""
    dialog = _dialog(parent, "Move to the trash?")
    dialog.column.addWidget(label(trash_question(row, loaded=loaded), wrap=True))
    move = text_button("Move to trash", kind="primary")
    move.clicked.connect(dialog.accept)
    cancel = _cancel(dialog)
    dialog.add_buttons([cancel, move])
    # Enter must not remove anything by accident.
    cancel.setDefault(True)
    cancel.setFocus()
    return dialog


class RenameDialog(Dialog):
    """Asks for the name under which a model is shown."""

    chosen = Signal(str)
    """Empty: its own."""

    def __init__(self, parent: QWidget, entry: LibraryEntry) -> None:
        super().__init__(parent, "Rename")
        self.setFixedWidth(min(_WIDTH, parent.width() - SPACE_6))
        self.field = named(QLineEdit(entry.name), "Shown name")
        self.field.setPlaceholderText(entry.model.facts.name or file_name(entry.path))
        self.field.setMaxLength(120)
        self.field.selectAll()
        self.column.addWidget(self.field)
        self.column.addWidget(
            label(
                "Only the name in Lamplight changes; the file keeps its own. Leave it empty to "
                "show the model's own name again.",
                tone="muted",
                wrap=True,
            )
        )
        rename = text_button("Rename", "Rename now", kind="primary")
        rename.clicked.connect(self.accept)
        rename.setDefault(True)
        self.accepted.connect(lambda: self.chosen.emit(self.field.text().strip()))
        self.add_buttons([_cancel(self), rename])
        self.field.setFocus()


class ImportDialog(Dialog):
    """Asks what becomes of files that are added."""

    chosen = Signal(object)
    """An `ImportWay`."""

    def __init__(
        self,
        parent: QWidget,
        theme: ThemeKeeper,
        paths: Sequence[str],
        space: LibrarySpace,
        way: ImportWay,
    ) -> None:
        super().__init__(parent, "Add to the library")
        self.setFixedWidth(min(_WIDTH, parent.width() - SPACE_6))
        self.column.addWidget(label(_listed(paths), wrap=True))
        self.ways: dict[ImportWay, WayButton] = {}
        ways = QVBoxLayout()
        ways.setSpacing(SPACE_2)
        for each, (words, about) in _WAYS.items():
            button = self.ways[each] = WayButton(theme, words, about)
            button.setChecked(each is way)
            ways.addWidget(button)
        self.column.addLayout(ways)
        if space.free_bytes:
            free = f"{size_text(space.free_bytes)} are free on the disk of Lamplight's folder."
            self.column.addWidget(label(free, tone="muted", wrap=True))
        add = text_button("Add", "Add now", kind="primary")
        add.clicked.connect(self.accept)
        add.setDefault(True)
        self.accepted.connect(lambda: self.chosen.emit(self.way))
        self.add_buttons([_cancel(self), add])

    @property
    def way(self) -> ImportWay:
        """The way that is ticked."""
        return next(way for way, button in self.ways.items() if button.isChecked())


class MoveFolderDialog(Dialog):
    """Asks whether the models go along to another folder."""

    chosen = Signal(bool)
    """Whether they do."""

    def __init__(self, parent: QWidget, path: str, space: LibrarySpace) -> None:
        super().__init__(parent, "Move the models too?")
        self.setFixedWidth(min(_WIDTH, parent.width() - SPACE_6))
        taken = size_text(space.own_bytes)
        self.column.addWidget(label(f"New models go to {path} from now on.", wrap=True))
        self.column.addWidget(
            label(
                f"The models that Lamplight has now ({taken}) can go along, or stay where they "
                "are: they are offered all the same.",
                wrap=True,
            )
        )
        stay = text_button("Leave them")
        stay.clicked.connect(lambda: self._choose(False))
        along = text_button("Move them", kind="primary")
        along.clicked.connect(lambda: self._choose(True))
        self.add_buttons([_cancel(self), stay, along])

    def _choose(self, move: bool) -> None:
        self.accept()
        self.chosen.emit(move)


def refused_dialog(parent: QWidget, refused: Sequence[RefusedFile], added: int) -> Dialog:
    """Tell which files were not added, each with the reason."""
    dialog = _dialog(parent, "Not everything was added")
    count = "One model was added." if added == 1 else f"{added} models were added."
    dialog.column.addWidget(label(count if added else "No model was added.", wrap=True))
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, SPACE_3, 0)
    column.setSpacing(SPACE_3)
    for file in refused:
        error = file.error
        column.addWidget(label(file_name(file.path), wrap=True))
        sentence = " ".join(filter(None, (error.title, error.detail, error.remedy)))
        column.addWidget(label(sentence, tone="muted", wrap=True))
    column.addStretch(1)
    scroll = named(QScrollArea(), "Files that were not added")
    scroll.setWidgetResizable(True)
    scroll.setWidget(inside)
    scroll.setMinimumHeight(min(260, 64 * len(refused)))
    dialog.column.addWidget(scroll)
    close = text_button("Close")
    close.clicked.connect(dialog.accept)
    close.setDefault(True)
    dialog.add_buttons([close])
    return dialog


def _dialog(parent: QWidget, title: str) -> Dialog:
    dialog = Dialog(parent, title)
    dialog.setFixedWidth(min(_WIDTH, parent.width() - SPACE_6))
    return dialog


def _cancel(dialog: Dialog) -> QPushButton:
    cancel = text_button("Cancel")
    cancel.clicked.connect(dialog.reject)
    return cancel


def _listed(paths: Sequence[str]) -> str:
    names = [f"“{file_name(path)}”" for path in paths[:_NAMED]]
    more = len(paths) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")
