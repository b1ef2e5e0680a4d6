"""Showing a file in the system's file manager.

On Linux the desktop's file manager is asked over the session bus and marks the file
(org.freedesktop.FileManager1, method ShowItems: freedesktop.org, "File Manager DBus Interface");
where nobody answers, its folder is opened. macOS has `open -R`, Windows `explorer /select`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QDir, QFileInfo, QObject, QProcess, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.gui.theme.system_scheme import has_session_bus

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusPendingCallWatcher

_SERVICE = "org.freedesktop.FileManager1"
_PATH = "/org/freedesktop/FileManager1"


class Revealer(QObject):
    """Asks and does not wait; that nothing could be opened is told by `unable`."""

    unable = Signal(str)
    """The path that no program shows."""

    def show(self, path: str) -> None:
        """Show the file (or folder) of this absolute path where it lies."""
        if sys.platform == "darwin":
            self._start("open", path, ["-R", path])
        elif sys.platform == "win32":
            self._select_in_explorer(path)
        elif has_session_bus():
            self._ask_file_manager(path)
        else:
            self._open_folder(path)

    def _start(self, program: str, path: str, arguments: list[str]) -> None:
        started, _ = QProcess.startDetached(program, arguments, "")
        if not started:
            self.unable.emit(path)

    def _select_in_explorer(self, path: str) -> None:
        # Explorer reads its command line itself and wants quotes round the path alone, which Qt's
        # own quoting would put round the whole argument.
        process = QProcess(self)
        process.setProgram("explorer.exe")
        native = QDir.toNativeSeparators(path)
        process.setNativeArguments(f'/select,"{native}"')  # pyright: ignore[reportAttributeAccessIssue]
        started, _ = process.startDetached()
        process.deleteLater()
        if not started:
            self.unable.emit(path)

    def _ask_file_manager(self, path: str) -> None:
        from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            self._open_folder(path)
            return
        wish = QDBusMessage.createMethodCall(_SERVICE, _PATH, _SERVICE, "ShowItems")
        address = bytes(QUrl.fromLocalFile(path).toEncoded().data()).decode("ascii")
        wish.setArguments([[address], ""])
        watcher = QDBusPendingCallWatcher(bus.asyncCall(wish), self)
        watcher.finished.connect(lambda answered: self._on_answer(answered, path))

    def _on_answer(self, watcher: QDBusPendingCallWatcher, path: str) -> None:
        failed = watcher.isError()
        watcher.deleteLater()
        if failed:
            self._open_folder(path)

    def _open_folder(self, path: str) -> None:
        folder = QUrl.fromLocalFile(QFileInfo(path).absolutePath())
        if not QDesktopServices.openUrl(folder):
            self.unable.emit(path)
