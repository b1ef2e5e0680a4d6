"""A thread with an event loop of its own, for work that must not share the caller's."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines in its own thread, which begins with the first of them.

    `call` and `close` belong to one event loop, the caller's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the coroutine returns or raises. `make` runs in the thread too.

        Cancelling the caller cancels the coroutine; nobody waits then for its end.
        """

        async def made() -> T:
            return await make()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(made(), self._running()))

    async def close(self) -> None:
        """Cancel what is left, end the thread and wait for it; does nothing if none was begun."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.to_thread(thread.join)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = loop = asyncio.new_event_loop()
            loop.getaddrinfo = partial(_look_up, loop)  # pyright: ignore[reportAttributeAccessIssue]
            # A daemon, so that an end without `close` (a bug elsewhere) does not hang for ever.
            self._thread = threading.Thread(target=_run, args=(loop,), name=self._name, daemon=True)
            self._thread.start()
        return self._loop


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


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
