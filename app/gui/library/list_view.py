"""The list `Library`: keys and the menu of a row become wishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu

from app.domain.library import LibraryEntry, RefusedFile
from app.gui.controls import named
from app.gui.library.acts import Act, possible
from app.gui.library.delegate import LibraryDelegate
from app.gui.library.rows import ROW_ROLE, LibraryItemModel
from app.gui.theme.keeper import ThemeKeeper

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QResizeEvent

Index = QModelIndex | QPersistentModelIndex

_KEYS = {
    Qt.Key.Key_Return: Act.USE,
    Qt.Key.Key_Enter: Act.USE,
    Qt.Key.Key_F2: Act.RENAME,
    Qt.Key.Key_Delete: Act.TRASH,
    Qt.Key.Key_Space: Act.FAVOURITE,
}
_SHOWN_KEYS = {Act.USE: "Return", Act.RENAME: "F2", Act.TRASH: "Del", Act.FAVOURITE: "Space"}


class LibraryList(QListView):
    """Shows the item model that it is made with."""

    wished = Signal(object, str)
    """An `Act`, and the path of the row."""
    picked = Signal(object)
    """The row that has become the current one: a `LibraryEntry`, a `RefusedFile`, or None."""

    def __init__(self, theme: ThemeKeeper, rows: LibraryItemModel) -> None:
        super().__init__()
        named(self, "Library", "Return: use · F2: rename · Space: favourite · Delete: to the trash")
        self.setToolTip("")
        delegate = LibraryDelegate(theme, self)
        delegate.star_clicked.connect(lambda path: self.wished.emit(Act.FAVOURITE, path))
        self.setItemDelegate(delegate)
        self.setModel(rows)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        # Not `activated`: some desktops send it at a single click.
        self.doubleClicked.connect(lambda index: self._wish(Act.USE, index))

    def row(self) -> LibraryEntry | RefusedFile | None:
        """The current row."""
        found = self.currentIndex().data(ROW_ROLE)
        return found if isinstance(found, LibraryEntry | RefusedFile) else None

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.picked.emit(self.row())

    def resizeEvent(self, event: QResizeEvent) -> None:
        current = self.currentIndex()
        was_seen = self.visualRect(current).intersects(QRect(QPoint(), event.oldSize()))
        super().resizeEvent(event)
        if was_seen:
            # The details of a row that was just picked may take the room it stands in.
            self.scrollTo(current)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        act = _KEYS.get(Qt.Key(event.key()))
        if act is not None and event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            self._wish(act, self.currentIndex())
            return
        super().keyPressEvent(event)

    def _wish(self, act: Act, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if isinstance(row, LibraryEntry | RefusedFile) and act in possible(row):
            self.wished.emit(act, row.path)

    def _show_menu(self, at: QPoint) -> None:
        index = self.indexAt(at)
        row = index.data(ROW_ROLE)
        if isinstance(row, LibraryEntry | RefusedFile):
            menu = self.menu_of(row)
            menu.popup(self.viewport().mapToGlobal(at))

    def menu_of(self, row: LibraryEntry | RefusedFile) -> QMenu:
        """What can be done with a row; the menu goes when it is closed."""
        menu = named(QMenu(self), "Actions")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for act in possible(row):
            words: str = act.value
            if act is Act.FAVOURITE and isinstance(row, LibraryEntry) and row.is_favourite:
                words = "No favourite any more"
            action = menu.addAction(f"{words}\t{_SHOWN_KEYS[act]}" if act in _SHOWN_KEYS else words)
            action.triggered.connect(lambda _=False, act=act: self.wished.emit(act, row.path))
            if act is Act.MEASURE:
                menu.addSeparator()
        return menu
