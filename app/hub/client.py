"""Speaking HTTP with a hub: every request through the network gate, every fault in a sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from app.domain.errors import HubError
from app.domain.hub import HubWay
from app.domain.network import Purpose
from app.domain.network_ports import NetworkGate
from app.hub.endpoint import Endpoint
from app.hub.refusals import answer_broken, of_status, of_transport
from app.hub.route import opened
from app.hub.wire import use_wire

FAULTS = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError)
"""What a request may raise; `app.hub.refusals.of_transport` translates it."""
LONGEST_JSON = 32 << 20
LONGEST_TEXT = 2 << 20
_AGENT = "lamplight"
_PURPOSE = "lamplight_purpose"


class HubClient:
    """Asks one hub. Belongs to the loop it was made in.

    `read_token` may take its time (the keyring); it runs in a thread, once, when it is first
    needed. Redirects are followed, and the gate is asked for each; the token goes to the hub
    itself and never to where it redirects to. Raises as `app.hub.route.opened` does.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        gate: NetworkGate,
        read_token: Callable[[str], str | None],
        way: HubWay = HubWay(),  # noqa: B008 - a frozen value
        *,
        timeout: float = 20.0,
        connect_timeout: float = 10.0,
    ) -> None:
        """Of `way` only proxy and certificates count; `endpoint` is its address."""
        self.endpoint = endpoint
        self._gate = gate
        self._read_token = read_token
        self._token: asyncio.Future[str | None] | None = None
        self._timeout = httpx2.Timeout(timeout, connect=connect_timeout)
        self._http = self._opened(way)
        self._before: list[httpx2.AsyncClient] = []

    def go_another_way(self, endpoint: Endpoint, way: HubWay) -> None:
        """Each request from now on; those that run end as they began. Raises as the constructor,
        and then everything stays as it was."""
        opened = self._opened(way)
        # Transfers read from it still; `close` closes it.
        self._before.append(self._http)
        self._http = opened
        self.endpoint = endpoint
        self._token = None

    def _opened(self, way: HubWay) -> httpx2.AsyncClient:
        http = opened(
            way,
            follow_redirects=True,
            max_redirects=5,
            timeout=self._timeout,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=16),
            headers={"User-Agent": _AGENT},
            event_hooks={"request": [self._ask_gate]},
        )
        use_wire(http)
        return http

    @property
    def gate(self) -> NetworkGate:
        """Asked again by whoever keeps a connection open for long."""
        return self._gate

    async def close(self) -> None:
        """Close all connections."""
        for http in (*self._before, self._http):
            await http.aclose()

    def forget_token(self) -> None:
        """Read it anew before the next request: it was changed."""
        self._token = None

    async def signed_in(self) -> bool:
        """Whether there is a token that this hub may see."""
        return await self._given_token() is not None

    async def json(
        self, path: str, subject: str, params: Mapping[str, Any] | None = None
    ) -> tuple[Any, str | None]:
        """An answer of the hub's interface and the address of the next page, if there is one."""
        async with self.request("GET", self._url(path), Purpose.BROWSE, params=params) as response:
            await self.check(response, subject)
            following = response.links.get("next", {}).get("url")
            return await self.body_as_json(response), following

    async def text(self, url: str, subject: str) -> str:
        """A text file, cut where it is too long."""
        async with self.request("GET", url, Purpose.BROWSE) as response:
            await self.check(response, subject)
            return (await self._body(response, LONGEST_TEXT, cut=True)).decode(errors="replace")

    async def body_as_json(self, response: httpx2.Response) -> Any:
        """The rest of an answer, at most 32 MB of it."""
        body = await self._body(response, LONGEST_JSON)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise answer_broken(self.endpoint.host, f"not JSON: {error}") from error

    async def check(
        self, response: httpx2.Response, subject: str, *, signed_in: bool | None = None
    ) -> None:
        """Raise the `HubError` that an answer without success stands for.

        `signed_in`: whether a token was sent; None: if there is one.
        """
        if response.status_code >= 400:
            raise of_status(
                response.status_code,
                response.headers,
                response.url.host,
                subject,
                signed_in=await self.signed_in() if signed_in is None else signed_in,
            )

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        purpose: Purpose,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = True,
        token: str | None = None,
    ) -> AsyncGenerator[httpx2.Response]:
        """An answer whose body is still to be read; raises `HubError` and `NetworkOff`.

        `token` takes the place of the kept one; it goes where that would.
        """
        sent = dict(headers or {})
        if self.endpoint.is_origin_of(url) and (given := await self._given_token(token)):
            sent["Authorization"] = f"Bearer {given}"
        host = self.endpoint.host
        try:
            host = httpx2.URL(url).host
            request = self._http.build_request(
                method, url, params=params, headers=sent, extensions={_PURPOSE: purpose}
            )
            response = await self._http.send(
                request, stream=True, follow_redirects=follow_redirects
            )
        except FAULTS as error:
            raise of_transport(error, host) from error
        try:
            yield response
        except FAULTS as error:
            raise of_transport(error, response.url.host) from error
        finally:
            await response.aclose()

    async def _body(self, response: httpx2.Response, limit: int, *, cut: bool = False) -> bytes:
        """Decoded and bounded: a small compressed answer can be huge when it is unpacked."""
        body = bytearray()
        async for block in response.aiter_bytes():
            body += block
            if len(body) > limit:
                if cut:
                    return bytes(body[:limit])
                raise answer_broken(self.endpoint.host, f"more than {limit:,} bytes")
        return bytes(body)

    async def _ask_gate(self, request: httpx2.Request) -> None:
        """Before every request, those that follow a redirect included."""
        if not 0 < (request.url.port or 443) < 65536:
            # The layers below answer such an address with an error that is none of theirs.
            raise answer_broken(self.endpoint.host, f"it redirects to port {request.url.port}")
        if self.endpoint.encrypted and request.url.scheme != "https":
            raise HubError(
                "The hub sends Lamplight on to an address that is not encrypted.",
                request.url.host,
                "Nothing was fetched from there. Try again later, or another hub.",
            )
        self._gate.ask(request.extensions[_PURPOSE], request.url.host)

    async def _given_token(self, instead: str | None = None) -> str | None:
        if not self.endpoint.may_see_token:
            return None
        if instead is not None:
            return instead
        if self._token is None:
            name = self.endpoint.secret_name
            self._token = asyncio.ensure_future(asyncio.to_thread(self._read_token, name))
        return await asyncio.shield(self._token)

    def _url(self, path: str) -> str:
        """A path below the endpoint; a whole address only where it belongs to this hub."""
        if "://" not in path:
            return self.endpoint.url + path
        if not self.endpoint.is_origin_of(path):
            raise answer_broken(self.endpoint.host, "its next page is at another address")
        return path
