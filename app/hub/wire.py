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

from app.hub.receiver import READ_AT_ONCE, Receiver

if TYPE_CHECKING:
    import httpx2

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
                Receiver, host, port, local_addr=local, happy_eyeballs_delay=_EYEBALLS
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

    def __init__(self, transport: asyncio.Transport, receiver: Receiver) -> None:
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
        """Encrypted from here on; raises `httpcore2.ConnectError` and `ConnectTimeout`.

        With a receiver of its own: what came before, in clear text, must never be taken for
        something that came encrypted.
        """
        loop = asyncio.get_running_loop()
        receiver = Receiver()
        with _translated(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            try:
                if self._receiver.readable:
                    raise ConnectionError("something came before the connection was encrypted")
                async with asyncio.timeout(timeout):
                    transport = await loop.start_tls(
                        self._transport,
                        receiver,
                        ssl_context,
                        server_hostname=server_hostname,
                    )
            except BaseException:
                self._transport.abort()
                raise
        if transport is None:
            raise httpcore2.ConnectError("the connection was closed while it was encrypted")
        receiver.transport = transport
        return WireStream(transport, receiver)

    def get_extra_info(self, info: str) -> Any:
        """By the names that httpcore gives them."""
        if info == "is_readable":
            return self._receiver.readable
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


def _not_wanted(opening: asyncio.Future[tuple[asyncio.Transport, Receiver]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


@contextmanager
def _translated(late: type[Exception], failed: type[Exception]) -> Generator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, ValueError) as error:
        # ValueError: a name that cannot be one of a host, which a redirect may lead to.
        raise failed(str(error)) from error
