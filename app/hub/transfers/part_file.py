"""The file in which the bytes of a download are gathered until it is complete."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.hub.transfers.disk import is_set_aside, reserve, translated

T = TypeVar("T")

if sys.platform == "win32":
    # No positioned writes: one at a time may move the file's position.
    _position = threading.Lock()

    def _write_at(descriptor: int, data: memoryview, at: int) -> int:
        with _position:
            os.lseek(descriptor, at, os.SEEK_SET)
            return os.write(descriptor, data)

else:

    def _write_at(descriptor: int, data: memoryview, at: int) -> int:
        return os.pwrite(descriptor, data, at)


_READ_AT_ONCE = 1 << 20


class PartFile:
    """An open part file. Its coroutines raise `TransferError` for what the disk says.

    A call that has begun is done to its end, even where its caller is cancelled: no descriptor is
    closed, and no journal written, under a write that still goes on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._room = memoryview(bytearray(_READ_AT_ONCE))

    async def open(self, size: int) -> bool:
        """Open or make it, `size` bytes long; True: the disk has set the room aside."""
        return await self._do(lambda: self._open(size))

    async def write(self, at: int, data: memoryview, landed: Callable[[int], object]) -> None:
        """All of `data`, from the byte `at` on; `landed` hears in a thread how much more is there.

        That is how a caller that is cancelled meanwhile, or whose disk is full, learns of it.
        """
        await self._do(lambda: self._write(at, data, landed))

    async def sync(self) -> None:
        """What was written is on disk on return."""
        await self._do(lambda: os.fsync(self._descriptor))

    async def feed(self, at: int, nbytes: int, eat: Callable[[memoryview], object]) -> None:
        """Hand these bytes to `eat`, in a thread; one call at a time. It must not keep them."""
        await self._do(lambda: self._feed(at, nbytes, eat))

    async def close(self) -> None:
        """Close it; what is not synced may be lost with the power."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor != -1:
            await self._do(lambda: os.close(descriptor))

    def _open(self, size: int) -> bool:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._path, flags, 0o644)
        if os.fstat(self._descriptor).st_size == size and is_set_aside(self._path, size):
            return True
        return reserve(self._descriptor, size)

    def _write(self, at: int, data: memoryview, landed: Callable[[int], object]) -> None:
        left = data
        while left:
            # Near the end of the room on a disk less is written than was asked for.
            written = _write_at(self._descriptor, left, at)
            left, at = left[written:], at + written
            landed(written)

    def _feed(self, at: int, nbytes: int, eat: Callable[[memoryview], object]) -> None:
        # A reader of its own, with a place in the file of its own, into memory that is used again:
        # fresh memory for each megabyte costs as much as reading it.
        with open(self._path, "rb", buffering=0) as file:
            file.seek(at)
            while nbytes:
                count = file.readinto(self._room[: min(nbytes, _READ_AT_ONCE)])
                if not count:
                    raise OSError(None, "the part file is shorter than it was")
                eat(self._room[:count])
                nbytes -= count

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await to_the_end(work)
        except OSError as error:
            raise translated(error, self._path) from error


async def to_the_end(work: Callable[[], T]) -> T:
    """Run in a thread and wait for it; a cancellation meanwhile is raised when it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError as error:
            # Each time: a pause is often followed by a removal.
            cancelled = error
    if cancelled is not None:
        # Looked at, so that it does not count as overlooked: the cancellation is what is raised.
        running.exception()
        raise cancelled
    return running.result()
