"""What comes over one connection, into the memory of whoever waits for it."""

# ruff: noqa: ASYNC109 - as in `app.hub.wire`

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

READ_AT_ONCE = 256 << 10
"""Bytes: what asyncio itself reads at most from a socket."""


class Receiver(asyncio.BufferedProtocol):
    """Receives into the memory of whoever waits, and a little ahead into its own."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self.writable = asyncio.Event()
        self.writable.set()
        self._own = memoryview(bytearray(READ_AT_ONCE))
        self._taken = self._come = 0
        self._target = self._own[:0]
        self._filled = 0
        self._ended = False
        self._fault: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._any_will_do = True

    @property
    def readable(self) -> bool:
        """Whether something has come that nobody has asked for, or the end."""
        return self._ended or self._come > self._taken

    async def read(self, most: int, timeout: float | None) -> bytes:
        """See `WireStream.read`; raises `OSError` and `TimeoutError`."""
        if not self.readable:
            await self._wait(timeout)
            if not self.readable:
                raise TimeoutError
        data = bytes(self._own[self._taken : min(self._come, self._taken + most)])
        self._take(len(data))
        return self._or_fault(data)

    async def fill(self, view: memoryview, seconds: float, timeout: float | None) -> int:
        """See `WireStream.fill`; raises `OSError` and `TimeoutError`."""
        ready = self._own[self._taken : min(self._come, self._taken + len(view))]
        view[: len(ready)] = ready
        self._target, self._filled = view, len(ready)
        self._take(len(ready))
        try:
            if self._filled < len(view) and not self._ended:
                self._any_will_do = False
                await self._wait(seconds)
            if not self._filled and not self._ended:
                self._any_will_do = True
                await self._wait(timeout)
                if not self._filled and not self._ended:
                    raise TimeoutError
            return self._or_fault(self._filled)
        finally:
            self._target, self._filled, self._any_will_do = self._own[:0], 0, True

    # ---------------------------------------------------------------- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the base's
        if self._filled < len(self._target):
            return self._target[self._filled :]
        if self._come == len(self._own):
            # Windows hands over all of a block that it has received, whatever was asked of it.
            larger = memoryview(bytearray(2 * len(self._own)))
            larger[: self._come] = self._own
            self._own = larger
        return self._own[self._come :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._filled < len(self._target):
            self._filled += nbytes
            if self._any_will_do or self._filled == len(self._target):
                self._wake()
            return
        self._come += nbytes
        if self._come >= READ_AT_ONCE and self.transport is not None:
            self.transport.pause_reading()
        if self._any_will_do:
            self._wake()

    def eof_received(self) -> bool:
        self._drain()
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self._ended = True
        # asyncio hands over whatever it ran into.
        self._fault = exc if exc is None or isinstance(exc, OSError) else ConnectionError(str(exc))
        self.writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    # ------------------------------------------------------------------------- the rest

    def _drain(self) -> None:
        """Take what came encrypted before the end.

        asyncio fills one buffer more of whoever had paused it, and forgets the rest.
        """
        pipe = self.transport and self.transport.get_extra_info("ssl_object")
        if pipe is None:
            return
        with suppress(ssl.SSLError):
            while count := pipe.read(READ_AT_ONCE, self.get_buffer(-1)):
                self.buffer_updated(count)

    def _take(self, nbytes: int) -> None:
        """So many bytes of its own memory are with the caller."""
        self._taken += nbytes
        if self._taken == self._come:
            self._taken = self._come = 0
            if self.transport is not None and not self._ended:
                self.transport.resume_reading()

    def _or_fault(self, given: Any) -> Any:
        """What has come, and the fault only after it."""
        if not given and self._fault is not None:
            raise self._fault
        return given

    async def _wait(self, seconds: float | None) -> None:
        """Until it is woken, or for so long."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
