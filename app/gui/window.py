"""The main window: builds its parts, connects them in one block, and remembers its shape."""

from __future__ import annotations

import itertools
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget

from app import __version__
from app.gui.chat.composer import Composer
from app.gui.chat.empty import EmptyState
from app.gui.chat.header import Header
from app.gui.chat.status import StatusLine
from app.gui.controls import named, styled
from app.gui.drop import DropHint, model_files_in
from app.gui.inspector.panel import Inspector
from app.gui.menus import Menus
from app.gui.picker.button import ModelButton
from app.gui.picker.popup import ModelPopup
from app.gui.present.banner import BannerStack
from app.gui.present.dialogs import about_dialog, shortcuts_dialog
from app.gui.present.presenter import Presenter
from app.gui.present.toast import Toast
from app.gui.shell import Shell
from app.gui.sidebar.panel import Sidebar
from app.gui.theme.keeper import ThemeKeeper
from app.gui.transcript.view import TranscriptView

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QCloseEvent,
        QDragEnterEvent,
        QDragLeaveEvent,
        QDropEvent,
        QPaintEvent,
        QResizeEvent,
    )

_SIZE = (1120, 760)
_SCREEN_SHARE = 0.92


class MainWindow(QMainWindow):
    """Thin: it holds the parts; controllers (see `app.gui.wiring`) move them."""

    painted_first = Signal()
    close_wished = Signal()
    files_dropped = Signal(list)

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Lamplight")
        self.setWindowTitle("Lamplight")
        self.setAcceptDrops(True)
        self.theme = theme
        self._painted = False
        self.model_button = ModelButton(theme)
        self.header = Header(theme, self.model_button)
        self.banners = BannerStack(theme)
        self.transcript = TranscriptView(theme, self)
        self.composer = Composer(theme)
        self.status = StatusLine()
        self.sidebar = Sidebar(theme)
        self.inspector = Inspector(theme)
        self.empty = EmptyState(theme)
        self.transcript.set_empty_state(self.empty)
        self.chat = self._make_chat()
        self.shell = Shell(self.sidebar, self.chat, self.inspector)
        self.setCentralWidget(self.shell)
        self.toast = Toast(self.chat, self.composer)
        self.popup = ModelPopup(theme, self.shell, self.model_button)
        self.drop_hint = DropHint(theme, self)
        self.presenter = Presenter(self, self.banners, self.toast)
        self.menus = Menus(self)
        self._take_first_size()
        self._wire()
        self._order_tabs()
        self.menus.show_wish(theme.wish)
        self._on_panels()
        self.composer.field.setFocus()

    def _make_chat(self) -> QWidget:
        chat = styled(named(QWidget(), "Chat"), ground="paper")
        column = QVBoxLayout(chat)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.banners)
        column.addWidget(self.transcript, 1)
        column.addWidget(self.composer)
        column.addWidget(self.status)
        return chat

    def _wire(self) -> None:
        menus = self.menus
        self.empty.example_chosen.connect(self._take_example)
        self.header.inspector_button.clicked.connect(menus.inspector.trigger)
        self.header.sidebar_button.clicked.connect(menus.sidebar.trigger)
        self.model_button.clicked.connect(self.popup.toggle)
        self.popup.closed.connect(self.composer.field.setFocus)
        self.shell.changed.connect(self._on_panels)
        self.shell.focus_lost.connect(self.composer.field.setFocus)
        self.shell.floated.connect(lambda panel: panel.take_focus())
        self.transcript.link_activated.connect(self.presenter.ask_link)
        self.transcript.verticalScrollBar().rangeChanged.connect(self._on_scroll_range)
        menus.about.triggered.connect(lambda: about_dialog(self, __version__).open())
        menus.choose_model.triggered.connect(self.popup.toggle)
        menus.copy.triggered.connect(self._copy)
        menus.focus_message.triggered.connect(self.composer.field.setFocus)
        menus.inspector.triggered.connect(lambda: self.shell.toggle(self.shell.right))
        menus.quit.triggered.connect(self.close)
        menus.search.triggered.connect(self._begin_search)
        menus.shortcuts.triggered.connect(lambda: shortcuts_dialog(self, menus.sheet()).open())
        menus.sidebar.triggered.connect(lambda: self.shell.toggle(self.shell.left))

    def _order_tabs(self) -> None:
        """From left to right, as the eye goes; the first Tab leaves the composer for Send."""
        order = [
            self.sidebar.search_field,
            self.sidebar.new_button,
            self.sidebar.list_view,
            self.sidebar.result_view,
            self.header.sidebar_button,
            self.model_button,
            self.header.inspector_button,
            self.transcript,
            self.composer.field,
            self.composer.send_button,
            self.composer.stop_button,
        ]
        for before, after in itertools.pairwise(order):
            QWidget.setTabOrder(before, after)

    # -------------------------------------------------------------------------------- wishes

    def _take_example(self, text: str) -> None:
        self.composer.set_text(text)
        self.composer.field.setFocus()

    def _begin_search(self) -> None:
        if not self.shell.left.is_open:
            self.shell.toggle(self.shell.left)
        self.sidebar.begin_search()

    def _copy(self) -> None:
        """From the menu: what is selected in whatever has the focus."""
        focus = QApplication.focusWidget()
        copy = getattr(focus, "copy", None) or getattr(self.transcript, "copy", None)
        if callable(copy):
            copy()

    def _on_scroll_range(self, low: int, high: int) -> None:
        """The composer keeps below the messages, which a scroll bar moves aside."""
        bar = self.transcript.verticalScrollBar()
        gutter = bar.sizeHint().width() if high > low else 0
        self.composer.set_gutter(gutter)
        self.status.set_gutter(gutter)

    def _on_panels(self) -> None:
        left, right = self.shell.left.is_open, self.shell.right.is_open
        self.header.sidebar_button.setChecked(left)
        self.header.inspector_button.setChecked(right)
        self.menus.sidebar.setChecked(left)
        self.menus.inspector.setChecked(right)

    def step_back(self) -> bool:
        """Esc: leave what is open on top; whether there was anything but an answer to stop."""
        if self.popup.isVisible():
            self.popup.close_up()
            return True
        focus = QApplication.focusWidget()
        if focus is not None and self.sidebar.isAncestorOf(focus) and self.sidebar.query():
            self.sidebar.end_search()
            return True
        return self.shell.close_floating()

    # --------------------------------------------------------------------------------- shape

    def _take_first_size(self) -> None:
        """The usual size; on a small screen a smaller one, with room for the frame."""
        self.resize(QSize(*_SIZE).boundedTo(self.screen().availableSize() * _SCREEN_SHARE))

    def state(self) -> dict[str, Any]:
        """What to remember of its shape."""
        geometry = b64encode(self.saveGeometry().data()).decode()
        return {"geometry": geometry, "panels": self.shell.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take a remembered shape; anything unfit is left out."""
        geometry, panels = state.get("geometry"), state.get("panels")
        if isinstance(geometry, str):
            try:
                self.restoreGeometry(QByteArray(b64decode(geometry, validate=True)))
            except ValueError:
                self._take_first_size()
        if isinstance(panels, dict):
            self.shell.restore(panels)
        if self.shell.right.is_open:
            self.inspector.fill()
        self._on_panels()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.composer.field.set_ceiling(self.height() // 3)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # After the children have been painted too.
            QTimer.singleShot(0, self.painted_first.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        # The application closes it when everything is on disk (see `app.gui.app`).
        event.ignore()
        self.close_wished.emit()

    # ---------------------------------------------------------------------------------- drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if model_files_in(event.mimeData()):
            event.acceptProposedAction()
            self.drop_hint.cover()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.drop_hint.hide()
        event.acceptProposedAction()
        self.files_dropped.emit(model_files_in(event.mimeData()))

    def come_forward(self) -> None:
        """Be seen: another start of the application asked for it."""
        if self.isMinimized():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
