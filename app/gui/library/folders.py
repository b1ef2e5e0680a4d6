"""The dialog “Model folders”: where models are looked for, and where new ones go."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain.library import ModelFolder, Origin
from app.gui.controls import (
    ElidedLabel,
    TickBox,
    icon_button,
    label,
    named,
    separator,
    styled,
    text_button,
)
from app.gui.library.words import folder_text, group_name
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_6

_SIZE = (560, 620)
_OWN = "New models go to the first folder. Only what is in these folders can be moved or removed."
_CHOSEN = "Lamplight only looks into these folders. Nothing in them is changed, moved or deleted."
_OTHERS = (
    "Models of other applications are used where they lie. Lamplight only reads there: nothing is "
    "changed, moved or deleted."
)


class FoldersDialog(Dialog):
    """Shows what it is given and says what is wished for."""

    add_wished = Signal()
    change_wished = Signal()
    """Another folder for new models."""
    look_wished = Signal(object, bool)
    """An `Origin`, and whether its models are to be offered."""
    remove_wished = Signal(str)
    reveal_wished = Signal(str)

    def __init__(self, parent: QWidget, theme: ThemeKeeper) -> None:
        super().__init__(parent, "Model folders")
        self._theme = theme
        self._folders: tuple[ModelFolder, ...] = ()
        self._inside = QWidget()
        self._scroll = named(QScrollArea(), "Folders")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._inside)
        self.column.addWidget(self._scroll, 1)
        close = text_button("Close")
        close.clicked.connect(self.accept)
        close.setDefault(True)
        self.add_buttons([close])
        room = parent.window().size()
        self.resize(
            min(_SIZE[0], room.width() - SPACE_6), min(_SIZE[1], room.height() - 2 * SPACE_6)
        )

    def show_folders(self, folders: Sequence[ModelFolder]) -> None:
        """List these."""
        if tuple(folders) == self._folders:
            return
        self._folders = tuple(folders)
        at = self._scroll.verticalScrollBar().value()
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_3)
        self._add_own(column)
        column.addWidget(separator())
        self._add_chosen(column)
        column.addWidget(separator())
        self._add_others(column)
        column.addStretch(1)
        self._scroll.setWidget(self._inside)
        self._scroll.verticalScrollBar().setValue(at)

    def _of(self, *origins: Origin) -> list[ModelFolder]:
        return [folder for folder in self._folders if folder.origin in origins]

    def _add_own(self, column: QVBoxLayout) -> None:
        column.addWidget(_heading("Lamplight's folders"))
        column.addWidget(label(_OWN, tone="muted", wrap=True))
        own = sorted(self._of(Origin.OWN), key=lambda folder: not folder.takes_downloads)
        for folder in own:
            row = self._row(folder)
            if folder.takes_downloads:
                change = text_button("Change…", "Change the folder for new models")
                change.clicked.connect(self.change_wished)
                row.addWidget(change)
            else:
                row.addWidget(self._remove(folder))
            column.addLayout(row)

    def _add_chosen(self, column: QVBoxLayout) -> None:
        column.addWidget(_heading("Your folders"))
        column.addWidget(label(_CHOSEN, tone="muted", wrap=True))
        for folder in self._of(Origin.CHOSEN):
            row = self._row(folder)
            row.addWidget(self._remove(folder))
            column.addLayout(row)
        add = text_button("Add a folder…", "Add a folder")
        add.setIcon(self._theme.icon("plus", "text"))
        add.clicked.connect(self.add_wished)
        column.addWidget(add, 0, Qt.AlignmentFlag.AlignLeft)

    def _add_others(self, column: QVBoxLayout) -> None:
        column.addWidget(_heading("Other applications"))
        column.addWidget(label(_OTHERS, tone="muted", wrap=True))
        by_origin: dict[Origin, list[ModelFolder]] = {}
        for folder in self._folders:
            if folder.origin.is_application:
                by_origin.setdefault(folder.origin, []).append(folder)
        for origin, folders in by_origin.items():
            tick = TickBox(self._theme, group_name(origin))
            tick.setChecked(any(folder.is_looked_at for folder in folders))
            tick.toggled.connect(lambda on, origin=origin: self.look_wished.emit(origin, on))
            column.addWidget(tick)
            for folder in folders:
                row = self._row(folder)
                row.setContentsMargins(SPACE_6, 0, 0, 0)
                column.addLayout(row)

    def _row(self, folder: ModelFolder) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(ElidedLabel(folder.path))
        found = styled(ElidedLabel(folder_text(folder)), tone="muted")
        found.setObjectName(f"Found in {folder.path}")
        words.addWidget(found)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addLayout(words, 1)
        if folder.is_there:
            reveal = icon_button(
                self._theme, "folder-open", f"Show {folder.path}", "Show in the file manager"
            )
            reveal.clicked.connect(lambda: self.reveal_wished.emit(folder.path))
            row.addWidget(reveal)
        return row

    def _remove(self, folder: ModelFolder) -> QWidget:
        remove = icon_button(
            self._theme, "x", f"Remove {folder.path}", "Look there no more; its files stay"
        )
        remove.clicked.connect(lambda: self.remove_wished.emit(folder.path))
        return remove


def _heading(text: str) -> QWidget:
    heading = label(text)
    font = heading.font()
    font.setWeight(font.Weight.DemiBold)
    heading.setFont(font)
    heading.setContentsMargins(0, SPACE_1, 0, 0)
    return heading
