"""`python -m tests.bench.file_server BLOCK SIZE BYTES_PER_SECOND each|line`: gives a file, fast.

A process of its own, so that the server's work is not done by the process that is measured. What it
gives is the file BLOCK again and again, SIZE bytes, so that it stays in the processor's reach.
Speaks what a download asks of a hub that gives its files itself; prints its port. The limit holds
for each connection, or for all of them together, as that of a line does; 0 sets none.
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
_AT_ONCE = 1 << 20


class _Line:
    """Lets so many bytes pass in a second, whoever sends them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free_at = time.monotonic()
        self._lock = threading.Lock()

    @property
    def block(self) -> int:
        """How much is sent at a time."""
        return max(4096, min(_AT_ONCE, self._limit // 50)) if self._limit else _AT_ONCE

    def wait(self, nbytes: int) -> None:
        """Until the line has carried so many bytes more."""
        if not self._limit:
            return
        with self._lock:
            # A line that stood still does not carry more afterwards.
            begin = max(self._free_at, time.monotonic() - 0.01)
            self._free_at = begin + nbytes / self._limit
            until = self._free_at
        time.sleep(max(0.0, until - time.monotonic()))


class _Content:
    """A block of a file, repeated."""

    def __init__(self, path: str, size: int) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._block = os.fstat(self._file).st_size
        self.size = size

    def send(self, connection: socket.socket, start: int, nbytes: int) -> int:
        """How many of these bytes were sent."""
        at = start % self._block
        return os.sendfile(connection.fileno(), self._file, at, min(nbytes, self._block - at))


def main(path: str, size: int, limit: int, shared: bool) -> None:
    """Serve until the process is ended."""
    content = _Content(path, size)
    server = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{server.getsockname()[1]}\n")
    sys.stdout.flush()
    line = _Line(limit)
    while True:
        connection, _ = server.accept()
        taken = line if shared else _Line(limit)
        threading.Thread(target=_serve, args=(connection, content, taken), daemon=True).start()


def _serve(connection: socket.socket, content: _Content, line: _Line) -> None:
    size = content.size
    with connection, suppress(OSError):
        while request := _request(connection):
            match = _RANGE.search(request)
            start, end = (int(match[1]), int(match[2]) + 1) if match else (0, size)
            status = "206 Partial Content" if match else "200 OK"
            span = f"Content-Range: bytes {start}-{end - 1}/{size}\r\n" if match else ""
            head = f"HTTP/1.1 {status}\r\n{span}Content-Length: {end - start}\r\n\r\n"
            connection.sendall(head.encode())
            if not request.startswith(b"HEAD"):
                _send(connection, content, start, end, line)


def _request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(65536)
        if not received:
            return b""
        request += received
    return request


def _send(connection: socket.socket, content: _Content, start: int, end: int, line: _Line) -> None:
    while start < end:
        sent = content.send(connection, start, min(end - start, line.block))
        start += sent
        line.wait(sent)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "line")
