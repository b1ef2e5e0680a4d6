"""One SQLite connection and the only thread that touches it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from app.store.translate import translated

T = TypeVar("T")


class ConnectionThread:
    """Runs jobs one after another on a connection that it opens at the first of them.

    Where opening fails the job fails with the reason, and the next job tries again. `path` is the
    database file, for the error's detail; None for one in memory.
    """

    def __init__(
        self, name: str, connect: Callable[[], sqlite3.Connection], path: Path | None
    ) -> None:
        self._connect = connect
        self._path = path
        self._connection: sqlite3.Connection | None = None
        # One thread; queue, futures and the sentinel that ends it are the executor's.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What `job` returns; raises `StoreError` cases.

        A job once asked for is done, even if nobody waits for it any more: text that is on the
        screen must reach the disk although its task was cancelled.
        """
        return await self._submit(lambda: job(self._opened()))

    def interrupt(self) -> None:
        """End the statement that is running now, if any, with SQLITE_INTERRUPT."""
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    async def disconnect(self) -> None:
        """Close the connection after the jobs before this one; the next job opens another."""
        await self._submit(self._close)

    async def close(self) -> None:
        """Do all jobs, close the connection, end the thread; a job after that is a bug."""
        await self.disconnect()
        self._executor.shutdown()

    async def _submit(self, call: Callable[[], T]) -> T:
        def guarded() -> T:
            with translated(self._path):
                return call()

        return await asyncio.shield(asyncio.wrap_future(self._executor.submit(guarded)))

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
