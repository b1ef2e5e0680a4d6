"""Downloads over TLS, as all real ones are: through the HTTP parser, past it, through a proxy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import HubNotTrusted
from app.domain.hub import HubWay
from app.domain.transfer import Transfer, TransferLimits, TransferPhase
from app.hub import body as body_module
from app.hub.body import Body
from app.hub.transfers import file_fetch
from tests.helpers.certificates import self_signed, server_context
from tests.helpers.connect_proxy import ConnectProxy
from tests.helpers.hub_server import Fault, HubServer
from tests.helpers.transfer_rig import Rig, contents, rig, whole

CONTENT = contents(40_000_000)
ONE = TransferLimits(connections=1)
Steps = Callable[[Rig], Coroutine[Any, Any, None]]


@pytest.fixture(params=["parsed", "past the parser"])
def way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a body is received; past the parser from its first block on."""
    past = request.param == "past the parser"
    monkeypatch.setattr(body_module, "FAST", 0.0 if past else 1e18)
    monkeypatch.setattr(body_module, "_LOOKED_AT", 1)
    return request.param


@pytest.fixture
def ways_seen(way_in: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the bodies of a test were received."""
    seen: list[str] = []
    leave = Body.__aexit__

    async def watched(self: Body, *error: Any) -> None:
        seen.append("parsed" if self._stream is None else "past the parser")
        await leave(self, *error)

    monkeypatch.setattr(Body, "__aexit__", watched)
    return seen


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def encrypted(certificate: tuple[Path, Path], tmp_path: Path) -> Callable[..., None]:
    """Run steps against a hub and a storage that are encrypted."""
    context, trusted = server_context(*certificate), HubWay(certificates=str(certificate[0]))

    def run(steps: Steps, **options: Any) -> None:
        async def main(server: HubServer) -> None:
            given = {"way": trusted, "stall": 2.0, **options}
            async with rig(server, tmp_path, **given) as made:
                await steps(made)

        with HubServer(context) as server:
            asyncio.run(main(server))

    return run


async def right(rig: Rig, transfer: str | None = None) -> Transfer:
    """All of it comes, and it is the right one; the queue compares its hash as well."""
    done = await rig.ended(transfer or await rig.add(rig.repo(m=CONTENT)))
    assert done.phase is TransferPhase.FINISHED, done.error
    assert whole(done) == CONTENT
    return done


@pytest.mark.parametrize("connections", [1, 4])
def test_all_of_it_comes(
    encrypted: Callable[..., None], way_in: str, ways_seen: list[str], connections: int
):
    async def steps(rig: Rig):
        await right(rig)
        # The hub redirects to a storage that is another origin.
        assert rig.server.address.startswith("https:")
        assert len(rig.server.storage_requests()) >= 2

    encrypted(steps, limits=TransferLimits(connections=connections))
    assert way_in in ways_seen


def test_others_join_where_one_connection_is_slow(
    encrypted: Callable[..., None], way_in: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_fetch, "_ALONE", 1e18)

    async def steps(rig: Rig):
        rig.server.bytes_per_second = 20_000_000
        await right(rig)
        assert len(rig.server.storage_requests()) >= 4

    encrypted(steps)


def test_through_a_proxy(
    encrypted: Callable[..., None],
    way_in: str,
    ways_seen: list[str],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with ConnectProxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.address)

        async def steps(rig: Rig):
            await right(rig)
            hub, storage = rig.server.ports
            assert {f"127.0.0.1:{hub}", f"127.0.0.1:{storage}"} == set(proxy.asked)

        encrypted(steps)
    assert way_in in ways_seen


def test_what_a_proxy_says_before_the_encryption_is_no_answer(
    encrypted: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    """Else whoever stands between could give any answer."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    forged = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    with ConnectProxy(forged) as proxy:
        monkeypatch.setenv("https_proxy", proxy.address)

        async def steps(rig: Rig):
            transfer = await rig.add(rig.repo(m=CONTENT))
            await rig.until(
                lambda: (
                    rig.now(transfer).phase
                    in (TransferPhase.RETRYING, TransferPhase.FINISHED, TransferPhase.FAILED)
                )
            )
            assert rig.now(transfer).phase is not TransferPhase.FAILED
            await rig.queue.remove(transfer)

        encrypted(steps)


@pytest.mark.parametrize("end", ["close", "reset", "stall"])
def test_a_break_in_the_middle_is_taken_up_again(
    encrypted: Callable[..., None], way_in: str, end: str
):
    async def steps(rig: Rig):
        rig.server.storage_faults += [
            Fault(after=after, end=end) for after in (0, 1, 70_000, 9_000_001)
        ]
        await right(rig)
        # Nothing that had come was asked for from the beginning.
        assert rig.server.sent < len(CONTENT) + 20_000_000

    encrypted(steps, limits=ONE, stall=0.5)


def test_a_line_that_breaks_every_few_megabytes(encrypted: Callable[..., None], way_in: str):
    async def steps(rig: Rig):
        rig.server.storage_fault_always = Fault(after=3_000_000, end="close")
        await right(rig)

    encrypted(steps)


def test_a_pause_in_the_middle(encrypted: Callable[..., None], way_in: str):
    async def steps(rig: Rig):
        rig.server.bytes_per_second = 30_000_000
        transfer = await rig.add(rig.repo(m=CONTENT))
        for share in (0.2, 0.5, 0.8):
            await rig.until(lambda part=share: rig.now(transfer).done_bytes > part * len(CONTENT))
            asked = time.monotonic()
            await rig.queue.pause(transfer)
            assert time.monotonic() - asked < 0.2
            await rig.queue.resume(transfer)
        await right(rig, transfer)

    encrypted(steps, limits=ONE)


def test_a_limit_of_the_line_loses_nothing_at_an_end(encrypted: Callable[..., None], way_in: str):
    """Who receives slowly has most of a short rest still encrypted when the server hangs up."""

    async def steps(rig: Rig):
        rig.server.ignore_ranges = True
        rig.server.storage_fault_always = Fault(after=2_000_000, end="close")
        done = await rig.download(rig.repo(m=CONTENT[:2_000_000]))
        assert whole(done) == CONTENT[:2_000_000]
        # Once to see that it knows no ranges, and once more.
        assert len(rig.server.storage_requests()) == 2

    encrypted(steps, limits=TransferLimits(connections=1, bytes_per_second=4_000_000))


def test_who_is_not_trusted_gives_nothing(encrypted: Callable[..., None]):
    async def steps(rig: Rig):
        transfer = await rig.add(rig.repo(m=CONTENT))
        await rig.until(lambda: rig.now(transfer).phase is TransferPhase.RETRYING)
        assert isinstance(rig.now(transfer).error, HubNotTrusted)
        assert rig.server.seen == []
        await rig.queue.remove(transfer)

    encrypted(steps, way=HubWay())
