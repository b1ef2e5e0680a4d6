"""A stream of events from a worker thread to a coroutine, in batches.

The first batch is handed over at once; the next ones at an interval that stretches to what the
reader needed for the last one (so load sets the frame rate, as in qtconsole's output flushing). A
cross-thread wake-up happens only when the reader waits, never per event: a thread-safe callback per
token cost 111 ms per 5,000 tokens of the GUI thread, a drained queue 2 ms (notes/exemplars.md, F2).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")

INTERVAL = 0.033
"""Seconds between batches at the least: 30 paints a second read as continuous."""
COST_FACTOR = 4.0
"""The reader may spend a quarter of the time on batches."""
LONGEST_INTERVAL = 0.2
"""Seconds; below the 250 ms after which what is on the screen must be on disk."""


class BatchStream(Generic[T]):
    """Many events in, few batches out; ends after `finish`.

    `put` and `finish` may be called from any thread, the iteration belongs to `loop`'s thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float = INTERVAL) -> None:
        self._loop = loop
        self._interval = interval
        self._events: deque[T] = deque()
        self._wake = asyncio.Event()
        self._waiting = False
        self._finished = False

    def put(self, event: T) -> None:
        """Hand over one event. After `finish` it is dropped: a stream ends once."""
        if self._finished:
            return
        self._events.append(event)
        self._wake_reader()

    def finish(self, last: T) -> None:
        """Hand over the terminal event and end the stream; later calls do nothing."""
        if self._finished:
            return
        self._events.append(last)
        self._finished = True
        self._wake_reader()

    def _wake_reader(self) -> None:
        if not self._waiting:
            return
        self._waiting = False
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:
            # The loop is closed: the application ends and nobody reads any more.
            return

    async def __aiter__(self) -> AsyncIterator[list[T]]:
        """Yield non-empty batches until the one that ends with the terminal event."""
        while True:
            batch = await self._next_batch()
            if not batch:
                return
            ends = self._finished and not self._events
            began = time.perf_counter()
            yield batch
            if ends:
                return
            cost = time.perf_counter() - began
            pause = min(max(self._interval, COST_FACTOR * cost), LONGEST_INTERVAL)
            await asyncio.sleep(max(0.0, pause - cost))

    async def _next_batch(self) -> list[T]:
        while not self._events and not self._finished:
            self._wake.clear()
            self._waiting = True
            # An event may have come between the look and the flag; then nobody would wake us.
            if self._events or self._finished:
                self._waiting = False
                break
            await self._wake.wait()
        batch: list[T] = []
        while self._events:
            batch.append(self._events.popleft())
        return batch
