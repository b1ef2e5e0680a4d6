"""What was found, as a Qt item model that asks for more when its end is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from app.gui.discover.words import FoundRow

ROW_ROLE = int(Qt.ItemDataRole.UserRole)

Index = QModelIndex | QPersistentModelIndex


class FoundItemModel(QAbstractListModel):
    """Rows in the order of the hub; an endless list grows at its end."""

    more_wished = Signal()
    """The end is in sight, and there is more."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FoundRow] = []
        self._has_more = False

    @property
    def rows(self) -> Sequence[FoundRow]:
        """All that are shown."""
        return self._rows

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.title
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return row.spoken
            case _ if role == ROW_ROLE:
                return row
            case _:
                return None

    def show_rows(self, rows: Sequence[FoundRow], *, has_more: bool = False) -> None:
        """These and no others."""
        self.beginResetModel()
        self._rows = [*rows]
        self._has_more = has_more
        self.endResetModel()

    def add_rows(self, rows: Sequence[FoundRow], *, has_more: bool) -> None:
        """These as well, at the end; a repository that is there already is left out.

        (The hub's order may move while its list is read, and then it tells one twice.)
        """
        known = {row.repo_id for row in self._rows}
        new = [row for row in rows if row.repo_id not in known]
        self._has_more = has_more
        if new:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self._rows += new
            self.endInsertRows()

    def row_of(self, repo_id: str) -> int | None:
        """Where a repository stands."""
        found = (number for number, row in enumerate(self._rows) if row.repo_id == repo_id)
        return next(found, None)

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and self._has_more

    def fetchMore(self, parent: Index) -> None:
        # Asked again when the rows have come; until then the view would ask at each turn.
        self._has_more = False
        self.more_wished.emit()
