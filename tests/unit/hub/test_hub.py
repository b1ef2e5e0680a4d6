"""The hub from the window's loop: its own thread, nothing before it is asked, facts in the loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.domain.errors import ProfileInUse, UsageError
from app.domain.hub import RepoQuery
from app.domain.transfer import Transfer, TransferLimits, TransferPhase
from app.hub.hub import Hub
from tests.helpers.hub_server import TOKEN, FakeRepo, Fault, HubServer, request_for
from tests.helpers.transfer_rig import OpenGate, contents, whole


def made(server: HubServer, models: Path, token: str | None = None) -> Hub:
    return Hub(server.address, models, OpenGate(), lambda name: token, TransferLimits())


def test_nothing_heavy_is_imported_and_no_thread_begun_before_it_is_asked(tmp_path: Path):
    code = f"""
import asyncio, sys, threading
from pathlib import Path
from app.domain.transfer import TransferLimits
from app.hub.hub import Hub

class Gate:
    def ask(self, purpose, host):
        raise AssertionError(host)

async def main():
    hub = Hub("", Path({str(tmp_path)!r}), Gate(), lambda name: None, TransferLimits())
    await hub.start()
    assert hub.transfers == ()
    assert not [thread for thread in threading.enumerate() if thread.name == "hub"]
    await hub.close()

asyncio.run(main())
heavy = {{"httpx2", "httpcore2", "anyio", "huggingface_hub", "h11"}} & set(sys.modules)
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_download_is_followed_from_the_loop(tmp_path: Path):
    content, heard = contents(2_000_000), list[tuple[threading.Thread, tuple[Transfer, ...]]]()

    async def main(server: HubServer) -> None:
        repo = server.add(FakeRepo("author/model", {"m.gguf": content}))
        hub = made(server, tmp_path)
        finished = asyncio.Event()

        def listen(transfers: tuple[Transfer, ...]) -> None:
            heard.append((threading.current_thread(), transfers))
            if transfers and transfers[0].phase is TransferPhase.FINISHED:
                finished.set()

        hub.on_change(listen)
        transfer = await hub.add(request_for(repo))
        async with asyncio.timeout(10):
            await finished.wait()
        (done,) = hub.transfers
        assert done.transfer_id == transfer
        assert whole(done) == content
        await hub.remove(transfer)
        await hub.close()
        assert hub.transfers == ()

    with HubServer() as server:
        asyncio.run(main(server))
    assert {thread for thread, _ in heard} == {threading.main_thread()}


def test_one_run_goes_on_with_what_another_left(tmp_path: Path):
    content = contents(3_000_000)

    async def first(server: HubServer) -> None:
        repo = server.add(FakeRepo("author/model", {"m.gguf": content}))
        server.bytes_per_second = 300_000
        hub = made(server, tmp_path)
        await hub.add(request_for(repo))
        await asyncio.sleep(0.3)
        await hub.close()

    async def second(server: HubServer) -> None:
        server.bytes_per_second = 0
        hub = made(server, tmp_path)
        finished = asyncio.Event()

        def listen(transfers: tuple[Transfer, ...]) -> None:
            if transfers[0].phase is TransferPhase.FINISHED:
                finished.set()

        hub.on_change(listen)
        await hub.start()
        async with asyncio.timeout(10):
            await finished.wait()
        await hub.close()

    with HubServer() as server:
        asyncio.run(first(server))
        asyncio.run(second(server))
    assert (tmp_path / "author" / "model" / "m.gguf").read_bytes() == content


def test_where_another_process_downloads_that_is_said_each_time(tmp_path: Path):
    owned: list[bool] = []

    def own() -> None:
        if not owned:
            raise ProfileInUse("Lamplight is already running with this profile.")

    async def main(server: HubServer) -> None:
        repo = server.add(FakeRepo("author/model", {"m.gguf": b"1" * 1000}))
        limits = TransferLimits()
        hub = Hub(server.address, tmp_path, OpenGate(), lambda name: None, limits, own)
        assert (await hub.search(RepoQuery())).repos
        for _ in range(2):
            with pytest.raises(ProfileInUse):
                await hub.add(request_for(repo))
        owned.append(True)
        await hub.add(request_for(repo))
        await hub.close()

    with HubServer() as server:
        asyncio.run(main(server))


def test_an_address_that_is_none_is_said_whatever_is_asked(tmp_path: Path):
    async def main() -> None:
        hub = Hub("ftp://mirror", tmp_path, OpenGate(), lambda name: None, TransferLimits())
        for _ in range(2):
            with pytest.raises(UsageError):
                await hub.search(RepoQuery())
        await hub.close()

    asyncio.run(main())


def test_a_repository_has_a_page_for_a_web_browser_at_the_same_address(tmp_path: Path):
    hub = Hub("mirror.example/hf/", tmp_path, OpenGate(), lambda name: None, TransferLimits())
    assert hub.page_address("author/a name") == "https://mirror.example/hf/author/a%20name"


def test_several_first_questions_at_once_make_one_queue_and_one_client(tmp_path: Path):
    async def main(server: HubServer) -> None:
        repo = server.add(FakeRepo("author/model", {"m.gguf": b"1" * 1000}, gated="auto"))
        hub = made(server, tmp_path, TOKEN)
        page, details, first, second = await asyncio.gather(
            hub.search(RepoQuery()),
            hub.details("author/model"),
            hub.add(request_for(repo)),
            hub.add(request_for(repo)),
        )
        assert page.repos[0] == details.summary
        assert first == second
        await hub.set_limits(TransferLimits(at_once=1))
        await hub.token_changed()
        await hub.close()

    with HubServer() as server:
        asyncio.run(main(server))


@pytest.mark.parametrize("line", ["fast", "silent", "down"])
def test_closing_in_the_middle_of_a_download_is_not_felt(tmp_path: Path, line: str):
    async def main(server: HubServer) -> float:
        content = contents(60_000_000 if line == "fast" else 3_000_000)
        wanted = request_for(server.add(FakeRepo("author/model", {"m.gguf": content})))
        server.bytes_per_second = 30_000_000 if line == "fast" else 1_000_000
        if line == "silent":
            server.storage_fault_always = Fault(after=1_000_000, end="stall")
        hub = made(server, tmp_path)
        await hub.add(wanted)
        async with asyncio.timeout(20):
            while not (hub.transfers and hub.transfers[0].done_bytes > 900_000):
                await asyncio.sleep(0.01)
        if line == "down":
            server.stop()
            while hub.transfers[0].phase is not TransferPhase.RETRYING:
                await asyncio.sleep(0.01)
        asked = time.monotonic()
        await hub.close()
        return time.monotonic() - asked

    with HubServer() as server:
        assert asyncio.run(main(server)) < 0.3


def test_closing_does_not_wait_for_a_name_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked, over = threading.Event(), threading.Event()

    def silent(*question: object, **options: object) -> list[object]:
        asked.set()
        over.wait(20)
        return []

    async def main() -> float:
        hub = Hub("http://hub.example", tmp_path, OpenGate(), lambda name: None, TransferLimits())
        searching = asyncio.ensure_future(hub.search(RepoQuery()))
        await asyncio.to_thread(asked.wait, 10)
        began = time.monotonic()
        await hub.close()
        took = time.monotonic() - began
        await asyncio.wait({searching})
        return took

    monkeypatch.setattr("socket.getaddrinfo", silent)
    try:
        assert asyncio.run(main()) < 0.3
    finally:
        over.set()
