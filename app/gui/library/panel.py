"""The part `Library` of the page `Models`: a list, details of the selected row, and the foot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.domain.library import LibraryEntry, LibrarySpace, Origin, RefusedFile
from app.gui.controls import (
    ChoiceBox,
    ElidedLabel,
    icon_button,
    named,
    restyle,
    styled,
    text_button,
)
from app.gui.drop import DropHint, local_paths_in
from app.gui.library.arrange import Shelf, SortBy, Wish
from app.gui.library.details import DetailsPane
from app.gui.library.list_view import LibraryList
from app.gui.library.notice import LibraryNotice, StarterHint
from app.gui.library.rows import LibraryItemModel
from app.gui.library.words import space_texts
from app.gui.library.work_strip import WorkStrip
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_4

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QDragEnterEvent,
        QDragLeaveEvent,
        QDropEvent,
        QResizeEvent,
        QShowEvent,
    )

_TYPING_PAUSE = 80
"""Milliseconds without a key before the list is looked through."""
_NARROW = 640
"""Logical pixels of the panel below which the details stand under the list."""
_DETAILS_WIDTH = 330


class LibraryPanel(QWidget):
    """Shows what it is given and says what is wished for."""

    wished = Signal(object, str)
    """An `Act`, and the path of the row it is for."""
    picked = Signal(object)
    """The selected row: a `LibraryEntry`, a `RefusedFile`, or None."""
    shown = Signal()
    """The panel has come to be seen."""
    add_files_wished = Signal()
    add_folder_wished = Signal()
    dropped = Signal(list)
    """Paths of files and folders."""
    discover_wished = Signal()
    duplicates_wished = Signal()
    folders_wished = Signal()
    scan_wished = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self._shelf = Shelf()
        self._is_scanning = False
        self.setAcceptDrops(True)
        self.rows = LibraryItemModel(self)
        self.list = LibraryList(theme, self.rows)
        self.details = DetailsPane(theme)
        self.notice = LibraryNotice(theme)
        self.hint = StarterHint()
        self.work = WorkStrip()
        self._drop_hint = DropHint(theme, self, "Drop to add to the library")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_PAUSE)
        self._make_controls()
        self._lay_out()
        self._wire()
        self._show_page()

    def _make_controls(self) -> None:
        theme = self._theme
        self.search = named(QLineEdit(), "Search library", "Looks in names, kinds and sources")
        self.search.setPlaceholderText("Search the library")
        self.search.setAcceptDrops(False)
        leading = QLineEdit.ActionPosition.LeadingPosition
        self.search.addAction(theme.icon("search", "muted"), leading)
        self.search.installEventFilter(self)
        self.sort = named(ChoiceBox(theme), "Order of the library", "What stands first")
        for order in SortBy:
            self.sort.addItem(order.value, order)
        self.group = icon_button(
            theme, "layers", "Group by application", "Group the models by whose they are"
        )
        self.group.setCheckable(True)
        self.scan = icon_button(theme, "refresh-cw", "Look again", "Look through the folders again")
        self.add = text_button("Add…", "Add models")
        self.add.setIcon(theme.icon("plus", "text"))
        self.duplicates = text_button("Find duplicates", kind="quiet")
        self.folders = text_button("Model folders…", "Model folders", kind="quiet")
        self._space = styled(ElidedLabel(), tone="muted")
        self._space.setObjectName("Space")

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(SPACE_3, SPACE_2, SPACE_3, SPACE_2)
        top.setSpacing(SPACE_2)
        top.addWidget(self.search, 1)
        for control in (self.sort, self.group, self.scan, self.add):
            top.addWidget(control)
        listed = QWidget()
        below = QVBoxLayout(listed)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.list, 1)
        below.addWidget(self.hint)
        self._stack = QStackedWidget()
        self._stack.addWidget(listed)
        self._stack.addWidget(self.notice)
        self._split = QSplitter()
        self._split.setObjectName("Library parts")
        self._split.setChildrenCollapsible(False)
        self._frame = styled(QFrame(), edge="left")
        around = QVBoxLayout(self._frame)
        around.setContentsMargins(1, 1, 0, 0)
        around.addWidget(self.details)
        self._split.addWidget(self._stack)
        self._split.addWidget(self._frame)
        self._split.setStretchFactor(0, 1)
        self._frame.hide()
        self.foot = styled(QFrame(), edge="top")
        line = QHBoxLayout(self.foot)
        line.setContentsMargins(SPACE_4, SPACE_2, SPACE_3, SPACE_2)
        line.setSpacing(SPACE_2)
        line.addWidget(self._space, 1)
        line.addWidget(self.duplicates)
        line.addWidget(self.folders)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self._split, 1)
        column.addWidget(self.work)
        column.addWidget(self.foot)

    def _wire(self) -> None:
        menu = named(QMenu(self), "Add models")
        menu.addAction("Files…").triggered.connect(self.add_files_wished)
        menu.addAction("A folder…").triggered.connect(self.add_folder_wished)
        self.add.clicked.connect(lambda: menu.popup(_below(self.add, menu)))
        self.details.wished.connect(self.wished)
        self.duplicates.clicked.connect(self.duplicates_wished)
        self.folders.clicked.connect(self.folders_wished)
        self.group.toggled.connect(self._on_arranged)
        self.hint.discover_wished.connect(self.discover_wished)
        self.list.picked.connect(self._on_picked)
        self.list.wished.connect(self.wished)
        self.notice.add_wished.connect(self.add_files_wished)
        self.notice.discover_wished.connect(self.discover_wished)
        self.scan.clicked.connect(self.scan_wished)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.sort.currentIndexChanged.connect(self._on_arranged)
        self._typing.timeout.connect(self._show_rows)

    # ------------------------------------------------------------------------------- content

    def show_library(
        self,
        entries: Sequence[LibraryEntry],
        refused: Sequence[RefusedFile],
        space: LibrarySpace,
        *,
        is_scanning: bool,
    ) -> None:
        """Become the picture of this."""
        self._is_scanning = is_scanning
        self.scan.setEnabled(not is_scanning)
        self.duplicates.setEnabled(bool(entries))
        wordings = space_texts(len(entries), space)
        self._space.set_full_text(*wordings)
        if (tuple(entries), tuple(refused)) != (self._shelf.entries, self._shelf.refused):
            self._shelf = Shelf(entries, refused)
            self._show_rows()
        self._show_page()

    @property
    def wish(self) -> Wish:
        """How the library is to be seen."""
        sort = self.sort.currentData()
        return Wish(self.search.text(), SortBy(sort), self.group.isChecked())

    def state(self) -> dict[str, object]:
        """What to remember: the order, not the search."""
        return {"sort": self.wish.sort.value, "grouped": self.wish.grouped}

    def restore(self, state: object) -> None:
        """Be as remembered; what makes no sense is left as it is."""
        match state:
            case {"sort": str(sort), "grouped": bool(grouped)} if sort in list(SortBy):
                self.sort.setCurrentIndex(self.sort.findData(SortBy(sort)))
                self.group.setChecked(grouped)

    def select(self, path: str) -> None:
        """Select the row of this path, if it is shown."""
        number = self.rows.row_of(path)
        if number is not None:
            index = self.rows.index(number)
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)

    def _show_rows(self) -> None:
        self._typing.stop()
        row, bar = self.list.row(), self.list.verticalScrollBar()
        at, first = bar.value(), self.rows.rowCount() == 0
        rows = self._shelf.rows(self.wish)
        self.rows.show_rows(rows)
        number = self.rows.row_of(row.path) if row else None
        if number is not None:
            self.list.setCurrentIndex(self.rows.index(number))
            bar.setValue(at)
        elif not first or row is not None:
            self._on_picked(self.list.row())
        self._show_page()

    def _show_page(self) -> None:
        entries = self._shelf.entries
        self.hint.setVisible(all(entry.origin is Origin.STARTER for entry in entries))
        if self.rows.rowCount():
            self._stack.setCurrentIndex(0)
        elif entries or self._shelf.refused:
            self.notice.say_nothing_found(self.search.text())
            self._stack.setCurrentWidget(self.notice)
        else:
            self.notice.say_nothing_there(is_scanning=self._is_scanning)
            self._stack.setCurrentWidget(self.notice)

    def _on_arranged(self) -> None:
        restyle(self.group, lit="true" if self.group.isChecked() else "")
        self._show_rows()

    def _on_picked(self, row: LibraryEntry | RefusedFile | None) -> None:
        self._frame.setVisible(row is not None)
        self.picked.emit(row)

    # --------------------------------------------------------------------------------- shape

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < _NARROW
        self.add.setText("" if narrow else "Add…")
        self.scan.setVisible(not narrow)
        wanted = Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal
        if self._split.orientation() is not wanted:
            self._split.setOrientation(wanted)
            restyle(self._frame, edge="top" if narrow else "left")
        if narrow:
            self._split.setSizes([self.height() // 2, self.height() // 2])
        else:
            self._split.setSizes([self.width() - _DETAILS_WIDTH, _DETAILS_WIDTH])

    def take_focus(self) -> None:
        """Go on in the list, with the first model if none was selected."""
        if self.list.row() is None:
            self.list.setCurrentIndex(self.rows.first())
        self.list.setFocus() if self.rows.rowCount() else self.search.setFocus()

    def step_back(self) -> bool:
        """Esc: end the search; whether there was one."""
        if not self.search.text():
            return False
        self.search.clear()
        self._show_rows()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        down = (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if (
            watched is self.search
            and event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in down
        ):
            self._show_rows()
            self.list.setFocus()
            return True
        return False

    # ---------------------------------------------------------------------------------- drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths_in(event.mimeData()):
            event.acceptProposedAction()
            self._drop_hint.cover()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_hint.hide()
        event.acceptProposedAction()
        self.dropped.emit(local_paths_in(event.mimeData()))


def _below(button: QPushButton, menu: QMenu) -> QPoint:
    """Where a menu opens so that its right edge is the button's."""
    return button.mapToGlobal(QPoint(button.width() - menu.sizeHint().width(), button.height() + 2))
