"""An answer is the same whether it comes through the parser or past it, encrypted or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from app.hub import body as body_module
from app.hub.body import Body
from app.hub.wire import WireStream, use_wire
from tests.helpers.hub_server import FakeRepo, Fault, HubServer
from tests.helpers.transfer_rig import contents

CONTENT = contents(3_000_000)


@pytest.fixture(autouse=True)
def any_connection_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the parser as soon as some of it has come."""
    monkeypatch.setattr(body_module, "FAST", 0.0)
    monkeypatch.setattr(body_module, "_LOOKED_AT", 100_000)


@asynccontextmanager
async def answer(server: HubServer, patience: float = 5) -> AsyncGenerator[httpx2.Response]:
    """The storage's, to a request for all of the file."""
    server.add(FakeRepo("author/model", {"m.gguf": CONTENT}))
    async with httpx2.AsyncClient(timeout=patience) as http:
        use_wire(http)
        address = f"{server.storage_address}/author/model/m.gguf?Signature=1"
        async with http.stream("GET", address) as response:
            yield response


async def read(response: httpx2.Response, most: int = 1 << 20) -> bytes:
    """All that comes."""
    room, whole = memoryview(bytearray(most)), b""
    async with Body(response) as body:
        while count := await body.fill(room):
            whole += room[:count]
        assert body._stream is not None
    return whole


def served(steps: Callable[[HubServer], Coroutine[Any, Any, None]]) -> None:
    with HubServer() as server:
        asyncio.run(steps(server))


@pytest.mark.parametrize("most", [7_001, 1 << 20, 1 << 22])
def test_all_of_it_in_its_order(most: int):
    async def steps(server: HubServer) -> None:
        async with answer(server) as response:
            assert isinstance(response.extensions["network_stream"], WireStream)
            assert await read(response, most) == CONTENT

    served(steps)


def test_an_end_that_is_too_early_is_an_end():
    async def steps(server: HubServer) -> None:
        server.storage_faults.append(Fault(after=1_000_000, end="close"))
        async with answer(server) as response:
            assert await read(response) == CONTENT[:1_000_000]

    served(steps)


@pytest.mark.parametrize(
    ("end", "raised"), [("reset", httpx2.ReadError), ("stall", httpx2.ReadTimeout)]
)
def test_a_fault_is_raised_as_httpx2_raises_it(end: str, raised: type[Exception]):
    async def steps(server: HubServer) -> None:
        server.storage_faults.append(Fault(after=1_000_000, end=end))
        async with answer(server, patience=0.3) as response:
            with pytest.raises(raised):
                await read(response)

    served(steps)


def test_a_slow_connection_stays_with_the_parser_and_is_used_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(body_module, "FAST", 1e18)

    async def steps(server: HubServer) -> None:
        async with answer(server) as response, Body(response) as body:
            room, whole = memoryview(bytearray(1 << 20)), b""
            while count := await body.fill(room):
                whole += room[:count]
            assert body._stream is None
            assert whole == CONTENT
            stream = response.extensions["network_stream"]
            assert not stream.get_extra_info("is_readable")

    served(steps)
