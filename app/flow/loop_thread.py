"""A thread with an event loop of its own, for work that must not share the caller's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines in its own thread, which begins with the first of them.

    `call` and `close` belong to one event loop, the caller's.
    """

    def __init__(
        self, name: str, prepare: Callable[[asyncio.AbstractEventLoop], None] | None = None
    ) -> None:
        """`prepare` is given the loop before it runs."""
        self._name = name
        self._prepare = prepare
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
            if self._prepare is not None:
                self._prepare(loop)
            # A daemon, so that an end without `close` (a bug elsewhere) does not hang for ever.
            self._thread = threading.Thread(target=_run, args=(loop,), name=self._name, daemon=True)
            self._thread.start()
        return self._loop


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
