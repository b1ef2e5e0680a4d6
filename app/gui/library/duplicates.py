"""The dialog “Duplicates”: the same model in several places, and what removing one frees."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain.library import DuplicateGroup, Duplicates, FileCopy
from app.gui.controls import ElidedLabel, icon_button, label, named, styled, text_button
from app.gui.library.words import group_name
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_6
from app.gui.wording import size_text

_SIZE = (560, 520)


class DuplicatesDialog(Dialog):
    """Shows what was found; a copy that is removed is marked, and the sum becomes smaller."""

    remove_wished = Signal(str)
    """The path of an own copy."""
    reveal_wished = Signal(str)

    def __init__(self, parent: QWidget, theme: ThemeKeeper, found: Duplicates) -> None:
        super().__init__(parent, "Duplicates")
        self._theme = theme
        self._found = found
        self._sum = label(wrap=True)
        self._sum.setObjectName("Reclaimable")
        self.column.addWidget(self._sum)
        self._scroll = named(QScrollArea(), "Groups of the same model")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.column.addWidget(self._scroll, 1)
        close = text_button("Close")
        close.clicked.connect(self.accept)
        close.setDefault(True)
        self.add_buttons([close])
        room = parent.window().size()
        self.resize(
            min(_SIZE[0], room.width() - SPACE_6), min(_SIZE[1], room.height() - 2 * SPACE_6)
        )
        self.show_removed(())

    def show_removed(self, removed: Collection[str]) -> None:
        """The copies of these paths are in the trash now."""
        left = sum(
            copy.size_bytes
            for group in self._found.groups
            for copy in group.copies[1:]
            if copy.is_own and copy.path not in removed
        )
        self._sum.setText(_sum_text(left, any_removed=bool(removed)))
        at = self._scroll.verticalScrollBar().value()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_3)
        for group in self._found.groups:
            column.addWidget(self._card(group, removed))
        column.addStretch(1)
        self._scroll.setWidget(inside)
        self._scroll.verticalScrollBar().setValue(at)

    def _card(self, group: DuplicateGroup, removed: Collection[str]) -> QWidget:
        card = styled(QFrame(), ground="card")
        column = QVBoxLayout(card)
        column.setContentsMargins(SPACE_3, SPACE_3, SPACE_2, SPACE_3)
        column.setSpacing(SPACE_2)
        heading = ElidedLabel(f"{group.name} · {size_text(group.size_bytes)} each")
        font = heading.font()
        font.setWeight(font.Weight.DemiBold)
        heading.setFont(font)
        column.addWidget(heading)
        for number, copy in enumerate(group.copies):
            column.addLayout(self._row(copy, is_kept=number == 0, gone=copy.path in removed))
        return card

    def _row(self, copy: FileCopy, *, is_kept: bool, gone: bool) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(_path_label(copy.path))
        about = [group_name(copy.origin)]
        if is_kept:
            about.append("the one to keep")
        elif not copy.is_own:
            about.append("never changed by Lamplight")
        words.addWidget(styled(ElidedLabel(" · ".join(about)), tone="muted"))
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addLayout(words, 1)
        if gone:
            row.addWidget(label("in the trash", tone="success"))
            return row
        reveal = icon_button(
            self._theme, "folder-open", f"Show {copy.path}", "Show in the file manager"
        )
        reveal.clicked.connect(lambda: self.reveal_wished.emit(copy.path))
        row.addWidget(reveal)
        if copy.is_own and not is_kept:
            remove = text_button("Move to trash", f"Move {copy.path} to the trash")
            remove.clicked.connect(lambda: self.remove_wished.emit(copy.path))
            row.addWidget(remove)
        return row


def _path_label(path: str) -> ElidedLabel:
    """Where there is little room, its end: two copies often lie in the same folder."""
    label_ = ElidedLabel()
    folders = PurePath(path).parts
    label_.set_full_text(path, *(f"…/{'/'.join(folders[-n:])}" for n in (3, 2)), folders[-1])
    return label_


def _sum_text(left: int, *, any_removed: bool) -> str:
    if left:
        return (
            f"{size_text(left)} can be freed by removing Lamplight's own copies. Files of other "
            "applications are never touched."
        )
    if any_removed:
        return "The copies are in the trash. Their space is free once the trash is emptied."
    return (
        "These models lie in several places, but none of the extra copies is Lamplight's own. "
        "They can only be removed where they belong."
    )
