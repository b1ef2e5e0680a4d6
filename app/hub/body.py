"""The body of an answer as it comes, past the HTTP parser where that would be felt."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from app.hub.wire import WireStream

FAST = 100e6
"""Bytes per second from which on one connection counts as a fast one."""
_LOOKED_AT = 16 << 20
"""Bytes after which a speed is known."""
_TOGETHER = 0.1
"""Seconds for which a fast connection gathers bytes before they are looked at."""


class Body:
    """An answer without an encoding, read into the caller's memory. Use as a context.

    While it is slow it comes through h11, and its connection is used again afterwards. Where it is
    fast and its length was announced nothing is left for h11 to do, so that it is received from the
    connection itself. h11 does not see its end then, which costs the connection.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._blocks = response.aiter_raw()
        self._block = memoryview(b"")
        self._stream: WireStream | None = None
        self._left = _announced(response)
        self._since = time.monotonic()
        self._looked_at = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._blocks.aclose()

    async def fill(self, view: memoryview) -> int:
        """How many bytes came into `view`: at least one, 0 at the end, which may be too early.

        Raises what httpx2 raises.
        """
        if self._stream is not None:
            return await self._receive(self._stream, view)
        if not self._block:
            self._block = memoryview(await anext(self._blocks, b""))
        taken = self._block[: len(view)]
        view[: len(taken)] = taken
        self._block = self._block[len(taken) :]
        self._left -= len(taken)
        self._look(len(taken))
        return len(taken)

    def _look(self, nbytes: int) -> None:
        self._looked_at += nbytes
        # Between two blocks nothing of the body is in the parser: it gives all that it is given.
        if self._looked_at < _LOOKED_AT or self._block or self._left <= 0:
            return
        now = time.monotonic()
        stream = self._response.extensions.get("network_stream")
        if self._looked_at >= FAST * (now - self._since) and isinstance(stream, WireStream):
            self._stream = stream
        self._since, self._looked_at = now, 0

    async def _receive(self, stream: WireStream, view: memoryview) -> int:
        if self._left <= 0:
            return 0
        patience = self._response.request.extensions["timeout"]["read"]
        try:
            count = await stream.fill(view[: self._left], _TOGETHER, patience)
        except httpcore2.TimeoutException as error:
            raise httpx2.ReadTimeout(str(error)) from error
        except httpcore2.NetworkError as error:
            raise httpx2.ReadError(str(error)) from error
        self._left -= count
        return count


def _announced(response: httpx2.Response) -> int:
    """Bytes of the body; 0 where nobody knows, or another protocol carries it."""
    headers = response.headers
    if response.http_version != "HTTP/1.1" or "transfer-encoding" in headers:
        return 0
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0
