"""Pulling through Ollama: every answer it can give, and every way in which it can fail to."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from app.domain.errors import (
    AppError,
    NetworkOff,
    OllamaBroken,
    OllamaError,
    OllamaNoSpace,
    OllamaNotRunning,
    OllamaOnly,
    OllamaTooOld,
    OllamaUnknownModel,
    OllamaUnreachable,
    UsageError,
)
from app.domain.network import Purpose
from app.domain.ollama import OllamaProgress
from app.hub.ollama import Ollama, ollama_address
from tests.helpers.ollama_server import FULL, NO_NETWORK, TOO_OLD, Fault, OllamaServer
from tests.helpers.transfer_rig import OpenGate

NAME = "tiny:1b"
WEIGHTS = bytes(range(256)) * 20_000
TEMPLATE = b"{{ .Prompt }}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OllamaServer]:
    with OllamaServer(tmp_path, {NAME: [WEIGHTS, TEMPLATE]}) as running:
        yield running


def pulled(
    host: str, name: str = NAME, gate: OpenGate | None = None
) -> tuple[list[OllamaProgress], AppError | None]:
    """What was told, and how it ended."""

    async def main() -> tuple[list[OllamaProgress], AppError | None]:
        ollama, told = Ollama(host, gate or OpenGate()), list[OllamaProgress]()
        try:
            async for progress in ollama.pull(name):
                told.append(progress)
        except AppError as error:
            return told, error
        finally:
            await ollama.close()
        return told, None

    return asyncio.run(asyncio.wait_for(main(), 20))


def files(host: str, name: str = NAME) -> tuple[str, ...]:
    async def main() -> tuple[str, ...]:
        ollama = Ollama(host, OpenGate())
        try:
            return await ollama.files(name)
        finally:
            await ollama.close()

    return asyncio.run(main())


def test_a_pull_tells_how_far_each_part_is(server: OllamaServer):
    told, error = pulled(server.host)
    assert error is None
    last = told[-1]
    assert [part.total_bytes for part in last.parts] == [len(WEIGHTS), len(TEMPLATE)]
    assert last.done_bytes == last.total_bytes == len(WEIGHTS) + len(TEMPLATE)
    assert all(part.digest.startswith("sha256:") for part in last.parts)
    assert server.manifest(NAME).exists()


def test_a_pull_tells_how_fast_it_is(server: OllamaServer):
    told, _ = pulled(server.host)
    assert told[0].bytes_per_second == 0
    assert 0 < told[-1].bytes_per_second <= (len(WEIGHTS) + len(TEMPLATE)) / 0.25


def test_its_weights_are_found_where_ollama_keeps_them(server: OllamaServer):
    pulled(server.host)
    assert files(server.host) == (str(server.blob(WEIGHTS)),)
    assert server.blob(WEIGHTS).read_bytes() == WEIGHTS


def test_a_projector_is_a_second_file_and_a_name_with_spaces_is_one(server: OllamaServer):
    server.shown = {
        "modelfile": 'FROM "/my models/blobs/sha256-1"\nFROM /p/sha256-2\nSYSTEM FROM\n'
    }
    assert files(server.host) == ("/my models/blobs/sha256-1", "/p/sha256-2")


def test_what_has_come_is_kept_when_it_is_stopped(server: OllamaServer):
    server.faults.append(Fault(after=2 << 20, end="stall"))

    async def stopped() -> None:
        ollama = Ollama(server.host, OpenGate())
        async with asyncio.timeout(20):
            async with aclosing(ollama.pull(NAME)) as pulling:
                async for progress in pulling:
                    if progress.done_bytes >= 2 << 20:
                        break
            await asyncio.to_thread(server.hung_up.wait)
        await ollama.close()

    asyncio.run(stopped())
    assert not server.manifest(NAME).exists()
    before = server.fetched
    _, error = pulled(server.host)
    assert error is None
    assert server.fetched == len(WEIGHTS) + len(TEMPLATE)
    assert before >= 2 << 20


def test_cancelling_the_one_who_waits_hangs_up(server: OllamaServer):
    server.faults.append(Fault(after=1 << 20, end="stall"))

    async def cancelled() -> None:
        ollama, begun = Ollama(server.host, OpenGate()), asyncio.Event()

        async def wait() -> None:
            async for progress in ollama.pull(NAME):
                if progress.parts:
                    begun.set()

        task = asyncio.create_task(wait())
        async with asyncio.timeout(20):
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(server.hung_up.wait)
        await ollama.close()

    asyncio.run(cancelled())


def test_closing_ends_a_pull_that_runs(server: OllamaServer):
    server.faults.append(Fault(after=1 << 20, end="stall"))

    async def closed() -> None:
        ollama = Ollama(server.host, OpenGate())
        async with asyncio.timeout(20):
            pulling = ollama.pull(NAME)
            await anext(pulling)
            await pulling.aclose()
            await ollama.close()
            await asyncio.to_thread(server.hung_up.wait)

    asyncio.run(closed())


# ------------------------------------------------------------------------------ what can go wrong


def said(words: str) -> Fault:
    """An error in the midst of the weights."""
    return Fault(after=1 << 20, line=json.dumps({"error": words}).encode() + b"\n")


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (said(FULL), OllamaNoSpace, "keeps its models is full"),
        (said(TOO_OLD), OllamaTooOld, "newer Ollama"),
        (said(NO_NETWORK), OllamaUnreachable, "Check the connection"),
        (said("max retries exceeded: EOF"), OllamaUnreachable, "goes on with what has come"),
        (said("digest mismatch, file must be downloaded again"), OllamaError, "could not get"),
        (Fault(after=1 << 20, end="close"), OllamaBroken, "stopped before it had all"),
        (Fault(after=0), OllamaBroken, "stopped before it had all"),
        (Fault(after=0, line=b"<html>\n"), OllamaBroken, "not an Ollama"),
        (Fault(after=0, line=b"[1, 2]\n"), OllamaBroken, "not an Ollama"),
        (Fault(after=0, line=b"[" * 100_000 + b"\n"), OllamaBroken, "not an Ollama"),
        (Fault(after=0, line=b"x" * (2 << 20)), OllamaBroken, "not an Ollama"),
        (Fault(404, b"<html>not here</html>"), OllamaBroken, "not an Ollama"),
        (Fault(404, b'{"error":"model not found"}'), OllamaUnknownModel, "knows no model"),
        (Fault(400, b'{"error":"invalid model name"}'), OllamaUnknownModel, "knows no model"),
        (Fault(500, b'{"error":{"odd":1}}'), OllamaBroken, "not an Ollama"),
        (Fault(200, b"<html>a page of another program</html>"), OllamaBroken, "not an Ollama"),
        (Fault(302, b""), OllamaBroken, "not an Ollama"),
    ],
)
def test_every_fault_is_a_sentence(
    server: OllamaServer, fault: Fault, kind: type[OllamaError], sentence: str
):
    server.faults.append(fault)
    _, error = pulled(server.host)
    assert error is not None
    assert type(error) is kind
    assert sentence in f"{error.title} {error.remedy}"
    assert error.remedy
    assert not server.manifest(NAME).exists()


def test_a_name_that_nobody_knows(server: OllamaServer):
    _, error = pulled(server.host, "tyni:1b")
    assert isinstance(error, OllamaUnknownModel)
    assert "“tyni:1b”" in error.title
    with pytest.raises(OllamaUnknownModel):
        files(server.host, "tyni:1b")


def test_where_no_ollama_runs_it_is_said_what_to_do(server: OllamaServer):
    host = server.host
    server.__exit__()
    _, error = pulled(host)
    assert isinstance(error, OllamaNotRunning)
    assert error.title == "Ollama is not running."
    assert "ollama serve" in error.remedy
    assert host in error.detail
    server.__enter__()


def test_figures_that_make_no_sense_are_left_out(server: OllamaServer):
    odd = [
        {"status": "pulling", "digest": 5, "total": 10},
        {"status": "pulling", "digest": "sha256:aa", "total": -1},
        {"status": "pulling", "digest": "sha256:bb", "total": 10, "completed": 99},
        {"status": "pulling", "digest": "sha256:cc", "total": 10, "completed": "5"},
        {"status": "success"},
    ]
    body = b"\n".join(json.dumps(line).encode() for line in odd)
    server.faults.append(Fault(200, body))
    told, error = pulled(server.host)
    assert error is None
    (part,) = told[-1].parts
    assert (part.digest, part.done_bytes, part.total_bytes) == ("sha256:bb", 10, 10)


def test_a_model_in_the_cloud_has_no_file(server: OllamaServer):
    server.shown = {"remote_host": "https://ollama.com:443", "modelfile": "FROM x"}
    with pytest.raises(OllamaOnly):
        files(server.host)


def test_the_switch_for_no_network_holds_for_ollama_too(server: OllamaServer):
    gate = OpenGate()
    gate.closed = True
    _, error = pulled(server.host, gate=gate)
    assert isinstance(error, NetworkOff)
    assert server.asked == []
    assert gate.asked == [(Purpose.DOWNLOAD, "ollama.com, through Ollama")]


def test_a_proxy_does_not_stand_between_this_computer_and_itself(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert pulled(server.host)[1] is None


# --------------------------------------------------------------------------------- its address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("box.local", "http://box.local:11434"),
        ("http://box.local", "http://box.local:80"),
        ("https://box.local/ollama/", "https://box.local:443/ollama"),
        (' "localhost:1234" ', "http://localhost:1234"),
    ],
)
def test_addresses_are_read_as_ollama_reads_them(host: str, address: str):
    assert ollama_address(host) == address


@pytest.mark.parametrize("host", ["ftp://box", "box:port", "box:99999", "http://[", "unix:///x"])
def test_a_bad_address_is_said(host: str):
    with pytest.raises(UsageError):
        ollama_address(host)
    assert isinstance(pulled(host)[1], UsageError)


def test_nothing_heavy_is_imported_before_it_is_asked():
    code = """
import asyncio, sys
from app.hub.ollama import Ollama
asyncio.run(Ollama("", None).close())
heavy = {"httpx2", "httpcore2", "anyio", "huggingface_hub"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
