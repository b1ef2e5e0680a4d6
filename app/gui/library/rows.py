"""The rows of the library as a Qt item model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from app.domain.fit import Fit
from app.domain.library import LibraryEntry, RefusedFile
from app.gui import fit_words
from app.gui.library.arrange import Heading, Row
from app.gui.library.words import file_name, refused_line, spoken

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
"""A `Heading`, a `LibraryEntry` or a `RefusedFile`."""
FIT_ROLE = ROW_ROLE + 1
"""The `Fit` of an entry, or None where that is not known."""
LOADED_ROLE = ROW_ROLE + 2
CHOSEN_ROLE = ROW_ROLE + 3

Index = QModelIndex | QPersistentModelIndex


def _unknown(_entry: LibraryEntry) -> Fit | None:
    return None


class LibraryItemModel(QAbstractListModel):
    """Whether a model fits is asked for a row that is painted, and not again until `look_again`:
    for two thousand rows at once it would take half a second."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._fit_of: Callable[[LibraryEntry], Fit | None] = _unknown
        self._fits: dict[str, Fit | None] = {}
        self._loaded: Collection[str] = ()
        self._chosen = ""

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown_name(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(row)
        if role == Qt.ItemDataRole.ToolTipRole and not isinstance(row, Heading):
            return f"{self._spoken(row)}\n{row.path}"
        return self._own_data(row, role) if isinstance(row, LibraryEntry) else None

    def _own_data(self, entry: LibraryEntry, role: int) -> Any:
        if role == FIT_ROLE:
            return self._fit(entry)
        if role == LOADED_ROLE:
            return self._is_loaded(entry)
        if role == CHOSEN_ROLE:
            return self._is_chosen(entry)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if index.isValid() and isinstance(self._rows[index.row()], Heading):
            return Qt.ItemFlag.NoItemFlags
        return super().flags(index)

    # ------------------------------------------------------------------------------- content

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Become these rows."""
        if rows == self._rows:
            return
        self.beginResetModel()
        self._rows = list(rows)
        self._fits.clear()
        self.endResetModel()

    def set_fit_of(self, fit_of: Callable[[LibraryEntry], Fit | None]) -> None:
        """Who tells whether a model fits; must not take long."""
        self._fit_of = fit_of
        self.look_again()

    def look_again(self) -> None:
        """Other memory is free than before: what was told of it holds no more."""
        self._fits.clear()
        self._all_changed()

    def show_state(self, loaded: Collection[str], chosen: str) -> bool:
        """The paths of the models in memory, and of the one that answers; whether that is news."""
        if (loaded, chosen) == (self._loaded, self._chosen):
            return False
        self._loaded, self._chosen = loaded, chosen
        self._all_changed()
        return True

    def first(self) -> QModelIndex:
        """The first row that can be selected; an invalid index where there is none."""
        for number, row in enumerate(self._rows):
            if not isinstance(row, Heading):
                return self.index(number)
        return QModelIndex()

    def row_of(self, path: str) -> int | None:
        """Where the model or file of this path stands."""
        for number, row in enumerate(self._rows):
            if not isinstance(row, Heading) and row.path == path:
                return number
        return None

    def _all_changed(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    # ----------------------------------------------------------------------------- one entry

    def _fit(self, entry: LibraryEntry) -> Fit | None:
        if entry.path not in self._fits:
            self._fits[entry.path] = self._fit_of(entry)
        return self._fits[entry.path]

    def _is_loaded(self, entry: LibraryEntry) -> bool:
        return any(path in self._loaded for path in places_of(entry))

    def _is_chosen(self, entry: LibraryEntry) -> bool:
        return self._chosen in places_of(entry)

    def _spoken(self, row: Row) -> str:
        match row:
            case Heading():
                return f"{row.title}, {row.count}"
            case RefusedFile():
                return f"{_shown_name(row)}, {refused_line(row)}"
            case LibraryEntry():
                fit = self._fit(row)
                marks = (
                    "in use" if self._is_chosen(row) else "",
                    "in memory" if self._is_loaded(row) else "",
                    fit_words.badge(fit) if fit else "",
                )
                return spoken(row, marks, datetime.now().astimezone())


def places_of(entry: LibraryEntry) -> tuple[str, ...]:
    """All paths under which the engine may have it."""
    return (entry.path, *entry.also_at, *(copy.path for copy in entry.copies))


def _shown_name(row: Row) -> str:
    match row:
        case Heading():
            return row.title
        case RefusedFile():
            return file_name(row.path)
        case LibraryEntry():
            return row.name
