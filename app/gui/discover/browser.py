"""The list of what can be had: the search field, what narrows it, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from app.gui.controls import label, named, text_button
from app.gui.discover.delegate import FoundDelegate
from app.gui.discover.filters import Filters
from app.gui.discover.rows import ROW_ROLE, FoundItemModel
from app.gui.discover.trouble import TroubleNote
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4

if TYPE_CHECKING:
    from app.gui.discover.words import FoundRow
    from app.gui.theme.keeper import ThemeKeeper

TYPING_PAUSE = 300
"""Milliseconds without a key before the hub is asked."""


class Browser(QWidget):
    """Shows what it is given and says what is wished for. By itself it asks for nothing."""

    chosen = Signal(str)
    """The page of this repository."""
    more_wished = Signal()
    popular_wished = Signal()
    proposals_wished = Signal()
    """Lamplight's own list, which needs no network."""
    search_wished = Signal()
    """See `text` and `filters`."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self.field = self._make_field()
        self.filters = Filters(theme)
        self.popular = text_button(" Show what is popular", "Show what is popular")
        self.popular.setIcon(theme.icon("globe", "muted"))
        self.back = text_button("Lamplight's own list", kind="link")
        self.widen = text_button("Clear the filters", kind="link")
        self._notice = label(tone="muted", wrap=True, size=0.92)
        self._notice.setObjectName("Found sentence")
        self.trouble = TroubleNote(theme)
        self.found = FoundItemModel(self)
        self.view = self._make_view()
        self._typing = QTimer(self)
        self._typing.setInterval(TYPING_PAUSE)
        self._typing.setSingleShot(True)
        self._lay_out()
        self._wire()

    def _make_field(self) -> QLineEdit:
        field = named(QLineEdit(), "Search models", "Searches the hub for models in GGUF files")
        field.setPlaceholderText("Search models, or paste an address")
        field.setAcceptDrops(False)
        field.addAction(
            self._theme.icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition
        )
        self._clear = field.addAction(
            self._theme.icon("x", "muted"), QLineEdit.ActionPosition.TrailingPosition
        )
        self._clear.setVisible(False)
        self._clear.setText("Clear the search")
        field.installEventFilter(self)
        return field

    def _make_view(self) -> QListView:
        view = named(QListView(), "Models found")
        view.setModel(self.found)
        view.setItemDelegate(FoundDelegate(self._theme, self))
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.installEventFilter(self)
        return view

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE_2)
        line.addWidget(self._notice, 1)
        for button in (self.widen, self.back):
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        head = QVBoxLayout()
        head.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_2)
        head.setSpacing(SPACE_2)
        for widget in (self.field, self.filters, self.trouble):
            head.addWidget(widget)
        head.addLayout(line)
        head.addWidget(self.popular, 0, Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, SPACE_1)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.view, 1)

    def _wire(self) -> None:
        self.field.textChanged.connect(self._on_typed)
        self.field.returnPressed.connect(self._on_return)
        self._clear.triggered.connect(self.field.clear)
        self._typing.timeout.connect(self.search_wished)
        self.filters.changed.connect(self.search_wished)
        self.popular.clicked.connect(self.popular_wished)
        self.back.clicked.connect(self.proposals_wished)
        self.widen.clicked.connect(self.filters.clear)
        self.found.more_wished.connect(self.more_wished)
        self.view.clicked.connect(self._on_row)

    # ----------------------------------------------------------------------------- what is shown

    @property
    def text(self) -> str:
        """What is looked for."""
        return self.field.text().strip()

    def notice(self) -> str:
        """The sentence above the list."""
        return self._notice.text()

    def show_proposals(self, rows: Sequence[FoundRow], sentence: str) -> None:
        """Lamplight's own list; nothing narrows it."""
        self._show(rows, sentence, has_more=False)
        self.filters.hide()
        self.back.hide()
        self.popular.show()

    def show_waiting(self, sentence: str) -> None:
        """The hub is being asked; what was found before stands until it answers."""
        self.trouble.clear()
        self.filters.show()
        self.popular.hide()
        self.back.setVisible(not self.text)
        self.widen.hide()
        self._notice.setText(sentence)

    def show_found(self, rows: Sequence[FoundRow], sentence: str, *, has_more: bool) -> None:
        """The first rows of an endless list."""
        self._show(rows, sentence, has_more=has_more)
        self.widen.setVisible(not rows and self.filters.is_narrowing())
        self.view.scrollToTop()

    def say(self, sentence: str) -> None:
        """Another sentence above the list."""
        self._notice.setText(sentence)
        self._notice.setVisible(bool(sentence))

    def select(self, repo_id: str | None) -> None:
        """Mark the repository whose page is shown."""
        row = None if repo_id is None else self.found.row_of(repo_id)
        self.view.setCurrentIndex(QModelIndex() if row is None else self.found.index(row))

    def _show(self, rows: Sequence[FoundRow], sentence: str, *, has_more: bool) -> None:
        self.trouble.clear()
        self.widen.hide()
        self.found.show_rows(rows, has_more=has_more)
        self.say(sentence)

    # ------------------------------------------------------------------------------- wishes

    def _on_typed(self, text: str) -> None:
        self._clear.setVisible(bool(text))
        self._typing.stop()
        if text.strip():
            self._typing.start()
        else:
            self.proposals_wished.emit()

    def _on_return(self) -> None:
        self._typing.stop()
        if self.text:
            self.search_wished.emit()

    def _on_row(self, index: QModelIndex) -> None:
        if index.isValid():
            row: FoundRow = index.data(ROW_ROLE)
            self.chosen.emit(row.repo_id)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        if watched is self.field and event.key() == Qt.Key.Key_Down and self.found.rows:
            self.view.setFocus(Qt.FocusReason.ShortcutFocusReason)
            if not self.view.currentIndex().isValid():
                self.view.setCurrentIndex(self.found.index(0))
            return True
        if watched is self.view and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Not `activated`: on some systems one click sends that too.
            self._on_row(self.view.currentIndex())
            return True
        return super().eventFilter(watched, event)
