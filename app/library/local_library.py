"""The adapter for `ModelLibrary`: looks at model files in threads of its own."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from app.domain.errors import ModelFileError
from app.domain.localmodel import (
    STARTER_LABEL,
    BeginningTooShort,
    FileBeginning,
    LocalModel,
)
from app.library.adapter_file import require_adapter
from app.library.beginning import inspect_beginnings
from app.library.model_file import FileStamp, inspect_file, name_of, stamp_of, translate_os_error
from app.library.starter import starter_path

T = TypeVar("T")

log = logging.getLogger(__name__)

THREADS = 2
"""One may be busy for minutes with a checksum while the other reads a header."""
_BLOCK = 1 << 20


class LocalLibrary:
    """Model files on this machine.

    `find_starter` answers with the path of the starter model or None.
    """

    def __init__(self, find_starter: Callable[[], str | None] = starter_path) -> None:
        self._find_starter = find_starter
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="library")
        self._known: dict[str, tuple[LocalModel, tuple[FileStamp, ...]]] = {}
        self._closing = threading.Event()

    async def inspect(self, path: str) -> LocalModel:
        """Read the header; raises a `ModelFileError` case where it cannot be used for chat."""
        return await self._in_pool(lambda: self._inspect(path))

    async def require_adapter(self, path: str, architecture: str) -> None:
        """Read the header of a LoRA adapter; raises where it is none for this architecture."""
        await self._in_pool(lambda: require_adapter(path, architecture))

    async def inspect_beginnings(
        self, shards: Sequence[FileBeginning]
    ) -> LocalModel | BeginningTooShort:
        """As `inspect`, for all shards of a model elsewhere, as far as they were read."""
        return await self._in_pool(lambda: inspect_beginnings(shards))

    async def starter(self) -> LocalModel | None:
        """The starter model, where it is installed and sound."""
        return await self._in_pool(self._starter)

    async def sha256(self, path: str) -> str:
        """Of the file (of all shards in order), in lower-case hex; raises `ModelFileError`.

        Cancelling the caller ends the reading, as does `close`.
        """
        unwanted = threading.Event()
        try:
            return await self._in_pool(lambda: self._sha256(path, unwanted))
        finally:
            unwanted.set()

    async def close(self) -> None:
        """End running work and the threads."""
        self._closing.set()
        # Waiting in a thread, because a header on a sleeping drive may take its time.
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _inspect(self, path: str) -> LocalModel:
        path = os.path.abspath(path)
        known = self._known.get(path)
        if known is not None and _unchanged(known[1]):
            return known[0]
        found, stamps = inspect_file(path)
        if self._is_starter(found.path):
            found = replace(found, label=STARTER_LABEL, read_only=True, is_starter=True)
        self._known[path] = (found, stamps)
        return found

    def _starter(self) -> LocalModel | None:
        path = self._find_starter()
        try:
            return self._inspect(path) if path else None
        except ModelFileError as error:
            # Nobody asked for this file, so nobody is told; the window opens without it.
            log.warning("the starter model cannot be used: %s", error.kind)
            return None

    def _is_starter(self, path: str) -> bool:
        starter = self._find_starter()
        return starter is not None and os.path.abspath(starter) == path

    def _sha256(self, path: str, unwanted: threading.Event) -> str:
        _, stamps = inspect_file(path)
        digest = hashlib.sha256()
        for stamp in stamps:
            try:
                with open(stamp.path, "rb", buffering=0) as file:
                    while block := file.read(_BLOCK):
                        if unwanted.is_set() or self._closing.is_set():
                            raise CancelledError
                        digest.update(block)
            except OSError as error:
                raise translate_os_error(error, name_of(stamp.path)) from error
        return digest.hexdigest()


def _unchanged(stamps: tuple[FileStamp, ...]) -> bool:
    try:
        return all(stamp_of(stamp.path) == stamp for stamp in stamps)
    except ModelFileError:
        return False
