"""The connections under the HTTP library: ends, cancellation, flow, encryption, addresses."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore2
import httpx2
import pytest

from app.hub.receiver import READ_AT_ONCE, Receiver
from app.hub.wire import Wire, WireStream, use_wire
from tests.helpers.certificates import self_signed, server_context
from tests.helpers.transfer_rig import contents

CONTENT = contents(3_000_000)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@asynccontextmanager
async def serving(
    serve: Serve, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncGenerator[int]:
    """The port of a server that does with each connection what it is told."""
    served: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())  # pyright: ignore[reportArgumentType]
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            # Everything that was written goes out, unless the other side is gone.
            writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)


@pytest.fixture(params=["plain", "encrypted"])
def connected(request: pytest.FixtureRequest, certificate: tuple[Path, Path]):
    """A connection to a server that does what it is told, encrypted or not."""
    secret = request.param == "encrypted"
    context = server_context(*certificate) if secret else None

    @asynccontextmanager
    async def connect(serve: Serve) -> AsyncGenerator[WireStream]:
        async with serving(serve, context) as port:
            stream = await Wire().connect_tcp("127.0.0.1", port, 5)
            if secret:
                stream = await stream.start_tls(trusted(certificate), "127.0.0.1", 5)
            try:
                yield stream
            finally:
                await stream.aclose()

    return connect


def trusted(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


async def send_all_and_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(CONTENT)
    await writer.drain()
    if writer.get_extra_info("ssl_object"):
        # The system's end at once, without one of the encryption: as broken lines end.
        while writer.transport.get_write_buffer_size():
            await asyncio.sleep(0.01)
        writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
    else:
        writer.write_eof()
    await asyncio.sleep(60)


@pytest.mark.parametrize("rest", [0.0, 0.02])
def test_all_that_came_before_the_end_is_there_for_who_reads_slowly(connected, rest: float):
    async def main() -> None:
        whole = b""
        async with connected(send_all_and_end) as stream:
            while block := await stream.read(100_000, 5):
                whole += block
                await asyncio.sleep(rest)
            # The end stays the end.
            assert await stream.read(10, 5) == b""
            assert await stream.fill(memoryview(bytearray(10)), 0.01, 5) == 0
            assert stream.get_extra_info("is_readable")
        assert whole == CONTENT

    asyncio.run(main())


@pytest.mark.parametrize("room", [50_001, 700_000])
def test_all_that_came_before_the_end_is_there_for_who_fills_slowly(connected, room: int):
    async def main() -> None:
        whole, memory = b"", memoryview(bytearray(room))
        async with connected(send_all_and_end) as stream:
            while count := await stream.fill(memory, 0.05, 5):
                whole += memory[:count]
                await asyncio.sleep(0.01)
        assert whole == CONTENT

    asyncio.run(main())


def test_an_end_that_has_come_while_nobody_read_takes_nothing_along(connected):
    """asyncio fills one more buffer of whoever has paused it, and forgets what else it has."""
    content = CONTENT[:400_000]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        while writer.transport.get_write_buffer_size():
            await asyncio.sleep(0.01)
        writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        await asyncio.sleep(60)

    async def main() -> None:
        whole, memory = b"", memoryview(bytearray(50_001))
        async with connected(serve) as stream:
            await asyncio.sleep(0.3)
            while count := await stream.fill(memory, 0.05, 5):
                whole += memory[:count]
        assert whole == content

    asyncio.run(main())


def test_nothing_is_written_into_memory_that_was_given_up(connected):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"a" * 1000)
        await reader.readexactly(1)
        writer.write(b"b" * 1000)

    async def main() -> None:
        async with connected(serve) as stream:
            given_up = bytearray(5000)
            filling = asyncio.ensure_future(stream.fill(memoryview(given_up), 60, 60))
            while not given_up[999]:
                await asyncio.sleep(0.005)
            filling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await filling
            as_it_was = bytes(given_up)
            await stream.write(b"!", 5)
            # It goes to whoever asks next.
            assert await stream.read(1000, 5) == b"b" * 1000
            assert given_up == as_it_was

    asyncio.run(main())


def test_who_does_not_read_stops_the_other_side(connected):
    async def main() -> None:
        sent = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            small = writer.get_extra_info("socket")
            small.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
            while True:
                writer.write(bytes(1 << 16))
                await writer.drain()
                sent += 1 << 16

        async with connected(serve) as stream:
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
            own = stream._receiver._own
            assert len(own) <= 2 * READ_AT_ONCE
            assert sent < 32 << 20
            for _ in range(100):
                await stream.read(READ_AT_ONCE, 5)
            assert sent > before

    asyncio.run(main())


def test_silence_is_said_in_time_and_what_comes_later_is_kept(connected):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"late")

    async def main() -> None:
        async with connected(serve) as stream:
            with pytest.raises(httpcore2.ReadTimeout):
                await stream.read(10, 0.05)
            with pytest.raises(httpcore2.ReadTimeout):
                await stream.fill(memoryview(bytearray(10)), 0.02, 0.05)
            await stream.write(b"!", 5)
            assert await stream.read(10, 5) == b"late"

    asyncio.run(main())


async def flood(stream: WireStream) -> None:
    for _ in range(100):
        await stream.write(bytes(1 << 20), 0.1)


def test_who_cannot_get_rid_of_what_is_written_is_told(connected):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        async with connected(serve) as stream:
            with pytest.raises(httpcore2.WriteTimeout):
                await flood(stream)

    asyncio.run(main())


def test_a_closed_connection_says_so(connected):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        async with connected(serve) as stream:
            system_socket = stream.get_extra_info("socket")
            await stream.aclose()
            await stream.aclose()
            await asyncio.sleep(0)
            assert system_socket.fileno() == -1
            assert await stream.read(10, 5) == b""
            with pytest.raises(httpcore2.WriteError):
                await stream.write(b"!", 5)

    asyncio.run(main())


def test_a_block_larger_than_what_is_left_is_taken_whole():
    """As asyncio hands it over on Windows: block by block, without looking for a pause."""
    receiver = Receiver()
    block = contents(READ_AT_ONCE - 100)
    for _ in range(2):
        left = memoryview(block)
        while left:
            room = receiver.get_buffer(len(left))[: len(left)]
            assert room
            room[:] = left[: len(room)]
            receiver.buffer_updated(len(room))
            left = left[len(room) :]

    async def main() -> bytes:
        return await receiver.read(1 << 20, 1)

    assert asyncio.run(main()) == block * 2


def test_encrypted_within_encrypted(certificate: tuple[Path, Path]):
    """As through a proxy that is itself reached over TLS."""

    async def main() -> None:
        context, whole = server_context(*certificate), b""
        async with serving(send_all_and_end, context) as inner:

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there, back = await asyncio.open_connection("127.0.0.1", inner)
                await asyncio.gather(_pump(reader, back), _pump(there, writer))

            async with serving(relay, context) as outer:
                stream = await Wire().connect_tcp("127.0.0.1", outer, 5)
                for _ in range(2):
                    stream = await stream.start_tls(trusted(certificate), "127.0.0.1", 5)
                while len(whole) < len(CONTENT):
                    whole += await stream.read(READ_AT_ONCE, 5)
                await stream.aclose()
        assert whole == CONTENT

    asyncio.run(main())


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


# ------------------------------------------------------------------------------- connecting


def test_what_came_before_the_encryption_is_refused(certificate: tuple[Path, Path]):
    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.drain()

        async with serving(serve) as port:
            stream = await Wire().connect_tcp("127.0.0.1", port, 5)
            while not stream.get_extra_info("is_readable"):
                await asyncio.sleep(0.005)
            with pytest.raises(httpcore2.ConnectError, match="before the connection was encrypt"):
                await stream.start_tls(trusted(certificate), "127.0.0.1", 5)

    asyncio.run(main())


def test_a_greeting_that_is_never_answered_ends_in_time(certificate: tuple[Path, Path]):
    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(1)

        async with serving(serve) as port:
            stream = await Wire().connect_tcp("127.0.0.1", port, 5)
            with pytest.raises(httpcore2.ConnectTimeout):
                await stream.start_tls(ssl.create_default_context(), "127.0.0.1", 0.1)

    asyncio.run(main())


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "hub..example"])
def test_a_name_that_is_none_is_no_bug(host: str):
    with pytest.raises(httpcore2.ConnectError):
        asyncio.run(Wire().connect_tcp(host, 443, 5))


def test_a_port_that_nobody_listens_at():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(httpcore2.ConnectError):
        asyncio.run(Wire().connect_tcp("127.0.0.1", port, 5))


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this computer has no IPv6")
def test_over_ipv6_and_again_on_the_same_connection(certificate: tuple[Path, Path]):
    answers = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + CONTENT[:300_000]

    async def main() -> None:
        connections = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answers)

        context = server_context(*certificate)
        async with (
            serving(serve, context, "::1") as port,
            httpx2.AsyncClient(verify=trusted(certificate), trust_env=False) as http,
        ):
            address = f"https://[::1]:{port}/"
            use_wire(http)
            for _ in range(3):
                assert (await http.get(address)).content == CONTENT[:300_000]
            assert connections == 1
            async with http.stream("GET", address) as response:
                assert isinstance(response.extensions["network_stream"], WireStream)
                await anext(response.aiter_raw())
            # What is left of an answer must not be taken for the next one.
            assert (await http.get(address)).content == CONTENT[:300_000]
            assert connections == 2

    asyncio.run(main())
