"""Whether the desktop is dark.

Windows and macOS tell it to Qt. On Linux Qt's own answer depends on the platform theme and did not
follow a change in most desktops, so the desktop portal is asked (org.freedesktop.portal.Settings,
key `org.freedesktop.appearance color-scheme`: 1 prefers dark, 2 light, 0 has no wish). All calls
to it are asynchronous; where there is no session bus or no portal the answer stays light.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import SLOT, QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection, QDBusPendingCallWatcher

_SERVICE = "org.freedesktop.portal.Desktop"
_PATH = "/org/freedesktop/portal/desktop"
_INTERFACE = "org.freedesktop.portal.Settings"
_NAMESPACE = "org.freedesktop.appearance"
_KEY = "color-scheme"
_DARK = 1


class SystemScheme(QObject):
    """Tells `changed(dark)` once it knows, and again whenever the desktop changes."""

    changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus: QDBusConnection | None = None
        self._watcher: QDBusPendingCallWatcher | None = None

    def watch(self) -> None:
        """Ask now and keep listening; call it after the first paint, it loads Qt's D-Bus."""
        if sys.platform in ("win32", "darwin"):
            hints = QGuiApplication.styleHints()
            hints.colorSchemeChanged.connect(self._on_style_hint)
            self._on_style_hint(hints.colorScheme())
        elif has_session_bus():
            self._ask_portal()

    def _on_style_hint(self, scheme: Qt.ColorScheme) -> None:
        self.changed.emit(scheme == Qt.ColorScheme.Dark)

    def _ask_portal(self) -> None:
        from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        self._bus = bus
        bus.connect(
            "",
            _PATH,
            _INTERFACE,
            "SettingChanged",
            self,
            # The stub asks for bytes; SLOT gives the text that Qt wants.
            SLOT("_on_setting_changed(QString,QString,QDBusVariant)"),  # pyright: ignore[reportArgumentType]
        )
        question = QDBusMessage.createMethodCall(_SERVICE, _PATH, _INTERFACE, "ReadOne")
        question.setArguments([_NAMESPACE, _KEY])
        self._watcher = QDBusPendingCallWatcher(bus.asyncCall(question), self)
        self._watcher.finished.connect(self._on_answer)

    def _on_answer(self, watcher: QDBusPendingCallWatcher) -> None:
        answer = watcher.reply()
        if not watcher.isError() and answer.arguments():
            self._tell(answer.arguments()[0])
        watcher.deleteLater()
        self._watcher = None

    @Slot(str, str, "QDBusVariant")
    def _on_setting_changed(self, namespace: str, key: str, value: Any) -> None:
        if namespace == _NAMESPACE and key == _KEY:
            self._tell(value)

    def _tell(self, value: Any) -> None:
        plain = value.variant() if hasattr(value, "variant") else value
        if isinstance(plain, int):
            self.changed.emit(plain == _DARK)


def has_session_bus() -> bool:
    """Whether a bus is running; without one libdbus would try to start one, which takes seconds."""
    if os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return bool(runtime) and Path(runtime, "bus").exists()
