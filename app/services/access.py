"""The way to the hub: its address, proxy, certificates, and the token of an account there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import TokenRefused
from app.domain.hub import HubPlace, HubWay
from app.domain.network_ports import HubAccess, SessionSecretKeeper
from app.domain.settings import Settings
from app.services.settings import SettingsService


class TokenPlace(StrEnum):
    """Where the token of an account is kept."""

    NOWHERE = "nowhere"
    KEYRING = "keyring"
    SESSION = "session"
    """Until Lamplight ends."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the hub is reached now."""

    hub: HubPlace
    from_environment: bool
    """`HF_ENDPOINT` says so, and the setting does not count."""
    token: TokenPlace


class AccessService:
    """Changes the way to the hub while Lamplight runs. The keyring is asked in other threads."""

    def __init__(
        self,
        hub: HubAccess,
        secrets: SessionSecretKeeper,
        settings: SettingsService,
        environment_address: str,
    ) -> None:
        """`environment_address` is what `HF_ENDPOINT` says; empty: nothing."""
        self._hub = hub
        self._secrets = secrets
        self._settings = settings
        self._environment_address = environment_address

    async def look(self) -> Access:
        """What is so now; raises `UsageError` where the hub's address is none."""
        place = self._hub.place()
        return Access(place, bool(self._environment_address), await self._place_of_token(place))

    async def sign_in(self, token: str, *, for_session: bool) -> str:
        """Have the hub check a token, keep it in the keyring (or `for_session` only until Lamplight
        ends), and use it from now on; the account's name.

        Raises `HubError` cases and `NetworkOff`, and then nothing is kept; `KeyringUnusable` where
        there is no keyring.
        """
        token = token.strip()
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            raise TokenRefused(
                "This is not an access token.",
                "A token has letters, digits and signs, and no spaces.",
                "Copy it again from your account's page.",
            )
        account = await self._hub.account(token)
        name = self._hub.place().secret_name
        if for_session:
            self._secrets.hold(name, token)
        else:
            await asyncio.to_thread(self._secrets.keep, name, token)
        await self._hub.token_changed()
        return account

    async def sign_out(self) -> None:
        """Forget the token of this hub; raises `KeyringUnusable`."""
        try:
            await asyncio.to_thread(self._secrets.forget, self._hub.place().secret_name)
        finally:
            await self._hub.token_changed()

    async def change(self, settings: Settings) -> None:
        """Go that way from now on, and remember it.

        Raises `UsageError`, `ProxyUnusable` and `CertificatesUnusable`, and then nothing changes;
        `ConfigError` where it cannot be written.
        """
        way = way_of(settings, self._environment_address)
        if way != way_of(self._settings.current, self._environment_address):
            await self._hub.go_another_way(way)
        self._settings.change(settings)

    async def try_out(self) -> str:
        """Ask the hub; the account's name, empty without a token.

        Raises `HubError` cases and `NetworkOff`.
        """
        place = self._hub.place()
        if place.may_see_token and await self._place_of_token(place) is not TokenPlace.NOWHERE:
            return await self._hub.account()
        await self._hub.greet()
        return ""

    async def _place_of_token(self, place: HubPlace) -> TokenPlace:
        if self._secrets.is_held(place.secret_name):
            return TokenPlace.SESSION
        kept = await asyncio.to_thread(self._secrets.read, place.secret_name)
        return TokenPlace.KEYRING if kept else TokenPlace.NOWHERE


def way_of(settings: Settings, environment_address: str) -> HubWay:
    """The way that the settings describe; what the environment says goes before them."""
    address = environment_address or settings.hub.address
    return HubWay(address, settings.network.proxy, settings.network.certificates)
