"""The hub as the application sees it: from the window's loop into the hub's own thread.

What needs the HTTP library is imported in that thread, with the first thing that is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from app.domain.errors import AppError
from app.domain.hub import HubPlace, HubWay, RepoDetails, RepoPage, RepoQuery
from app.domain.network_ports import NetworkGate
from app.domain.transfer import Transfer, TransferLimits, TransferRequest
from app.flow.loop_thread import LoopThread
from app.hub.endpoint import endpoint_at
from app.hub.name_lookup import look_up_apart
from app.hub.transfers.staging import anything_left

if TYPE_CHECKING:
    from app.hub.catalogue import Catalogue
    from app.hub.client import HubClient
    from app.hub.transfers.queue import Queue

T = TypeVar("T")


class Hub:
    """The adapter for `HubCatalogue` and `TransferKeeper`. Belongs to one event loop."""

    def __init__(
        self,
        address: str,
        models: Path,
        gate: NetworkGate,
        read_token: Callable[[str], str | None],
        limits: TransferLimits,
        own: Callable[[], None] = lambda: None,
        way: HubWay = HubWay(),  # noqa: B008 - a frozen value
    ) -> None:
        """`address` is as `endpoint_at` takes it; a bad one raises `UsageError` with each call. Of
        `way` only proxy and certificates count, until `go_another_way`.

        `models` is the folder in which downloads appear; see `HubClient` for `read_token`.

        `own` is called before the first thing is done with downloads: two processes must not write
        the same part files. It raises an `AppError` where another one does.
        """
        self._address = address
        self._way = way
        self._models = models
        self._gate = gate
        self._read_token = read_token
        self._limits = limits
        self._own = own
        self._thread = LoopThread("hub", look_up_apart)
        self._inside: _Inside | None = None
        self._transfers: tuple[Transfer, ...] = ()
        self._listeners: list[Callable[[tuple[Transfer, ...]], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """All of them in their order, as last heard of."""
        return self._transfers

    def on_change(self, heard: Callable[[tuple[Transfer, ...]], None]) -> None:
        """Call `heard` in the event loop at each change, and some times a second of progress."""
        self._listeners.append(heard)

    # ----------------------------------------------------------------------- the catalogue

    def page_address(self, repo_id: str) -> str:
        """Where a web browser shows the repository; raises `UsageError` for a hub's bad address."""
        return f"{endpoint_at(self._address).url}/{quote(repo_id)}"

    async def search(self, query: RepoQuery, page: str | None = None) -> RepoPage:
        """Repositories with GGUF files; `page` is the `next_page` of the part before."""
        return await self._ask(lambda inside: inside.catalogue.search(query, page))

    async def details(self, repo_id: str) -> RepoDetails:
        """What a repository holds now, pinned to its commit."""
        return await self._ask(lambda inside: inside.catalogue.details(repo_id))

    async def card(self, repo_id: str, commit: str) -> str:
        """The repository's page in Markdown; foreign text. Empty where it has none."""
        return await self._ask(lambda inside: inside.catalogue.card(repo_id, commit))

    async def read_range(
        self, repo_id: str, commit: str, path: str, start: int, length: int
    ) -> bytes:
        """Some bytes of a file; fewer only at its end."""
        return await self._ask(
            lambda inside: inside.catalogue.read_range(repo_id, commit, path, start, length)
        )

    def place(self) -> HubPlace:
        """Which hub is asked; raises `UsageError` for a bad address."""
        endpoint = endpoint_at(self._address)
        return HubPlace(endpoint.url, endpoint.host, endpoint.secret_name, endpoint.may_see_token)

    async def go_another_way(self, way: HubWay) -> None:
        """From the next request on; raises `UsageError`, `ProxyUnusable` and
        `CertificatesUnusable`, and then everything stays as it was."""
        endpoint = endpoint_at(way.address)
        before = self._address, self._way
        begun = self._inside is not None

        async def go(inside: _Inside) -> None:
            if begun:
                inside.client.go_another_way(endpoint, way)

        # Already now: what is opened only with this goes the new way.
        self._address, self._way = way.address, way
        try:
            await self._ask(go)
        except AppError:
            self._address, self._way = before
            raise

    async def account(self, token: str | None = None) -> str:
        """The name of the account that a token (or the kept one) belongs to."""
        return await self._ask(lambda inside: inside.catalogue.account(token))

    async def greet(self) -> None:
        """Return if the hub answers."""
        await self._ask(lambda inside: inside.catalogue.greet())

    async def token_changed(self) -> None:
        """The next request reads the token anew."""

        async def forget(inside: _Inside) -> None:
            inside.client.forget_token()

        await self._ask(forget)

    # ----------------------------------------------------------------------- the transfers

    async def start(self) -> None:
        """Go on with what an earlier run has left; where there is nothing, nothing is begun."""
        if await asyncio.to_thread(anything_left, self._models):
            await self._ask_queue(_nothing, go_on=True)

    async def add(self, request: TransferRequest) -> str:
        """Put it at the end of the line; its id. The same thing twice is one transfer."""
        return await self._ask_queue(lambda queue: queue.add(request))

    async def pause(self, transfer_id: str) -> None:
        """On return nothing of it is received any more."""
        await self._ask_queue(lambda queue: queue.pause(transfer_id))

    async def pause_all(self) -> None:
        """Every one that runs or waits."""
        await self._ask_queue(lambda queue: queue.pause_all())

    async def resume(self, transfer_id: str) -> None:
        """Go on as soon as there is a place; one that waits to try again tries now."""
        await self._ask_queue(lambda queue: queue.resume(transfer_id))

    async def resume_all(self) -> None:
        """Every one that is paused or failed."""
        await self._ask_queue(lambda queue: queue.resume_all())

    async def remove(self, transfer_id: str) -> None:
        """Stop it and delete its part files; of a finished one only the entry goes."""
        await self._ask_queue(lambda queue: queue.remove(transfer_id))

    async def move(self, transfer_id: str, place: int) -> None:
        """Put it at a place of the line, counted from 0."""
        await self._ask_queue(lambda queue: queue.move(transfer_id, place))

    async def set_limits(self, limits: TransferLimits) -> None:
        """From now on."""
        self._limits = limits

        async def set_them(inside: _Inside) -> None:
            inside.queue.set_limits(limits)

        if self._inside is not None:
            await self._ask(set_them)

    async def use_folder(self, models: str) -> None:
        """New downloads appear there; raises `LibraryBusy` while there are any."""
        if self._inside is None and not await asyncio.to_thread(anything_left, self._models):
            self._models = Path(models)
            return
        await self._ask_queue(lambda queue: queue.use_folder(Path(models)))
        self._models = Path(models)

    async def close(self) -> None:
        """Close all connections, make safe what has come, end the thread."""
        if self._inside is not None:
            await self._ask(_Inside.close)
        await self._thread.close()

    # ----------------------------------------------------------------------- the thread

    async def _ask(self, work: Callable[[_Inside], Coroutine[Any, Any, T]]) -> T:
        self._loop = asyncio.get_running_loop()
        return await self._thread.call(lambda: work(self._opened()))

    async def _ask_queue(
        self, work: Callable[[Queue], Coroutine[Any, Any, T]], *, go_on: bool = False
    ) -> T:
        async def asked(inside: _Inside) -> T:
            await inside.load(self._own, go_on=go_on)
            return await work(inside.queue)

        return await self._ask(asked)

    def _opened(self) -> _Inside:
        """In the hub's thread; the first call makes everything."""
        if self._inside is None:
            from app.hub.catalogue import Catalogue
            from app.hub.client import HubClient
            from app.hub.transfers.queue import Queue

            client = HubClient(endpoint_at(self._address), self._gate, self._read_token, self._way)
            queue = Queue(self._models, client, self._limits, self._heard)
            self._inside = _Inside(client, Catalogue(client), queue)
        return self._inside

    def _heard(self, transfers: tuple[Transfer, ...]) -> None:
        """In the hub's thread: hand it over to the loop of whoever listens."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._deliver, transfers)
        except RuntimeError:
            # That loop is closed: the application ends and nobody listens any more.
            return

    def _deliver(self, transfers: tuple[Transfer, ...]) -> None:
        self._transfers = transfers
        for heard in tuple(self._listeners):
            heard(transfers)


class _Inside:
    """What lives in the hub's thread."""

    def __init__(self, client: HubClient, catalogue: Catalogue, queue: Queue) -> None:
        self.client = client
        self.catalogue = catalogue
        self.queue = queue
        self._loading = asyncio.Lock()
        self._loaded = False

    async def load(self, own: Callable[[], None], *, go_on: bool) -> None:
        """The queue knows what an earlier run has left; what `own` raises comes each time."""
        async with self._loading:
            if not self._loaded:
                own()
                await self.queue.load(go_on=go_on)
                self._loaded = True

    async def close(self) -> None:
        """Stop the transfers, then close what they went through."""
        await self.queue.close()
        await self.client.close()


async def _nothing(queue: Queue) -> None:
    """Opening alone is what was wanted."""
