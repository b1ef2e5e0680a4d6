"""`python -m tests.bench.file_server FILE BYTES_PER_SECOND`: gives one file as fast as it can be.

A process of its own, so that the server's work is not done by the process that is measured. Speaks
what a download asks of a hub that gives its files itself; prints its port. The limit holds for each
connection; 0 sets none.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
from contextlib import suppress

_RANGE = re.compile(rb"\r\nrange: bytes=(\d+)-(\d+)", re.IGNORECASE)
_BLOCK = 1 << 20


def main(path: str, limit: int) -> None:
    """Serve until the process is ended."""
    file = os.open(path, os.O_RDONLY)
    server = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{server.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_serve, args=(connection, file, limit), daemon=True).start()


def _serve(connection: socket.socket, file: int, limit: int) -> None:
    size = os.fstat(file).st_size
    with connection, suppress(OSError):
        while request := _request(connection):
            match = _RANGE.search(request)
            start, end = (int(match[1]), int(match[2]) + 1) if match else (0, size)
            status = "206 Partial Content" if match else "200 OK"
            span = f"Content-Range: bytes {start}-{end - 1}/{size}\r\n" if match else ""
            head = f"HTTP/1.1 {status}\r\n{span}Content-Length: {end - start}\r\n\r\n"
            connection.sendall(head.encode())
            if not request.startswith(b"HEAD"):
                _send(connection, file, start, end, limit)


def _request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(65536)
        if not received:
            return b""
        request += received
    return request


def _send(connection: socket.socket, file: int, start: int, end: int, limit: int) -> None:
    began, sent = time.monotonic(), 0
    while start + sent < end:
        block = min(end - start - sent, _BLOCK if not limit else max(4096, limit // 50))
        sent += os.sendfile(connection.fileno(), file, start + sent, block)
        if limit:
            time.sleep(max(0.0, began + sent / limit - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
