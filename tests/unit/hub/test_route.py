"""Proxies and certificates: real servers on loopback, one that stands in between, one with TLS."""

from __future__ import annotations

import asyncio
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import (
    AppError,
    CertificatesUnusable,
    HubNotTrusted,
    HubUnreachable,
    ProxyUnusable,
)
from app.domain.hub import NO_PROXY, HubWay, RepoQuery
from app.hub.catalogue import Catalogue
from app.hub.client import HubClient
from app.hub.endpoint import endpoint_at
from tests.helpers.certificates import self_signed, server_context
from tests.helpers.hub_server import HubServer
from tests.helpers.transfer_rig import OpenGate


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers everything with an empty list, and remembers what was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        return


class Server:
    """One that answers on loopback; `asked` are the targets as they were written."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        handler = type("Handler", (Answering,), {"asked": self.asked})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def proxy() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def search(address: str, way: HubWay) -> int:
    """How many repositories a search finds, gone this way."""

    async def main() -> int:
        client = HubClient(endpoint_at(address), OpenGate(), lambda name: None, way)
        try:
            return len((await Catalogue(client).search(RepoQuery())).repos)
        finally:
            await client.close()

    return asyncio.run(main())


def test_a_proxy_that_is_set_is_gone_through(proxy: Server):
    assert search("http://hub.example", HubWay(proxy=f"127.0.0.1:{proxy.port}")) == 0
    (asked,) = proxy.asked
    assert asked.startswith("http://hub.example/api/models?")


def test_what_is_on_this_computer_is_not_behind_it(proxy: Server):
    with HubServer() as hub:
        search(hub.address, HubWay(proxy=f"http://127.0.0.1:{proxy.port}"))
        assert len(hub.seen) == 1
    assert proxy.asked == []


def test_the_systems_proxy_is_used_unless_it_is_switched_off(
    proxy: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with HubServer() as hub:
        search(hub.address, HubWay(proxy=NO_PROXY))
        assert (len(hub.seen), proxy.asked) == (1, [])
        search(hub.address, HubWay())
        assert len(hub.seen) == len(proxy.asked) == 1


@pytest.mark.parametrize(
    "written", ["ftp://proxy:1", "http://", "http://proxy:99999", "proxy:port"]
)
def test_what_is_no_proxy_is_said(written: str):
    with pytest.raises(ProxyUnusable):
        search("http://hub.example", HubWay(proxy=written))


def test_a_password_does_not_go_into_the_settings():
    with pytest.raises(ProxyUnusable) as caught:
        search("http://hub.example", HubWay(proxy="http://ada:secret@proxy:8080"))
    assert "secret" not in str(caught.value.to_dict())


def test_a_system_proxy_that_lamplight_cannot_use_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("all_proxy", "ftp://127.0.0.1:1")
    with pytest.raises(HubUnreachable, match="proxy"):
        search("http://hub.example", HubWay())


# --------------------------------------------------------------------------- certificates


@pytest.fixture
def company(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A hub whose certificate only a company knows, and the file with that certificate."""
    certificate, key = self_signed(tmp_path)
    server = Server(server_context(certificate, key))
    yield server, certificate
    server.close()


def test_a_companys_certificate_is_trusted_once_it_is_named(company: tuple[Server, Path]):
    server, certificate = company
    address = f"https://127.0.0.1:{server.port}"
    with pytest.raises(HubNotTrusted):
        search(address, HubWay())
    assert search(address, HubWay(certificates=str(certificate))) == 0


def test_a_file_without_certificates_is_said(tmp_path: Path):
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate")
    for path in (nothing, tmp_path / "absent.pem"):
        with pytest.raises(CertificatesUnusable) as caught:
            search("https://hub.example", HubWay(certificates=str(path)))
        assert str(path) in caught.value.detail


def test_a_way_that_cannot_be_gone_leaves_the_old_one(proxy: Server):
    async def main(server: HubServer) -> None:
        client = HubClient(endpoint_at(server.address), OpenGate(), lambda name: None)
        hub = Catalogue(client)
        with pytest.raises(AppError):
            client.go_another_way(endpoint_at("http://elsewhere"), HubWay(proxy="ftp://x"))
        await hub.search(RepoQuery())
        assert len(server.seen) == 1
        client.go_another_way(
            endpoint_at("http://elsewhere"), HubWay(proxy=f"127.0.0.1:{proxy.port}")
        )
        await hub.search(RepoQuery())
        await client.close()

    with HubServer() as server:
        asyncio.run(main(server))
    assert proxy.asked[0].startswith("http://elsewhere/")
