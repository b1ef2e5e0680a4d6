"""The main window: builds its parts, connects them in one block, and remembers its shape."""

from __future__ import annotations

import itertools
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from app import __version__
from app.gui.chat.page import ChatPage
from app.gui.controls import named
from app.gui.drop import DropHint, model_files_in
from app.gui.inspector.panel import Inspector
from app.gui.menus import Menus
from app.gui.navigation import Rail
from app.gui.pages import CHAT, DOWNLOADS, MODELS, PLACES, Page, Pages
from app.gui.picker.button import ModelButton
from app.gui.picker.popup import ModelPopup
from app.gui.present.banner import BannerStack
from app.gui.present.dialogs import about_dialog, shortcuts_dialog
from app.gui.present.presenter import Presenter
from app.gui.present.toast import Toast
from app.gui.shell import Shell
from app.gui.sidebar.panel import Sidebar
from app.gui.theme.keeper import ThemeKeeper

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
        self.chat = ChatPage(theme, self.model_button)
        self.header, self.transcript = self.chat.header, self.chat.transcript
        self.composer, self.status = self.chat.composer, self.chat.status
        self.empty = self.chat.empty
        self.banners = BannerStack(theme)
        self.pages = Pages(self.banners)
        self.sidebar = Sidebar(theme)
        self.rail = Rail(theme)
        self.inspector = Inspector(theme)
        self.shell = Shell(self.sidebar, self.rail, self.pages, self.inspector)
        self.setCentralWidget(self.shell)
        self.toast = Toast(self.pages)
        self.popup = ModelPopup(theme, self.shell, self.model_button)
        self.drop_hint = DropHint(theme, self)
        self.presenter = Presenter(self, self.banners, self.toast)
        self.menus = Menus(self)
        self._take_first_size()
        self._wire()
        self.pages.add_page(self.chat)
        self.pages.promise(MODELS, "box")
        self.pages.promise(DOWNLOADS, "download")
        self._order_tabs()
        self.menus.show_wish(theme.wish)
        self._on_panels()
        self.composer.field.setFocus()

    def _wire(self) -> None:
        menus = self.menus
        self.header.inspector_button.clicked.connect(menus.inspector.trigger)
        self.model_button.clicked.connect(self.popup.toggle)
        self.pages.added.connect(self._on_page_added)
        self.pages.changed.connect(self._on_page)
        self.popup.closed.connect(self.composer.field.setFocus)
        self.rail.navigation.follow(self.pages)
        self.rail.toggle.clicked.connect(menus.sidebar.trigger)
        self.shell.changed.connect(self._on_panels)
        self.shell.focus_lost.connect(lambda: self.pages.go(self.pages.shown))
        self.shell.floated.connect(lambda panel: panel.take_focus())
        self.sidebar.navigation.follow(self.pages)
        self.sidebar.navigation.wished.connect(self.shell.close_floating)
        self.sidebar.toggle.clicked.connect(menus.sidebar.trigger)
        self.transcript.link_activated.connect(self.presenter.ask_link)
        menus.about.triggered.connect(lambda: about_dialog(self, __version__).open())
        menus.choose_model.triggered.connect(self._choose_model)
        menus.copy.triggered.connect(self._copy)
        menus.focus_message.triggered.connect(lambda: self.pages.go(CHAT))
        menus.inspector.triggered.connect(lambda: self.shell.toggle(self.shell.right))
        menus.quit.triggered.connect(self.close)
        menus.search.triggered.connect(self._begin_search)
        menus.shortcuts.triggered.connect(lambda: shortcuts_dialog(self, menus.sheet()).open())
        menus.sidebar.triggered.connect(lambda: self.shell.toggle(self.shell.left))

    def _order_tabs(self) -> None:
        """From left to right, as the eye goes; the first Tab leaves the composer for Send."""
        order = [
            self.sidebar.toggle,
            self.sidebar.new_button,
            *map(self.sidebar.navigation.button, PLACES),
            self.sidebar.search_field,
            self.sidebar.list_view,
            self.sidebar.result_view,
            self.rail.toggle,
            *map(self.rail.navigation.button, PLACES),
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

    def _choose_model(self) -> None:
        self.pages.show_page(CHAT)
        self.popup.toggle()

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

    def _on_page_added(self, page: Page) -> None:
        action = self.menus.add_page(page)
        action.triggered.connect(lambda: self.pages.go(page.name))

    def _on_page(self, page: Page) -> None:
        self.shell.close_floating()
        self.shell.bar(self.shell.right, page is not self.chat)
        self.menus.inspector.setEnabled(page is self.chat)
        self.menus.show_page(page)
        self.toast.float_above(page.foot)

    def _on_panels(self) -> None:
        left, right = self.shell.left.is_open, self.shell.right.is_open
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
        return self.shell.close_floating() or self.pages.step_back()

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
