"""The connections under the HTTP library, which can receive straight into the caller's memory.

httpcore's own pass each block of at most 256 KiB (16 KiB where it is encrypted) through anyio, h11
and six coroutines, with three copies and three system calls: for a gigabyte 1.0 s of processor time
on loopback, 2.7 s encrypted. Here the system, or OpenSSL, writes into a megabyte of the caller's.
"""

# ruff: noqa: ASYNC109 - `timeout` is what httpcore hands over

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore2

if TYPE_CHECKING:
    import httpx2

READ_AT_ONCE = 256 << 10
"""Bytes: what asyncio itself reads at most from a socket."""
_BACKEND = "_network_backend"
_EYEBALLS = 0.25
"""Seconds before a host's next address is tried beside the first (RFC 8305)."""

# Else a received block would be cut in four, each with its own passage through the parser. It is
# annotated as the very number that it is.
httpcore2.AsyncHTTP11Connection.READ_NUM_BYTES = READ_AT_ONCE  # pyright: ignore[reportAttributeAccessIssue]


def use_wire(http: httpx2.AsyncClient) -> None:
    """Let a client that was not used yet open its connections here, those to proxies too.

    httpx2 hands no network backend on to httpcore2, which takes one: hence the private names. A
    library that has them no longer goes on with its own connections.
    """
    transports: list[Any] = [getattr(http, "_transport", None)]
    transports += getattr(http, "_mounts", {}).values()
    for transport in transports:
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore2.AsyncConnectionPool):
            setattr(pool, _BACKEND, Wire())


class Wire(httpcore2.AsyncNetworkBackend):
    """Opens connections with asyncio alone."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> WireStream:
        """Raises `httpcore2.ConnectError` and `ConnectTimeout`."""
        loop = asyncio.get_running_loop()
        local = (local_address, 0) if local_address else None
        opening = asyncio.ensure_future(
            loop.create_connection(
                _Receiver, host, port, local_addr=local, happy_eyeballs_delay=_EYEBALLS
            )
        )
        with _translated(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            try:
                async with asyncio.timeout(timeout):
                    # Not cancelled: asyncio's race between addresses would leave its winner open.
                    transport, receiver = await asyncio.shield(opening)
            except (asyncio.CancelledError, TimeoutError):
                opening.add_done_callback(_not_wanted)
                raise
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return WireStream(transport, receiver)

    async def sleep(self, seconds: float) -> None:
        """Between attempts."""
        await asyncio.sleep(seconds)


class WireStream(httpcore2.AsyncNetworkStream):
    """One connection."""

    def __init__(self, transport: asyncio.Transport, receiver: _Receiver) -> None:
        self._transport = transport
        self._receiver = receiver

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; none at the end. Raises `httpcore2.ReadError` and `ReadTimeout`."""
        with _translated(httpcore2.ReadTimeout, httpcore2.ReadError):
            return await self._receiver.read(max_bytes, timeout)

    async def fill(self, view: memoryview, seconds: float, timeout: float | None) -> int:
        """How many bytes were received into `view`: until it is full, or for so many seconds.

        At least one, or 0 at the end. Raises `httpcore2.ReadError`, and `ReadTimeout` where nothing
        has come for the time of `timeout`.
        """
        with _translated(httpcore2.ReadTimeout, httpcore2.ReadError):
            return await self._receiver.fill(view, seconds, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises `httpcore2.WriteError` and `WriteTimeout`."""
        with _translated(httpcore2.WriteTimeout, httpcore2.WriteError):
            if self._receiver.lost:
                raise ConnectionError("the connection is closed")
            self._transport.write(buffer)
            async with asyncio.timeout(timeout):
                await self._receiver.writable.wait()

    async def aclose(self) -> None:
        """At once: whatever is still on the way is not wanted."""
        self._transport.abort()
        # asyncio closes the socket with its next step.
        await asyncio.sleep(0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> WireStream:
        """Encrypted from here on; raises `httpcore2.ConnectError` and `ConnectTimeout`."""
        loop = asyncio.get_running_loop()
        with _translated(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            try:
                async with asyncio.timeout(timeout):
                    transport = await loop.start_tls(
                        self._transport,
                        self._receiver,
                        ssl_context,
                        server_hostname=server_hostname,
                    )
            except BaseException:
                self._transport.abort()
                raise
        if transport is None:
            raise httpcore2.ConnectError("the connection was closed while it was encrypted")
        self._receiver.transport = transport
        return WireStream(transport, self._receiver)

    def get_extra_info(self, info: str) -> Any:
        """By the names that httpcore gives them."""
        if info == "is_readable":
            return self._receiver.readable
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


class _Receiver(asyncio.BufferedProtocol):
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
        return self._target[self._filled :] or self._own[self._come :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._filled < len(self._target):
            self._filled += nbytes
            if self._any_will_do or self._filled == len(self._target):
                self._wake()
            return
        self._come += nbytes
        if self._come == len(self._own) and self.transport is not None:
            self.transport.pause_reading()
        if self._any_will_do:
            self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self._ended = True
        self._fault = exc
        self.writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    # ------------------------------------------------------------------------- the rest

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


def _not_wanted(opening: asyncio.Future[tuple[asyncio.Transport, _Receiver]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


@contextmanager
def _translated(late: type[Exception], failed: type[Exception]) -> Generator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error
