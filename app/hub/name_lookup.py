"""Asking for the address of a host without anybody having to wait for the answer in the end."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import Any


def look_up_apart(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop that does not run yet look names up in threads of their own."""
    loop.getaddrinfo = partial(_look_up, loop)  # pyright: ignore[reportAttributeAccessIssue]


async def _look_up(
    loop: asyncio.AbstractEventLoop, host: str | None, port: int | str | None, **asked: int
) -> list[Any]:
    """What the loop's own does, in a thread that nobody waits for.

    A name server that is out of reach can be silent for half a minute, and the threads of asyncio
    are waited for when the loop, and again when the process, ends.
    """
    found: asyncio.Future[list[Any]] = loop.create_future()

    def settle(addresses: list[Any], error: Exception | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look() -> None:
        addresses: list[Any] = []
        error: Exception | None = None
        try:
            addresses = list(socket.getaddrinfo(host, port, **asked))
        except (OSError, ValueError) as raised:
            error = raised
        with suppress(RuntimeError):
            # The loop is closed where nobody waits any more.
            loop.call_soon_threadsafe(settle, addresses, error)

    threading.Thread(target=look, name="name look-up", daemon=True).start()
    return await found
