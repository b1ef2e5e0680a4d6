"""Telling, from a thread that works over files, how far it is; and ending it from outside."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Final

from app.domain.library import Told, WorkProgress

_SECONDS_BETWEEN: Final = 0.2


class Progress:
    """Made in the event loop's thread, called in the one that works."""

    def __init__(self, told: Told, is_unwanted: Callable[[], bool]) -> None:
        """`is_unwanted`, besides `cancel`, ends the work."""
        self.total_bytes = 0
        self._loop = asyncio.get_running_loop()
        self._told = told
        self._is_unwanted = is_unwanted
        self._cancelled = threading.Event()
        self._done = 0
        self._last = 0.0

    def cancel(self) -> None:
        """The work ends soon."""
        self._cancelled.set()

    def passed(self, count: int, name: str) -> None:
        """So many more bytes are done."""
        if self._cancelled.is_set() or self._is_unwanted():
            raise CancelledError
        self._done += count
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN:
            self._last = now
            progress = WorkProgress(self._done, max(self.total_bytes, self._done), name)
            self._loop.call_soon_threadsafe(self._tell, progress)

    def _tell(self, progress: WorkProgress) -> None:
        if not self._cancelled.is_set():
            self._told(progress)
