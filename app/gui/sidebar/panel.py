"""The panel on the left: the pages, new conversation, search field, list or search results."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.domain.conversation import SearchHit
from app.gui.controls import icon_button, label, named, styled
from app.gui.navigation import Navigation, toggle_button
from app.gui.sidebar.delegates import ConversationDelegate, HitDelegate
from app.gui.sidebar.rows import HIT_ROLE, ID_ROLE, ConversationItemModel, HitItemModel
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import HEADER_HEIGHT, SPACE_2, SPACE_3, SPACE_6

_TYPING_PAUSE = 120
"""Milliseconds without a key before a search starts."""
_MINUTE = 60_000


class Sidebar(QFrame):
    """Shows what it is given and says what is wished for."""

    new_wished = Signal()
    chosen = Signal(int)
    message_chosen = Signal(int, int)
    """A search hit: the conversation and the message in it."""
    trash_wished = Signal(int)
    search_wished = Signal(str)
    """The words to look for; empty when the search is over."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self._quiet = False
        styled(self, ground="sidebar", edge="right")
        self.setObjectName("Sidebar")
        self.rows = ConversationItemModel(self)
        self.hits = HitItemModel(self)
        self.toggle = toggle_button(theme)
        self.navigation = Navigation(theme, compact=False)
        self.new_button = icon_button(
            theme, "square-pen", "New conversation", "New conversation (Ctrl+N)", token="text"
        )
        self.search_field = self._make_search_field()
        self.list_view = self._make_list("Conversations", ConversationDelegate(theme, self))
        self.list_view.setModel(self.rows)
        self.result_view = self._make_list("Search results", HitDelegate(theme, self))
        self.result_view.setModel(self.hits)
        self._pages = QStackedWidget()
        self._nothing_yet = _Notice("Your conversations will appear here.")
        self._nothing_found = _Notice("")
        for page in (self.list_view, self.result_view, self._nothing_yet, self._nothing_found):
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(self._nothing_yet)
        self._typing = self._make_timer(_TYPING_PAUSE, single=True)
        self._minutes = self._make_timer(_MINUTE)
        self._lay_out()
        self._wire()

    def _make_search_field(self) -> QLineEdit:
        field = named(QLineEdit(), "Search conversations", "Searches titles and messages")
        field.setPlaceholderText("Search")
        field.setClearButtonEnabled(False)
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

    def _make_list(self, name: str, delegate: ConversationDelegate | HitDelegate) -> QListView:
        view = named(QListView(), name)
        view.setItemDelegate(delegate)
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.installEventFilter(self)
        return view

    def _make_timer(self, milliseconds: int, *, single: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(milliseconds)
        timer.setSingleShot(single)
        return timer

    def _lay_out(self) -> None:
        head = QWidget()
        head.setFixedHeight(HEADER_HEIGHT)
        top = QHBoxLayout(head)
        top.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        top.addWidget(self.toggle)
        top.addStretch(1)
        top.addWidget(self.new_button)
        search = QHBoxLayout()
        search.setContentsMargins(SPACE_2, SPACE_3, SPACE_2, SPACE_2)
        search.addWidget(self.search_field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, SPACE_2)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.navigation)
        column.addLayout(search)
        column.addWidget(self._pages, 1)

    def _wire(self) -> None:
        self.new_button.clicked.connect(self.new_wished)
        self.search_field.textChanged.connect(self._on_typed)
        self._clear.triggered.connect(self.end_search)
        self._typing.timeout.connect(lambda: self.search_wished.emit(self.query()))
        self._minutes.timeout.connect(self.rows.refresh_times)
        self.list_view.selectionModel().currentChanged.connect(self._on_current)
        self.list_view.customContextMenuRequested.connect(self._menu)
        self.result_view.clicked.connect(self._on_hit)
        self.result_view.activated.connect(self._on_hit)
        self.rows.modelReset.connect(self._show_page)
        self.rows.rowsInserted.connect(self._show_page)
        self.rows.rowsRemoved.connect(self._show_page)

    def showEvent(self, event: QShowEvent) -> None:
        self.rows.refresh_times()
        self._minutes.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._minutes.stop()
        super().hideEvent(event)

    # ------------------------------------------------------------------------------ the list

    def select(self, conversation_id: int | None) -> None:
        """Mark the conversation that is shown, without choosing it again."""
        row = None if conversation_id is None else self.rows.row_of(conversation_id)
        self._quiet = True
        try:
            index = QModelIndex() if row is None else self.rows.index(row)
            self.list_view.setCurrentIndex(index)
            if index.isValid():
                self.list_view.scrollTo(index)
        finally:
            self._quiet = False

    def take_focus(self) -> None:
        """Go where one would go on: to the list, or to the field while there is none."""
        (self.list_view if self.list_view.isVisible() else self.search_field).setFocus()

    def rename_current(self) -> None:
        """Open the inline editor on the conversation that is shown."""
        self.end_search()
        index = self.list_view.currentIndex()
        if index.isValid():
            self.list_view.setFocus()
            self.list_view.edit(index)

    def _on_current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid() and not self._quiet:
            self.chosen.emit(current.data(ID_ROLE))

    def _menu(self, at: QPoint) -> None:
        index = self.list_view.indexAt(at)
        if not index.isValid():
            return
        menu = named(QMenu(self), "Conversation menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = menu.addAction(self._theme.icon("pencil"), "Rename")
        rename.triggered.connect(lambda: self.list_view.edit(self._again(conversation_id)))
        delete = menu.addAction(self._theme.icon("trash-2"), "Delete")
        conversation_id: int = index.data(ID_ROLE)
        delete.triggered.connect(lambda: self.trash_wished.emit(conversation_id))
        menu.popup(self.list_view.viewport().mapToGlobal(at))

    def _again(self, conversation_id: int) -> QModelIndex:
        """Where it stands now: rows may have moved while the menu was open."""
        row = self.rows.row_of(conversation_id)
        return QModelIndex() if row is None else self.rows.index(row)

    # ---------------------------------------------------------------------------- the search

    def query(self) -> str:
        """What is searched for."""
        return self.search_field.text().strip()

    def show_hits_for(self, query: str, count: int) -> None:
        """The results of `query` are in `hits`."""
        if query != self.query() or not query:
            return
        self._nothing_found.set_text(
            f"Nothing found for “{query}”.\nEvery word must occur; try fewer or shorter ones."
        )
        self._pages.setCurrentWidget(self.result_view if count else self._nothing_found)

    def begin_search(self) -> None:
        """Put the caret into the search field."""
        self.search_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search_field.selectAll()

    def end_search(self) -> None:
        """Back to the list; who was in the results is in the list then."""
        in_results = self.result_view.hasFocus()
        self.search_field.clear()
        if in_results:
            self.list_view.setFocus()

    def _on_typed(self, text: str) -> None:
        self._clear.setVisible(bool(text))
        if text.strip():
            self._typing.start()
            return
        self._typing.stop()
        self.search_wished.emit("")
        self._show_page()

    def notice(self) -> str:
        """The sentence that stands where a list would be; empty if there is a list."""
        page = self._pages.currentWidget()
        return page.text() if isinstance(page, _Notice) else ""

    def _on_hit(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        hit: SearchHit = index.data(HIT_ROLE)
        if hit.message_id is None:
            self.chosen.emit(hit.conversation_id)
        else:
            self.message_chosen.emit(hit.conversation_id, hit.message_id)

    def _show_page(self) -> None:
        if self.query():
            return
        full = self.rows.rowCount() > 0
        self._pages.setCurrentWidget(self.list_view if full else self._nothing_yet)

    # ------------------------------------------------------------------------------ keyboard

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if watched is self.search_field:
                return self._key_in_field(event)
            return self._key_in_list(watched, event)
        return False

    def _key_in_field(self, event: QKeyEvent) -> bool:
        key = event.key()
        view = self._pages.currentWidget()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter) and view in (
            self.list_view,
            self.result_view,
        ):
            self._enter_results(chosen=key != Qt.Key.Key_Down)
            return True
        return False

    def _enter_results(self, *, chosen: bool) -> None:
        if self._pages.currentWidget() is self.list_view:
            self.list_view.setFocus()
            return
        first = self.hits.index(0)
        self.result_view.setCurrentIndex(first)
        if chosen:
            self._on_hit(first)
        else:
            self.result_view.setFocus()

    def _key_in_list(self, watched: QObject, event: QKeyEvent) -> bool:
        if watched is self.list_view and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            index = self.list_view.currentIndex()
            if index.isValid():
                self.trash_wished.emit(index.data(ID_ROLE))
            return True
        return False


class _Notice(QWidget):
    """A page that says why there is no list."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._label = label(text, tone="muted", wrap=True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_6)
        column.addWidget(self._label)
        column.addStretch()

    def set_text(self, text: str) -> None:
        self._label.setText(text)

    def text(self) -> str:
        return self._label.text()
