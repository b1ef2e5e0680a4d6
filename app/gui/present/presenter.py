"""The one place where errors and news become visible."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from app.domain.errors import AppError
from app.gui.present.banner import BannerStack
from app.gui.present.dialogs import link_dialog
from app.gui.present.report import mistake, trace_of
from app.gui.present.reveal import Revealer
from app.gui.present.toast import Toast

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

log = logging.getLogger(__name__)

_OPENABLE = ("http", "https", "mailto")


class Presenter(QObject):
    """Shows what happened; decides between banner, toast and dialog."""

    def __init__(self, window: QWidget, banners: BannerStack, toast: Toast) -> None:
        super().__init__(window)
        self._window = window
        self._banners = banners
        self._toast = toast
        self._revealer = Revealer(self)
        self._revealer.unable.connect(
            lambda path: self.toast(f"No file manager answers. The file is {path}", seconds=15)
        )

    def report(self, error: BaseException) -> None:
        """Whatever ended a task: the world's fault as its sentence, our own as a calm apology."""
        if isinstance(error, AppError):
            self.trouble(error)
            return
        log.error("unexpected: %s", trace_of(error))
        self.trouble(mistake(error))

    def trouble(self, error: AppError) -> None:
        """A banner."""
        self._banners.show_error(error)

    def over(self, kind: str) -> None:
        """That trouble is over."""
        self._banners.remove(kind)

    def toast(
        self,
        text: str,
        action_label: str = "",
        action: Callable[[], None] | None = None,
        seconds: float = 10.0,
    ) -> None:
        """A word in passing."""
        self._toast.say(text, action_label, action, seconds)

    def hush(self) -> None:
        """What the toast offers has been done in another way."""
        self._toast.hide()

    def reveal(self, path: str) -> None:
        """Show a file in the system's file manager."""
        self._revealer.show(path)

    def ask_link(self, address: str) -> None:
        """Ask before opening; web and mail addresses only."""
        url = QUrl(address)
        if not url.isValid() or url.scheme().lower() not in _OPENABLE:
            self.toast("Lamplight opens only web and mail links.", seconds=5)
            return
        dialog = link_dialog(self._window, address)
        dialog.accepted.connect(lambda: self._open(url))
        dialog.open()

    def _open(self, url: QUrl) -> None:
        if not QDesktopServices.openUrl(url):
            self.toast("No program on this computer opens this link.", seconds=5)
