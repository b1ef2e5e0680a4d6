"""The way to the hub: what is checked before it is kept, and where."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.config.secrets import SessionSecrets
from app.domain.errors import HubUnreachable, KeyringUnusable, ProxyUnusable, TokenRefused
from app.domain.hub import HubWay
from app.domain.settings import NetworkSettings, Settings
from app.services.access import AccessService, TokenPlace, way_of
from app.services.settings import SettingsService
from tests.helpers.scripted_access import HOST, ScriptedHubAccess, ScriptedKeyring
from tests.unit.services.world import MemorySettings

NAME = f"hub-token:{HOST}"


class Made:
    """The service, and all that it works with."""

    def __init__(self, environment: str = "") -> None:
        self.hub = ScriptedHubAccess(accounts={"hf_good": "ada", None: "ada"})
        self.keyring = ScriptedKeyring()
        self.secrets = SessionSecrets(self.keyring)
        self.settings = SettingsService(MemorySettings())
        self.access = AccessService(self.hub, self.secrets, self.settings, environment)

    def place_of_token(self) -> TokenPlace:
        return asyncio.run(self.access.look()).token


def test_a_token_is_kept_when_the_hub_knows_it():
    made = Made()
    assert made.place_of_token() is TokenPlace.NOWHERE
    assert asyncio.run(made.access.sign_in("  hf_good\n", for_session=False)) == "ada"
    assert made.keyring.kept == {NAME: "hf_good"}
    assert made.place_of_token() is TokenPlace.KEYRING
    assert made.hub.tokens_changed == 1


def test_for_the_session_nothing_goes_into_the_keyring():
    made = Made()
    made.keyring.is_there = False
    asyncio.run(made.access.sign_in("hf_good", for_session=True))
    assert made.keyring.kept == {}
    assert made.secrets.read(NAME) == "hf_good"
    assert made.place_of_token() is TokenPlace.SESSION


def test_without_a_keyring_that_is_said_and_nothing_kept():
    made = Made()
    made.keyring.is_there = False
    with pytest.raises(KeyringUnusable):
        asyncio.run(made.access.sign_in("hf_good", for_session=False))
    assert made.place_of_token() is TokenPlace.NOWHERE


@pytest.mark.parametrize("token", ["", "   ", "hf good", "hf_\x07", "hf_ä"])
def test_what_cannot_be_a_token_is_not_sent(token: str):
    made = Made()
    made.hub.accounts = {}
    with pytest.raises(TokenRefused):
        asyncio.run(made.access.sign_in(token, for_session=False))


def test_a_token_that_the_hub_refuses_is_not_kept():
    made = Made()
    made.hub.error = TokenRefused("The hub does not accept it.")
    with pytest.raises(TokenRefused):
        asyncio.run(made.access.sign_in("hf_good", for_session=False))
    assert made.keyring.kept == {}
    assert made.hub.tokens_changed == 0


def test_signing_out_forgets_it_everywhere():
    made = Made()
    asyncio.run(made.access.sign_in("hf_good", for_session=False))
    made.secrets.hold(NAME, "hf_other")
    asyncio.run(made.access.sign_out())
    assert made.secrets.read(NAME) is None
    assert made.hub.tokens_changed == 2


def test_a_new_way_is_gone_and_remembered():
    made = Made()
    changed = with_proxy("http://proxy:8080")
    asyncio.run(made.access.change(changed))
    assert made.hub.ways == [HubWay("", "http://proxy:8080", "")]
    assert made.settings.current == changed


def test_what_is_no_way_changes_nothing():
    made = Made()
    made.hub.error = ProxyUnusable("It is none.")
    with pytest.raises(ProxyUnusable):
        asyncio.run(made.access.change(with_proxy("nonsense")))
    assert made.settings.current == Settings()


def test_the_switch_for_offline_needs_no_new_way():
    made = Made()
    changed = replace(Settings(), network=NetworkSettings(offline=True))
    asyncio.run(made.access.change(changed))
    assert made.hub.ways == []
    assert made.settings.current.network.offline


def test_the_environment_goes_before_the_setting_and_that_is_told():
    settings = replace(Settings(), hub=replace(Settings().hub, address="https://mirror"))
    assert way_of(settings, "").address == "https://mirror"
    assert way_of(settings, "https://named").address == "https://named"
    assert asyncio.run(Made("https://named").access.look()).from_environment
    assert not asyncio.run(Made().access.look()).from_environment


def test_trying_asks_for_the_account_where_there_is_a_token():
    made = Made()
    assert asyncio.run(made.access.try_out()) == ""
    assert made.hub.greeted == 1
    made.secrets.hold(NAME, "hf_good")
    assert asyncio.run(made.access.try_out()) == "ada"
    made.hub.error = HubUnreachable("No network.")
    with pytest.raises(HubUnreachable):
        asyncio.run(made.access.try_out())


def test_to_a_hub_in_the_clear_no_token_is_sent():
    made = Made()
    made.hub.where = replace(made.hub.where, may_see_token=False)
    made.secrets.hold(NAME, "hf_good")
    assert asyncio.run(made.access.try_out()) == ""
    assert made.hub.greeted == 1


def with_proxy(proxy: str) -> Settings:
    return replace(Settings(), network=NetworkSettings(proxy=proxy))
