"""What all connections of one transfer share, and when one of them is given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.domain.errors import (
    AppError,
    HubAnswerBroken,
    HubBusy,
    HubFault,
    HubNotTrusted,
    HubSilent,
    HubUnreachable,
    NetworkOff,
)
from app.hub.client import HubClient
from app.hub.transfers.pace import Bandwidth, Pace, Patience, Speedometer

PASSING = (
    HubUnreachable,
    HubSilent,
    HubBusy,
    HubFault,
    HubAnswerBroken,
    HubNotTrusted,
    NetworkOff,
)
"""Faults that can be over in a while: a line, a hotel's sign-in page, a restarted server."""


@dataclass(slots=True)
class Traffic:
    """What the files of one transfer share, and what is shown of it."""

    client: HubClient
    pace: Pace
    bandwidth: Bandwidth
    patience: Patience
    speed: Speedometer
    connections: int
    open_connections: int = 0
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no connection is open, after the first one was."""
    held_bytes: int = 0
    """Received, not written yet."""
    trouble: AppError | None = None
    """Why nothing comes, while everybody waits to try again."""
    retry_at: float | None = None
    """On `time.monotonic`'s clock."""

    @contextmanager
    def connection(self) -> Generator[None]:
        """Around everything that a connection is open for."""
        self.open_connections += 1
        self.silent.clear()
        try:
            yield
        finally:
            self.open_connections -= 1
            if not self.open_connections:
                self.silent.set()


class CrawlWatch:
    """Gives up a connection that lives, but brings next to nothing."""

    def __init__(self, traffic: Traffic, host: str) -> None:
        self._traffic = traffic
        self._host = host
        self._since = time.monotonic()
        self._received = 0

    def look(self, now: float, nbytes: int) -> None:
        """So much more came; raises `HubSilent`."""
        self._received += nbytes
        if now - self._since < self._traffic.pace.crawl:
            return
        if self._received < self._traffic.pace.crawl_bytes:
            raise broken_off(self._host)
        self._since, self._received = now, 0

    def excuse(self, seconds: float) -> None:
        """So long it was our own limit that nothing was received for."""
        self._since += seconds


def broken_off(host: str) -> HubSilent:
    """A connection that ends before all has come, or brings next to nothing."""
    return HubSilent(f"The connection to {host} broke.", "", "Lamplight tries again by itself.")
