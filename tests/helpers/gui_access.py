"""What the window is told of the way to the hub, in tests of it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from app.domain.errors import AppError
from app.domain.hub import HubPlace
from app.domain.settings import Settings
from app.services.access import Access, TokenPlace

HUB = HubPlace("https://huggingface.co", "huggingface.co", "hub-token:huggingface.co", True)


class Changeable(Protocol):
    """Whoever keeps the settings."""

    def change(self, settings: Settings) -> None: ...


class FakeAccess:
    """Knows one account, and does what the test says."""

    def __init__(self, settings: Changeable) -> None:
        self._settings = settings
        self.access = Access(HUB, False, TokenPlace.NOWHERE)
        self.error: AppError | None = None
        self.gate: asyncio.Event | None = None
        self.signed_in: list[tuple[str, bool]] = []
        self.signed_out = 0
        self.tried = 0

    async def look(self) -> Access:
        return self.access

    async def sign_in(self, token: str, *, for_session: bool) -> str:
        await self._answer()
        self.signed_in.append((token, for_session))
        place = TokenPlace.SESSION if for_session else TokenPlace.KEYRING
        self.access = Access(self.access.hub, self.access.from_environment, place)
        return "ada"

    async def sign_out(self) -> None:
        await self._answer()
        self.signed_out += 1
        self.access = Access(self.access.hub, self.access.from_environment, TokenPlace.NOWHERE)

    async def change(self, settings: Settings) -> None:
        await self._answer()
        self._settings.change(settings)

    async def try_out(self) -> str:
        self.tried += 1
        await self._answer()
        return "ada" if self.access.token is not TokenPlace.NOWHERE else ""

    async def _answer(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
