"""The conversations and the search hits as Qt item models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from app.domain.conversation import HIT_END, HIT_START, ConversationSummary, SearchHit
from app.domain.generation import Role
from app.gui.wording import when_text

UNTITLED = "New conversation"
ID_ROLE = int(Qt.ItemDataRole.UserRole)
WHEN_ROLE = ID_ROLE + 1
ANSWERING_ROLE = ID_ROLE + 2
HIT_ROLE = ID_ROLE + 3

Index = QModelIndex | QPersistentModelIndex


class ConversationItemModel(QAbstractListModel):
    """Most recently used first. Rows move and change in place: a rename under way survives."""

    rename_wished = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ConversationSummary] = []
        self._answering: set[int] = set()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return row.title or UNTITLED
            case Qt.ItemDataRole.EditRole:
                return row.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{row.title or UNTITLED}, {self._when(row)}"
            case _:
                return self._own_data(row, role)

    def _own_data(self, row: ConversationSummary, role: int) -> Any:
        if role == ID_ROLE:
            return row.id
        if role == WHEN_ROLE:
            return self._when(row)
        if role == ANSWERING_ROLE:
            return row.id in self._answering
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Only asks for the new name: it is shown when the service has kept it."""
        row = self._rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or str(value).strip() == row.title:
            return False
        self.rename_wished.emit(row.id, str(value).strip())
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def show_rows(self, rows: Sequence[ConversationSummary]) -> None:
        """Become these rows with as few changes as possible."""
        if not self._rows:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return
        kept = {row.id for row in rows}
        for number in range(len(self._rows) - 1, -1, -1):
            if self._rows[number].id not in kept:
                self.beginRemoveRows(QModelIndex(), number, number)
                del self._rows[number]
                self.endRemoveRows()
        for number, row in enumerate(rows):
            self._put(number, row)

    def _put(self, number: int, row: ConversationSummary) -> None:
        found = self.row_of(row.id, start=number)
        if found is None:
            self.beginInsertRows(QModelIndex(), number, number)
            self._rows.insert(number, row)
            self.endInsertRows()
            return
        if found != number:
            self.beginMoveRows(QModelIndex(), found, found, QModelIndex(), number)
            self._rows.insert(number, self._rows.pop(found))
            self.endMoveRows()
        if self._rows[number] != row:
            self._rows[number] = row
            self._changed(number)

    def row_of(self, conversation_id: int, start: int = 0) -> int | None:
        """Where a conversation stands, looking from `start` on."""
        for number in range(start, len(self._rows)):
            if self._rows[number].id == conversation_id:
                return number
        return None

    def summary(self, conversation_id: int) -> ConversationSummary | None:
        """The row of a conversation."""
        number = self.row_of(conversation_id)
        return None if number is None else self._rows[number]

    def neighbour(self, conversation_id: int) -> int | None:
        """The conversation below, or else above: what to show when this one goes."""
        number = self.row_of(conversation_id)
        if number is None:
            return None
        around = self._rows[number + 1 : number + 2] or self._rows[max(0, number - 1) : number]
        return around[0].id if around else None

    def set_answering(self, conversation_id: int, answering: bool) -> None:
        """Mark a row whose answer is being written."""
        (self._answering.add if answering else self._answering.discard)(conversation_id)
        number = self.row_of(conversation_id)
        if number is not None:
            self._changed(number)

    def refresh_times(self) -> None:
        """Time has passed: `5 min` may now be `6 min`."""
        if self._rows:
            ends = self.index(0), self.index(len(self._rows) - 1)
            self.dataChanged.emit(*ends, [WHEN_ROLE])

    def _changed(self, number: int) -> None:
        index = self.index(number)
        self.dataChanged.emit(index, index)

    def _when(self, row: ConversationSummary) -> str:
        return when_text(row.updated_at, datetime.now().astimezone())


class HitItemModel(QAbstractListModel):
    """What a search found."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hits: list[SearchHit] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        hit = self._hits[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.title or UNTITLED
        if role == Qt.ItemDataRole.AccessibleTextRole:
            plain = hit.snippet.replace(HIT_START, "").replace(HIT_END, "")
            return f"{hit.title or UNTITLED}: {who(hit)}{plain}"
        if role == ID_ROLE:
            return hit.conversation_id
        if role == WHEN_ROLE:
            return when_text(hit.created_at, datetime.now().astimezone())
        if role == HIT_ROLE:
            return hit
        return None

    def show_hits(self, hits: Sequence[SearchHit]) -> None:
        """Become these hits."""
        self.beginResetModel()
        self._hits = list(hits)
        self.endResetModel()


def who(hit: SearchHit) -> str:
    """Whose words the snippet quotes; nothing for a title."""
    return "You: " if hit.role is Role.USER else ""
