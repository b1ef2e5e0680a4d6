"""Whose token it is, and that nobody but the hub ever sees it: a hub and a storage on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import HubFault, TokenRefused
from app.domain.hub import HubWay, RepoQuery
from app.domain.transfer import TransferLimits
from app.hub.hub import Hub
from tests.helpers.hub_server import ACCOUNT, COMMIT, TOKEN, FakeRepo, HubServer
from tests.helpers.transfer_rig import OpenGate

Steps = Callable[[Hub, HubServer], Coroutine[Any, Any, None]]


def drive(models: Path, steps: Steps, *, kept: str | None = None, gate: OpenGate | None = None):
    """Do the steps with a hub whose keyring has this token."""

    async def main(server: HubServer) -> None:
        hub = Hub(server.address, models, gate or OpenGate(), lambda name: kept, TransferLimits())
        try:
            await steps(hub, server)
        finally:
            await hub.close()

    with HubServer() as server:
        asyncio.run(main(server))


def sent(server: HubServer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.seen]


def test_a_token_is_checked_before_it_is_kept(tmp_path: Path):
    async def steps(hub: Hub, server: HubServer) -> None:
        assert await hub.account(TOKEN) == ACCOUNT
        await hub.search(RepoQuery())
        assert sent(server) == [f"Bearer {TOKEN}", None]

    drive(tmp_path, steps)


def test_the_kept_one_is_checked_where_none_is_given(tmp_path: Path):
    async def steps(hub: Hub, _: HubServer) -> None:
        assert await hub.account() == ACCOUNT

    drive(tmp_path, steps, kept=TOKEN)


def test_a_token_that_nobody_knows_is_refused_without_being_told(tmp_path: Path):
    async def steps(hub: Hub, _: HubServer) -> None:
        with pytest.raises(TokenRefused) as caught:
            await hub.account("hf_secret")
        assert "hf_secret" not in str(caught.value.to_dict())

    drive(tmp_path, steps)


def test_a_mirror_without_accounts_says_so(tmp_path: Path):
    async def steps(hub: Hub, server: HubServer) -> None:
        server.no_accounts = True
        with pytest.raises(HubFault, match="no accounts"):
            await hub.account(TOKEN)

    drive(tmp_path, steps)


def test_to_a_hub_in_the_clear_nothing_is_sent(tmp_path: Path):
    gate = OpenGate()

    async def main() -> None:
        address = "http://hub.example"
        hub = Hub(address, tmp_path, gate, lambda name: TOKEN, TransferLimits())
        with pytest.raises(TokenRefused, match="not asked with a token"):
            await hub.account(TOKEN)
        await hub.close()

    asyncio.run(main())
    assert gate.asked == []


def test_after_another_way_was_chosen_the_other_hub_is_asked_and_sees_no_old_token(tmp_path: Path):
    async def steps(hub: Hub, server: HubServer) -> None:
        await hub.search(RepoQuery())
        assert hub.place().secret_name.startswith("hub-token:http://127.0.0.1:")
        with HubServer() as other:
            other.add(FakeRepo("author/model", {"m.gguf": b"1234"}))
            before = hub.place().secret_name
            await hub.go_another_way(HubWay(other.address))
            assert hub.place().secret_name != before
            assert len((await hub.search(RepoQuery())).repos) == 1
            assert await hub.read_range("author/model", COMMIT, "m.gguf", 0, 4) == b"1234"
            assert all(header is None for header in sent(other))
        assert len(server.seen) == 1

    secrets = {}

    def read(name: str) -> str | None:
        # Only the first hub's name has a token.
        secrets.setdefault("first", name)
        return TOKEN if secrets["first"] == name else None

    async def main(server: HubServer) -> None:
        hub = Hub(server.address, tmp_path, OpenGate(), read, TransferLimits())
        try:
            await steps(hub, server)
        finally:
            await hub.close()

    with HubServer() as server:
        asyncio.run(main(server))
        assert sent(server) == [f"Bearer {TOKEN}"]


def test_a_bad_way_at_the_start_can_be_put_right(tmp_path: Path):
    async def main(server: HubServer) -> None:
        way = HubWay(server.address, certificates=str(tmp_path / "gone.pem"))
        limits = TransferLimits()
        hub = Hub(server.address, tmp_path, OpenGate(), lambda name: None, limits, way=way)
        try:
            with pytest.raises(Exception, match="certificates"):
                await hub.search(RepoQuery())
            await hub.go_another_way(HubWay(server.address))
            await hub.greet()
        finally:
            await hub.close()

    with HubServer() as server:
        asyncio.run(main(server))
        assert len(server.seen) == 1
