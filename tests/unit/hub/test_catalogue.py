"""Lists, details, cards and looks into files, of a hub on loopback; and all its refusals."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from typing import Any

import pytest

from app.domain.errors import (
    AccessNotGranted,
    AppError,
    HubAnswerBroken,
    HubBusy,
    HubError,
    HubFault,
    HubSilent,
    HubUnreachable,
    NetworkOff,
    RepoMissing,
    TokenNeeded,
    TokenRefused,
)
from app.domain.hub import RepoQuery, RepoSort
from app.domain.network import Purpose
from app.hub.catalogue import Catalogue
from app.hub.client import HubClient
from app.hub.endpoint import endpoint_at
from tests.helpers.hub_server import COMMIT, TOKEN, FakeRepo, Fault, HubServer
from tests.helpers.transfer_rig import OpenGate

Steps = Callable[[Catalogue, HubServer], Coroutine[Any, Any, Any]]


def ask(steps: Steps, server: HubServer, *, token: str | None = None, gate: OpenGate | None = None):
    """What the steps return, with a client of their own."""

    async def main() -> Any:
        endpoint = endpoint_at(server.address)
        client = HubClient(endpoint, gate or OpenGate(), lambda name: token, timeout=0.5)
        try:
            return await steps(Catalogue(client), server)
        finally:
            await client.close()

    return asyncio.run(main())


@pytest.fixture
def server():
    with HubServer() as made:
        yield made


def refusal(steps: Steps, server: HubServer, **options: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        ask(steps, server, **options)
    assert caught.value.title
    assert caught.value.remedy
    return caught.value


async def details_of_model(hub: Catalogue, server: HubServer) -> Any:
    return await hub.details("author/model")


async def any_search(hub: Catalogue, server: HubServer) -> Any:
    return await hub.search(RepoQuery())


# --------------------------------------------------------------------------------- answers


def test_an_endless_list_is_read_page_by_page(server: HubServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.hub.catalogue.PAGE", 2)
    for number in range(5):
        server.add(FakeRepo(f"author/model-{number}", said={"downloads": number}))

    async def steps(hub: Catalogue, server: HubServer) -> list[str]:
        query = RepoQuery("MODEL", RepoSort.DOWNLOADS)
        found, page = [], await hub.search(query)
        found += page.repos
        while page.next_page is not None:
            page = await hub.search(query, page.next_page)
            found += page.repos
        return [repo.name for repo in found]

    assert ask(steps, server) == [f"model-{number}" for number in (4, 3, 2, 1, 0)]


def test_every_condition_is_told_to_the_hub(server: HubServer):
    query = RepoQuery("llama", RepoSort.RECENT, "author", "mit", "text-generation", "de", 1.5, 9)
    ask(lambda hub, _: hub.search(query), server)
    said = server.seen[0].query
    assert said["filter"] == ["gguf", "license:mit", "de"]
    assert said["sort"] == ["lastModified"]
    assert said["author"] == ["author"]
    assert said["pipeline_tag"] == ["text-generation"]
    assert said["num_parameters"] == ["min:1.5B,max:9B"]
    assert said["search"] == ["llama"]


def test_a_page_at_another_address_is_not_followed(server: HubServer):
    other = f"{server.storage_address}/api/models"
    refused = refusal(lambda hub, _: hub.search(RepoQuery(), other), server, token=TOKEN)
    assert isinstance(refused, HubAnswerBroken)
    assert server.seen == []


def test_details_tell_what_can_be_had(server: HubServer):
    server.add(
        FakeRepo(
            "author/model",
            {
                "m-Q4_K_M.gguf": b"1" * 10,
                "m-F16.gguf": b"2" * 30,
                "mmproj-F16.gguf": b"3",
                "x": b"4",
            },
            said={
                "gguf": {"total": 7_000_000_000, "architecture": "llama", "context_length": 8192},
                "cardData": {"base_model": "meta/llama", "language": ["en", "de"]},
            },
        )
    )
    found = ask(details_of_model, server)
    assert found.commit == COMMIT
    assert [variant.quantisation for variant in found.variants] == ["Q4_K_M", "F16"]
    assert [file.path for file in found.projectors] == ["mmproj-F16.gguf"]
    assert found.base_models == ("meta/llama",)
    assert found.languages == ("en", "de")
    assert found.context_length == 8192
    assert found.summary.parameters == 7_000_000_000
    assert found.summary.updated == 1_773_311_405_000


def test_the_card_comes_without_its_table_of_metadata(server: HubServer):
    card = "---\nlicense: mit\nbroken: [yaml\n---\n\n# A model\n<img onerror=x>"
    server.add(FakeRepo("author/model", card=card))
    found = ask(lambda hub, _: hub.card("author/model", COMMIT), server)
    assert found == "# A model\n<img onerror=x>"


def test_a_repository_without_a_card_has_an_empty_one(server: HubServer):
    server.add(FakeRepo("author/model"))
    assert ask(lambda hub, _: hub.card("author/model", COMMIT), server, token=TOKEN) == ""


def test_a_card_without_end_is_cut(server: HubServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.hub.client.LONGEST_TEXT", 100)
    server.add(FakeRepo("author/model", card="x" * 100_000))
    assert len(ask(lambda hub, _: hub.card("author/model", COMMIT), server)) == 100


def test_a_part_of_a_file_is_read_without_the_rest(server: HubServer):
    content = bytes(range(256)) * 10_000
    server.add(FakeRepo("author/model", {"m.gguf": content}))

    async def steps(hub: Catalogue, server: HubServer) -> tuple[bytes, bytes, bytes]:
        return (
            await hub.read_range("author/model", COMMIT, "m.gguf", 1000, 500),
            await hub.read_range("author/model", COMMIT, "m.gguf", len(content) - 5, 500),
            await hub.read_range("author/model", COMMIT, "m.gguf", len(content), 500),
        )

    assert ask(steps, server, token=TOKEN) == (content[1000:1500], content[-5:], b"")
    assert server.sent == 505
    assert all("authorization" not in request.headers for request in server.storage_requests())


def test_a_server_without_ranges_is_read_from_the_beginning_only(server: HubServer):
    server.ignore_ranges = True
    server.add(FakeRepo("author/model", {"m.gguf": bytes(20_000_000)}))

    def read(start: int) -> Steps:
        return lambda hub, _: hub.read_range("author/model", COMMIT, "m.gguf", start, 1000)

    assert ask(read(0), server) == bytes(1000)
    assert isinstance(refusal(read(5), server), HubAnswerBroken)


def test_a_search_that_nobody_waits_for_ends_at_once(server: HubServer):
    server.hub_faults.append(Fault(end="stall"))

    async def steps(hub: Catalogue, server: HubServer) -> float:
        search = asyncio.ensure_future(hub.search(RepoQuery("first")))
        while not server.seen:
            await asyncio.sleep(0.001)
        began = time.perf_counter()
        search.cancel()
        await asyncio.wait({search})
        return time.perf_counter() - began

    assert ask(steps, server) < 0.1


# -------------------------------------------------------------------------------- refusals


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def main() -> None:
        client = HubClient(endpoint_at(f"http://127.0.0.1:{port}"), OpenGate(), lambda name: None)
        with pytest.raises(HubUnreachable) as caught:
            await Catalogue(client).search(RepoQuery())
        assert "127.0.0.1" in caught.value.title
        await client.close()

    asyncio.run(main())


def through_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str, server: HubServer) -> AppError:
    monkeypatch.setenv("ALL_PROXY", proxy)
    return refusal(any_search, server)


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:1", "http://127.0.0.1:port"])
def test_a_proxy_that_is_none_is_said(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, proxy: str
):
    assert "proxy" in through_proxy(monkeypatch, proxy, server).title


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_proxy_that_is_not_there_is_said(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, kind: str
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = through_proxy(monkeypatch, f"{kind}://127.0.0.1:{port}", server)
    assert isinstance(refused, HubUnreachable)
    assert server.seen == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(end="stall"), HubSilent),
        (Fault(end="reset"), HubSilent),
        (Fault(end="close"), HubSilent),
        (Fault(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), HubSilent),
        (Fault(status=500), HubFault),
        (Fault(status=503, body=b"<html>"), HubFault),
        (Fault(status=418), HubFault),
        (Fault(status=200, body=b'[{"id": "a/'), HubAnswerBroken),
        (Fault(status=200, body=b"<html>sign in</html>"), HubAnswerBroken),
        (Fault(status=200, body=b"[" * 100_000), HubAnswerBroken),
        (Fault(status=200, body=b"x", headers={"Content-Encoding": "gzip"}), HubAnswerBroken),
        (Fault(status=302, headers={"Location": "/api/models"}), HubAnswerBroken),
        (Fault(status=302, headers={"Location": "http://127.0.0.1:99999999/"}), HubAnswerBroken),
        (Fault(status=404), RepoMissing),
    ],
)
def test_a_fault_of_the_hub_is_a_sentence(server: HubServer, fault: Fault, kind: type[AppError]):
    server.hub_faults += [fault] * 8
    assert isinstance(refusal(any_search, server), kind)


def test_an_answer_that_unpacks_to_gigabytes_is_not_unpacked(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.hub.client.LONGEST_JSON", 1 << 20)
    bomb = gzip.compress(b" " * (64 << 20))
    server.hub_faults.append(Fault(status=200, body=bomb, headers={"Content-Encoding": "gzip"}))
    assert isinstance(refusal(any_search, server), HubAnswerBroken)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        (
            {"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
            55,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": "soon"}, 60),
        ({}, 60),
    ],
)
def test_a_hub_that_is_asked_too_often_says_for_how_long(
    server: HubServer, headers: dict[str, str], seconds: float
):
    server.hub_faults.append(Fault(status=429, headers=headers))
    refused = refusal(any_search, server)
    assert isinstance(refused, HubBusy)
    assert refused.wait_seconds == seconds


def test_a_repository_that_is_missing_or_private(server: HubServer):
    server.add(FakeRepo("author/model", private=True))
    assert isinstance(refusal(details_of_model, server), TokenNeeded)
    assert ask(details_of_model, server, token=TOKEN).commit == COMMIT
    server.repos.clear()
    assert isinstance(refusal(details_of_model, server, token=TOKEN), RepoMissing)


def test_a_name_that_no_repository_can_have_is_not_asked_for(server: HubServer):
    refused = refusal(lambda hub, _: hub.details("../../etc/passwd"), server)
    assert isinstance(refused, RepoMissing)
    assert server.seen == []


def test_a_token_that_the_hub_does_not_know(server: HubServer):
    server.add(FakeRepo("author/model"))
    refused = refusal(details_of_model, server, token="hf_revoked")
    assert isinstance(refused, TokenRefused)
    assert "hf_revoked" not in str(refused.to_dict())


def test_a_gated_repository_says_whether_a_token_or_consent_is_missing(server: HubServer):
    server.add(FakeRepo("author/model", {"m.gguf": b"1"}, card="x", gated="manual"))

    def card(hub: Catalogue, _: HubServer) -> Any:
        return hub.card("author/model", COMMIT)

    assert isinstance(refusal(card, server), TokenNeeded)
    assert isinstance(refusal(card, server, token=TOKEN), AccessNotGranted)


# ------------------------------------------------------------------------------- the gate


def test_the_gate_is_asked_for_every_hop_before_it_is_made(server: HubServer):
    server.add(FakeRepo("author/model", {"m.gguf": b"1234"}))
    gate = OpenGate()
    ask(lambda hub, _: hub.read_range("author/model", COMMIT, "m.gguf", 0, 4), server, gate=gate)
    assert gate.asked == [(Purpose.BROWSE, "127.0.0.1")] * len(server.seen)
    assert len(server.seen) == 2


def test_a_closed_gate_lets_nothing_out(server: HubServer):
    gate = OpenGate()
    gate.closed = True
    with pytest.raises(NetworkOff):
        ask(any_search, server, gate=gate)
    assert server.seen == []


@pytest.mark.parametrize(
    ("hub", "target", "refused"),
    [
        ("https://hub.example", "http://storage.example/m.gguf", True),
        ("https://hub.example", "https://storage.example/m.gguf", False),
        ("http://127.0.0.1:1", "http://127.0.0.1:2/m.gguf", False),
    ],
)
def test_from_an_encrypted_hub_nothing_goes_on_in_the_clear(hub: str, target: str, refused: bool):
    async def main() -> None:
        client = HubClient(endpoint_at(hub), OpenGate(), lambda name: None)
        extensions = {"lamplight_purpose": Purpose.DOWNLOAD}
        request = client._http.build_request("GET", target, extensions=extensions)
        with pytest.raises(HubError) if refused else nullcontext():
            await client._ask_gate(request)
        await client.close()

    asyncio.run(main())


def test_a_token_is_read_once_and_anew_when_it_changed(server: HubServer):
    server.add(FakeRepo("author/model"))
    given = iter([None, TOKEN])
    asked: list[str] = []

    def read(name: str) -> str | None:
        asked.append(name)
        return next(given)

    async def main() -> None:
        client = HubClient(endpoint_at(server.address), OpenGate(), read)
        hub = Catalogue(client)
        await hub.search(RepoQuery())
        await hub.search(RepoQuery())
        client.forget_token()
        await hub.search(RepoQuery())
        await client.close()

    asyncio.run(main())
    assert asked == [endpoint_at(server.address).secret_name] * 2
    sent = [request.headers.get("authorization") for request in server.seen]
    assert sent == [None, None, f"Bearer {TOKEN}"]
