"""A proxy on loopback that knows CONNECT, and may speak out of turn."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress


class ConnectProxy:
    """Use as a context. `asked` are the targets of its tunnels."""

    def __init__(self, said_first: bytes = b"") -> None:
        """`said_first` follows its consent, as if it came out of the tunnel."""
        self.asked: list[str] = []
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._tunnel(self.request, said_first)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> ConnectProxy:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """As it is written in the environment."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _tunnel(self, client: socket.socket, said_first: bytes) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += client.recv(1)
        target = request.split()[1].decode()
        self.asked.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
            if said_first:
                client.sendall(said_first)
            back = threading.Thread(target=_pump, args=(server, client))
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    # A reset is handed on as an end.
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
