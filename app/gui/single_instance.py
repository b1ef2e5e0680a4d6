"""One window for each profile: a second start hands its files to the first and ends.

The name holds the user and the profile, and the socket opens to this user only. A message is one
line of JSON, answered by one line; a socket file left by a crash is removed by the next listener.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_PATIENCE = 2000
"""Milliseconds to wait for a first window that may be busy."""
_LONGEST = 1 << 20
_HEARD = b"heard\n"


def server_name(profile_key: str) -> str:
    """The same for every start of this user on this profile."""
    who = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    digest = hashlib.sha256(f"{who}\0{profile_key}".encode()).hexdigest()[:20]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return str(Path(runtime, f"lamplight-{digest}"))
    return f"lamplight-{digest}"


def forward(profile_key: str, files: Sequence[str]) -> bool:
    """Ask the window that has this profile to come forward and open these; whether it heard.

    Needs no application object; blocks for two seconds at the most.
    """
    socket = QLocalSocket()
    socket.connectToServer(server_name(profile_key))
    if not socket.waitForConnected(_PATIENCE):
        return False
    absolute = [str(Path(file).absolute()) for file in files]
    socket.write(json.dumps({"files": absolute}).encode() + b"\n")
    socket.flush()
    heard = socket.waitForReadyRead(_PATIENCE) and bytes(socket.readAll().data()) == _HEARD
    socket.disconnectFromServer()
    return heard


class InstanceServer(QObject):
    """Listens for later starts."""

    asked = Signal(list)
    """Come forward and open these files (perhaps none)."""

    def __init__(self, profile_key: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = server_name(profile_key)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def listen(self) -> bool:
        """Begin; the caller holds the profile's lock, so a socket that is there is a dead one."""
        QLocalServer.removeServer(self._name)
        return self._server.listen(self._name)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _on_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda s=socket: self._on_data(s))
            socket.disconnected.connect(socket.deleteLater)

    def _on_data(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > _LONGEST:
            socket.abort()
            return
        if not socket.canReadLine():
            return
        files = files_in(bytes(socket.readLine().data()))
        if files is None:
            socket.abort()
            return
        socket.write(_HEARD)
        socket.flush()
        self.asked.emit(files)


def files_in(line: bytes) -> list[str] | None:
    """The files of a message; None if it is no message of ours."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    match message:
        case {"files": [*files]} if all(isinstance(file, str) for file in files):
            return files
        case _:
            return None
