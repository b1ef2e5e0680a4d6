"""A word from the system for who is looking at another window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

_SHOWN = 15_000
"""Milliseconds that the icon stays in the tray for the sake of a message."""


class Notifier(QObject):
    """Uses the tray where there is one; where there is none, the window's own word must do."""

    pressed = Signal()
    """The message was clicked."""

    def __init__(
        self, window: QWidget, tray: Callable[[QWidget], QSystemTrayIcon | None] | None = None
    ) -> None:
        super().__init__(window)
        self._window = window
        self._make = tray or system_tray
        self._tray: QSystemTrayIcon | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN)
        self._timer.timeout.connect(self._hide)

    def tell(self, title: str, text: str) -> None:
        """Say it, unless the window is being looked at."""
        if self._window.isActiveWindow():
            return
        if self._tray is None:
            self._tray = self._make(self._window)
            if self._tray is None:
                return
            self._tray.messageClicked.connect(self.pressed)
        self._tray.show()
        self._tray.showMessage(title, text, self._window.windowIcon())
        self._timer.start()

    def _hide(self) -> None:
        if self._tray is not None:
            self._tray.hide()


def system_tray(window: QWidget) -> QSystemTrayIcon | None:
    """The system's, where it can show messages."""
    if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
        return None
    tray = QSystemTrayIcon(window.windowIcon(), window)
    tray.setToolTip("Lamplight")
    return tray
