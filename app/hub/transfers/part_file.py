"""The file in which the bytes of a download are gathered until it is complete."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.hub.transfers.disk import reserve, translated

T = TypeVar("T")

if sys.platform == "win32":
    # No positioned reads and writes: one at a time may move the file's position.
    _position = threading.Lock()

    def _write_at(descriptor: int, data: memoryview, at: int) -> int:
        with _position:
            os.lseek(descriptor, at, os.SEEK_SET)
            return os.write(descriptor, data)

    def _read_at(descriptor: int, count: int, at: int) -> bytes:
        with _position:
            os.lseek(descriptor, at, os.SEEK_SET)
            return os.read(descriptor, count)

else:

    def _write_at(descriptor: int, data: memoryview, at: int) -> int:
        return os.pwrite(descriptor, data, at)

    def _read_at(descriptor: int, count: int, at: int) -> bytes:
        return os.pread(descriptor, count, at)


class PartFile:
    """An open part file. Its coroutines raise `TransferError` for what the disk says.

    A call that has begun is done to its end, even where its caller is cancelled: no descriptor is
    closed, and no journal written, under a write that still goes on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    async def open(self, size: int) -> bool:
        """Open or make it, `size` bytes long; True: the disk has set the room aside."""
        return await self._do(lambda: self._open(size))

    async def write(self, at: int, data: bytes, landed: Callable[[], object]) -> None:
        """All of `data`, from the byte `at` on; `landed` is called in a thread when it is there.

        That is how a caller that is cancelled meanwhile learns of it.
        """

        def land() -> None:
            self._write(at, data)
            landed()

        await self._do(land)

    async def sync(self) -> None:
        """What was written is on disk on return."""
        await self._do(lambda: os.fsync(self._descriptor))

    async def feed(self, at: int, nbytes: int, eat: Callable[[bytes], object]) -> None:
        """Hand these bytes to `eat`, in a thread."""
        await self._do(lambda: self._feed(at, nbytes, eat))

    async def close(self) -> None:
        """Close it; what is not synced may be lost with the power."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor != -1:
            await self._do(lambda: os.close(descriptor))

    def _open(self, size: int) -> bool:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._path, flags, 0o644)
        return reserve(self._descriptor, size)

    def _write(self, at: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            # Near the end of the room on a disk less is written than was asked for.
            written = _write_at(self._descriptor, left, at)
            left, at = left[written:], at + written

    def _feed(self, at: int, nbytes: int, eat: Callable[[bytes], object]) -> None:
        end = at + nbytes
        while at < end:
            block = _read_at(self._descriptor, min(1 << 20, end - at), at)
            if not block:
                raise OSError(None, "the part file is shorter than it was")
            eat(block)
            at += len(block)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await to_the_end(work)
        except OSError as error:
            raise translated(error, self._path) from error


async def to_the_end(work: Callable[[], T]) -> T:
    """Run in a thread and wait for it; a cancellation meanwhile is raised when it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        # Looked at, so that it does not count as overlooked: the cancellation is what is raised.
        running.exception()
        raise
