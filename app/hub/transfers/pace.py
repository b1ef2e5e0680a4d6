"""How fast: the limit of the line, the speed that is shown, the patience after a fault."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_SPEED_WINDOW = 5.0
_FORECAST_WINDOW = 30.0
_SILENCE = 2.0
"""Seconds without a byte after which the speed is 0, as it is."""
_GULP = 16 << 10
_LONGEST_SLEEP = 0.25
"""Seconds: how soon a changed limit is felt."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times, in seconds, and sizes that a test makes shorter."""

    crawl: float = 30.0
    """So long is looked at whether a connection brings more than `crawl_bytes`."""
    crawl_bytes: int = 16 << 10
    first_wait: float = 1.0
    longest_wait: float = 60.0
    checkpoint: float = 3.0
    """At most so much time's traffic is fetched again after a crash."""
    checkpoint_bytes: int = 128 << 20
    """And at most about so many bytes."""
    hold: float = 1.0
    """On a slow line bytes are not held back for longer before they are written."""
    report: float = 0.2
    """Between two reports of progress."""


class Bandwidth:
    """One limit for all connections together. What comes is paid for, and the debt waited off."""

    def __init__(self) -> None:
        self.bytes_per_second = 0.0
        self._debt = 0.0
        self._paid_at = time.monotonic()

    @property
    def gulp(self) -> int:
        """Bytes that are received at a time: few enough that the limit is not felt as a stutter."""
        return max(_GULP, int(self.bytes_per_second / 16)) if self.bytes_per_second else sys.maxsize

    async def pay(self, nbytes: int) -> float:
        """Wait as long as the limit asks for so many bytes; the seconds that it was."""
        if not self.bytes_per_second:
            return 0.0
        began = time.monotonic()
        self._forgive()
        self._debt += nbytes
        while self.bytes_per_second and self._debt > 0:
            await asyncio.sleep(min(self._debt / self.bytes_per_second, _LONGEST_SLEEP))
            self._forgive()
        return time.monotonic() - began

    def _forgive(self) -> None:
        now = time.monotonic()
        paid = (now - self._paid_at) * self.bytes_per_second
        self._debt, self._paid_at = max(0.0, self._debt - paid), now


class Speedometer:
    """Bytes per second of the last seconds, and how long the rest will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._received: deque[tuple[float, int]] = deque()
        self._began = clock()

    def add(self, nbytes: int) -> None:
        """So many bytes have come now."""
        now = self._clock()
        if self._received and now - self._received[-1][0] < 0.1:
            when, before = self._received.pop()
            self._received.append((when, before + nbytes))
        else:
            self._received.append((now, nbytes))
        while self._received and now - self._received[0][0] > _FORECAST_WINDOW:
            self._received.popleft()

    def speed(self) -> float:
        """Bytes per second; 0 where nothing has come for two seconds."""
        if not self._received or self._clock() - self._received[-1][0] > _SILENCE:
            return 0.0
        return self._over(_SPEED_WINDOW)

    def seconds_left(self, nbytes: int) -> float | None:
        """How long so many bytes more will take; None where nobody can tell."""
        if not nbytes:
            return 0.0
        speed = self._over(_FORECAST_WINDOW)
        return nbytes / speed if speed and self.speed() else None

    def _over(self, seconds: float) -> float:
        now = self._clock()
        span = min(seconds, now - self._began)
        received = sum(nbytes for when, nbytes in self._received if now - when <= seconds)
        return received / max(span, 0.25)


class Patience:
    """How long to wait after a fault: longer each time, until something comes again."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._faults = 0
        self._hurry = asyncio.Event()

    def progress(self) -> None:
        """Something has come."""
        self._faults = 0

    def next_wait(self, asked: float = 0.0) -> float:
        """Seconds; `asked` is what the other side wants at least."""
        wait = min(self._pace.first_wait * 2.0 ** min(self._faults, 30), self._pace.longest_wait)
        self._faults += 1
        # Not all clients that a fault has hit come back at the same moment.
        return max(asked, wait * random.uniform(0.5, 1.0))

    async def wait(self, seconds: float) -> None:
        """Until then, or until `hurry`."""
        # Not `wait_for`, which before Python 3.12 forgets a cancellation that comes with the event.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    def hurry(self) -> None:
        """Whoever waits tries again now."""
        self._faults = 0
        self._hurry.set()
        self._hurry = asyncio.Event()
