"""A hub on loopback and a queue of downloads before it, in the test's own loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.domain.errors import NetworkOff
from app.domain.hub import HubWay
from app.domain.network import Purpose
from app.domain.transfer import Transfer, TransferLimits, TransferPhase, TransferRequest
from app.hub.client import HubClient
from app.hub.endpoint import endpoint_at
from app.hub.transfers.pace import Pace
from app.hub.transfers.queue import Queue
from tests.helpers.hub_server import FakeRepo, HubServer, request_for

QUICK = Pace(
    crawl=0.5,
    crawl_bytes=1 << 12,
    first_wait=0.02,
    longest_wait=0.1,
    checkpoint=0.1,
    hold=0.1,
    report=0.02,
)
"""Short waits; a fault must not make a test slow."""
STALL = 0.4
"""Seconds of silence after which a connection is given up, here."""
ENDED = (TransferPhase.FINISHED, TransferPhase.FAILED, TransferPhase.PAUSED)
PATIENCE = 20.0


class OpenGate:
    """Lets everything through and remembers it, until it is closed."""

    def __init__(self) -> None:
        self.asked: list[tuple[Purpose, str]] = []
        self.closed = False

    def ask(self, purpose: Purpose, host: str) -> None:
        """As the port says."""
        self.asked.append((purpose, host))
        if self.closed:
            raise NetworkOff("Lamplight is set to use no network.")


def contents(nbytes: int, seed: int = 1) -> bytes:
    """Bytes in which nothing repeats."""
    return random.Random(seed).randbytes(nbytes)


def whole(done: Transfer) -> bytes:
    """What a finished download has brought, all its files one after another."""
    return b"".join(Path(path).read_bytes() for path in done.paths)


@dataclass
class Rig:
    """What a test of downloads needs."""

    server: HubServer
    models: Path
    queue: Queue
    client: HubClient
    gate: OpenGate
    told: list[tuple[Transfer, ...]] = field(default_factory=list)

    def repo(self, **files: bytes) -> FakeRepo:
        """Offer `author/model`, with `name.gguf` for each name."""
        named = {f"{name}.gguf": content for name, content in files.items()}
        return self.server.add(FakeRepo("author/model", named))

    async def add(self, request: TransferRequest | FakeRepo) -> str:
        """Begin a download (of all files of a repository)."""
        wanted = request_for(request) if isinstance(request, FakeRepo) else request
        return await self.queue.add(wanted)

    def now(self, transfer_id: str) -> Transfer:
        """How far it is."""
        return next(each for each in self.queue.snapshot() if each.transfer_id == transfer_id)

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait for something that comes without an event."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.005)

    async def ended(self, transfer_id: str) -> Transfer:
        """Wait until it runs no more."""
        await self.until(lambda: self.now(transfer_id).phase in ENDED)
        return self.now(transfer_id)

    async def download(self, request: TransferRequest | FakeRepo) -> Transfer:
        """From the beginning to its end."""
        return await self.ended(await self.add(request))

    def shown(self) -> list[str]:
        """All names below the folder of models that are not in the staging folder."""
        return sorted(
            path.relative_to(self.models).as_posix()
            for path in self.models.rglob("*")
            if path.is_file() and ".downloads" not in path.parts
        )

    def staged(self) -> list[str]:
        """Names of what unfinished downloads keep."""
        return sorted(path.name for path in (self.models / ".downloads").rglob("*.*"))


@asynccontextmanager
async def rig(
    server: HubServer,
    models: Path,
    *,
    pace: Pace = QUICK,
    token: str | None = None,
    limits: TransferLimits | None = None,
    stall: float = STALL,
    go_on: bool = True,
    way: HubWay = HubWay(),  # noqa: B008 - a frozen value
) -> AsyncGenerator[Rig]:
    """The queue of one run of the application, closed as at its end."""
    gate = OpenGate()
    endpoint = endpoint_at(server.address)
    client = HubClient(endpoint, gate, lambda name: token, way, timeout=stall)
    told: list[tuple[Transfer, ...]] = []
    queue = Queue(models, client, limits or TransferLimits(), told.append, pace)
    await queue.load(go_on=go_on)
    try:
        yield Rig(server, models, queue, client, gate, told)
    finally:
        await queue.close()
        await client.close()


def drive(
    models: Path,
    steps: Callable[[Rig], Coroutine[Any, Any, None]],
    **options: Any,
) -> None:
    """Run a test's steps against a rig of its own."""

    async def main(server: HubServer) -> None:
        async with rig(server, models, **options) as made:
            await steps(made)

    with HubServer() as server:
        asyncio.run(main(server))
