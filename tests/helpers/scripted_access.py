"""A way to the hub and a keyring that say what they were told to."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.errors import AppError, KeyringUnusable
from app.domain.hub import HubPlace, HubWay

HOST = "hub.example"


@dataclass
class ScriptedHubAccess:
    """Implements the `HubAccess` port."""

    where: HubPlace = field(
        default_factory=lambda: HubPlace(f"https://{HOST}", HOST, f"hub-token:{HOST}", True)
    )
    accounts: dict[str | None, str] = field(default_factory=dict)
    """By token; None: the kept one."""
    error: AppError | None = None
    """What asking the hub, or going another way, comes to."""
    ways: list[HubWay] = field(default_factory=list)
    greeted: int = 0
    tokens_changed: int = 0

    def place(self) -> HubPlace:
        return self.where

    async def go_another_way(self, way: HubWay) -> None:
        if self.error is not None:
            raise self.error
        self.ways.append(way)

    async def account(self, token: str | None = None) -> str:
        if self.error is not None:
            raise self.error
        return self.accounts[token]

    async def greet(self) -> None:
        if self.error is not None:
            raise self.error
        self.greeted += 1

    async def token_changed(self) -> None:
        self.tokens_changed += 1


@dataclass
class ScriptedKeyring:
    """Implements the `SecretKeeper` port."""

    kept: dict[str, str] = field(default_factory=dict)
    is_there: bool = True

    def read(self, name: str) -> str | None:
        return self.kept.get(name)

    def keep(self, name: str, secret: str) -> None:
        self._require()
        self.kept[name] = secret

    def forget(self, name: str) -> None:
        self._require()
        self.kept.pop(name, None)

    def _require(self) -> None:
        if not self.is_there:
            raise KeyringUnusable("There is no keyring.", "", "Set one up.")
