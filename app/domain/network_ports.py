"""What is asked for on the way to the network: the hub, downloads, Ollama, the gate, secrets.

`app.bootstrap` supplies the adapters. Every coroutine raises `AppError` cases only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from app.domain.hub import HubPlace, HubWay, RepoDetails, RepoPage, RepoQuery
from app.domain.network import Purpose
from app.domain.ollama import OllamaProgress
from app.domain.transfer import Transfer, TransferLimits, TransferRequest


class NetworkGate(Protocol):
    """Asked before every request that leaves Lamplight, from any thread."""

    def ask(self, purpose: Purpose, host: str) -> None:
        """Return if the request may be made; raises `NetworkOff`. Quick, and never waits."""
        ...


class SecretKeeper(Protocol):
    """The system's keyring. Blocking, up to seconds where it asks the person: not for a loop."""

    def read(self, name: str) -> str | None:
        """The secret of that name, or None where none is kept or the keyring can't be used."""
        ...

    def keep(self, name: str, secret: str) -> None:
        """Keep it in the place of what was there; raises `KeyringUnusable`."""
        ...

    def forget(self, name: str) -> None:
        """Take it out; does nothing where there is none. Raises `KeyringUnusable`."""
        ...


class SessionSecretKeeper(SecretKeeper, Protocol):
    """A keyring, and beside it what is only kept until the application ends."""

    def hold(self, name: str, secret: str) -> None:
        """Keep it until the end of this process, and nowhere else."""
        ...

    def is_held(self, name: str) -> bool:
        """Whether it is there until the end of this process only."""
        ...


class HubAccess(Protocol):
    """The way to the hub. Raises `HubError` cases and `NetworkOff` where it is asked."""

    def place(self) -> HubPlace:
        """Which hub is asked; raises `UsageError` where its address is none."""
        ...

    async def go_another_way(self, way: HubWay) -> None:
        """From the next request on; raises `UsageError`, `ProxyUnusable` and
        `CertificatesUnusable`, and then everything stays as it was."""
        ...

    async def account(self, token: str | None = None) -> str:
        """The name of the account that a token (or the kept one) belongs to."""
        ...

    async def greet(self) -> None:
        """Return if the hub answers."""
        ...

    async def token_changed(self) -> None:
        """The next request reads the token anew."""
        ...


class HubCatalogue(Protocol):
    """What a hub offers. Raises `HubError` cases and `NetworkOff`."""

    def page_address(self, repo_id: str) -> str:
        """Where a web browser shows the repository; raises `UsageError` for a hub's bad address."""
        ...

    async def search(self, query: RepoQuery, page: str | None = None) -> RepoPage:
        """Repositories with GGUF files; `page` is the `next_page` of the part before."""
        ...

    async def details(self, repo_id: str) -> RepoDetails:
        """What a repository holds now, pinned to its commit."""
        ...

    async def card(self, repo_id: str, commit: str) -> str:
        """The repository's page in Markdown; foreign text. Empty where it has none."""
        ...

    async def read_range(
        self, repo_id: str, commit: str, path: str, start: int, length: int
    ) -> bytes:
        """Some bytes of a file; fewer only at its end."""
        ...


class TransferKeeper(Protocol):
    """Downloads. They survive any end of the application and go on at its next start.

    Those that name a transfer raise `NoSuchTransfer`; a fault of a transfer itself is in its state.
    """

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """All of them in their order, as last heard of."""
        ...

    def on_change(self, heard: Callable[[tuple[Transfer, ...]], None]) -> None:
        """Call `heard` in the event loop at each change, and some times a second of progress."""
        ...

    async def start(self) -> None:
        """Go on with what an earlier run has left."""
        ...

    async def add(self, request: TransferRequest) -> str:
        """Put it at the end of the line; its id. The same thing twice is one transfer."""
        ...

    async def pause(self, transfer_id: str) -> None:
        """On return nothing of it is received any more."""
        ...

    async def pause_all(self) -> None: ...

    async def resume(self, transfer_id: str) -> None:
        """Go on as soon as there is a place; one that waits to try again tries now."""
        ...

    async def resume_all(self) -> None: ...

    async def remove(self, transfer_id: str) -> None:
        """Stop it and delete its part files; of a finished one only the entry goes."""
        ...

    async def move(self, transfer_id: str, place: int) -> None:
        """Put it at a place of the line, counted from 0."""
        ...

    async def set_limits(self, limits: TransferLimits) -> None: ...

    async def close(self) -> None:
        """Close all connections and make safe what has come."""
        ...


class OllamaServer(Protocol):
    """A running Ollama. Raises `OllamaError` cases and `NetworkOff`."""

    def pull(self, name: str) -> AsyncGenerator[OllamaProgress]:
        """Each step until it has all of a model; closing the generator stops it."""
        ...

    async def files(self, name: str) -> tuple[str, ...]:
        """The paths of a model's weights and then of its projector; none where it has no GGUF."""
        ...
