"""Every fault of a line, a server or a disk ends in a right file or a clear state."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import (
    AccessNotGranted,
    ChecksumWrong,
    HubBusy,
    HubFault,
    HubSilent,
    HubUnreachable,
    NetworkOff,
    OtherFileOffered,
    RepoMissing,
    TokenNeeded,
)
from app.domain.hub import RepoFile
from app.domain.transfer import TransferLimits, TransferPhase, TransferRequest
from tests.helpers.hub_server import TOKEN, FakeRepo, Fault, HubServer, request_for
from tests.helpers.transfer_rig import QUICK, Rig, contents, drive, whole

SMALL = contents(300_000)
LARGE = contents(9_000_000)


async def right(rig: Rig, content: bytes) -> None:
    """Download `content` through all the faults; see it whole, with nothing left over."""
    done = await rig.download(rig.repo(m=content))
    assert done.phase is TransferPhase.FINISHED, done.error
    assert whole(done) == content
    assert rig.staged() == []
    assert not rig.server.storage_faults
    assert not rig.server.hub_faults


@pytest.mark.parametrize("end", ["close", "reset", "stall"])
@pytest.mark.parametrize("after", [0, 1, 70_000])
def test_a_connection_that_ends_in_the_middle_is_taken_up_again(
    tmp_path: Path, end: str, after: int
):
    async def steps(rig: Rig):
        rig.server.storage_faults += [Fault(after=after, end=end)] * 3
        await right(rig, SMALL)

    drive(tmp_path, steps)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_line_that_breaks_every_few_bytes_gets_there(tmp_path: Path, end: str):
    async def steps(rig: Rig):
        rig.server.storage_fault_always = Fault(after=40_000, end=end)
        await right(rig, SMALL)
        assert rig.server.sent < len(SMALL) + 8 * 40_000

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


def test_what_came_before_a_break_is_not_asked_for_again(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.storage_faults.append(Fault(after=100_000, end="close"))
        await right(rig, SMALL)
        spans = [request.span for request in rig.server.storage_requests()]
        assert spans == [(0, 299_999), (100_000, 299_999)]

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_a_storage_in_trouble_is_asked_again(tmp_path: Path, status: int):
    async def steps(rig: Rig):
        rig.server.storage_faults += [Fault(status=status)] * 4
        await right(rig, SMALL)

    drive(tmp_path, steps)


def test_a_storage_that_wants_to_be_left_alone_is_asked_again(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.storage_faults += [Fault(status=429, headers={"Retry-After": "0"})] * 3
        await right(rig, SMALL)

    drive(tmp_path, steps)


def test_a_length_that_is_too_short_is_only_the_end_of_one_answer(tmp_path: Path):
    async def steps(rig: Rig):
        span = f"bytes 0-{len(SMALL) - 1}/{len(SMALL)}"
        head = f"HTTP/1.1 206 Partial\r\nContent-Range: {span}\r\nContent-Length: 10\r\n\r\n"
        rig.server.storage_faults.append(Fault(raw=head.encode() + SMALL[:10]))
        await right(rig, SMALL)
        assert [each.span for each in rig.server.storage_requests()] == [
            (0, 299_999),
            (10, 299_999),
        ]

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


def test_a_hub_in_trouble_is_asked_again(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.hub_faults += [Fault(status=503), Fault(raw=b"gar\0bage\r\n\r\n")]
        await right(rig, SMALL)

    drive(tmp_path, steps)


def test_a_hub_that_wants_to_be_left_alone_is(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.hub_faults.append(Fault(status=429, headers={"Retry-After": "3600"}))
        transfer = await rig.add(rig.repo(m=SMALL))
        await rig.until(lambda: rig.now(transfer).phase is TransferPhase.RETRYING)
        waiting = rig.now(transfer)
        assert isinstance(waiting.error, HubBusy)
        assert waiting.retry_in is not None
        assert 3590 < waiting.retry_in <= 3600
        assert waiting.bytes_per_second == 0
        await rig.queue.resume(transfer)
        assert (await rig.ended(transfer)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


@pytest.mark.parametrize("limit", [0, 5e6])
def test_a_trickle_is_given_up_for_another_connection(tmp_path: Path, limit: float):
    async def steps(rig: Rig):
        rig.server.storage_faults.append(Fault(after=1000, end="trickle"))
        await right(rig, SMALL)
        first, second = rig.server.storage_requests()
        assert first.span == (0, 299_999)
        assert second.span is not None
        assert 1000 < second.span[0] < 2000

    drive(tmp_path, steps, limits=TransferLimits(limit, connections=1))


def test_what_our_own_limit_makes_slow_is_not_given_up(tmp_path: Path):
    async def steps(rig: Rig):
        await right(rig, contents(60_000))
        assert len(rig.server.storage_requests()) == 1

    limits = TransferLimits(50_000, connections=1)
    drive(tmp_path, steps, pace=replace(QUICK, crawl_bytes=40_000), limits=limits)


def test_an_expired_address_is_asked_for_anew(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.bytes_per_second = 4_000_000
        transfer = await rig.add(rig.repo(m=LARGE))
        await rig.until(lambda: rig.now(transfer).done_bytes > 1_000_000)
        await rig.queue.pause(transfer)
        rig.server.expire_links()
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer)
        assert (await rig.ended(transfer)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


def test_an_address_that_expires_while_it_is_used_is_asked_for_anew(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.storage_faults += [Fault(after=50_000, end="close"), Fault(status=403)]
        await right(rig, SMALL)
        heads = [request for request in rig.server.seen if request.method == "HEAD"]
        assert len(heads) == 2

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


def test_a_server_without_ranges_gives_the_whole(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.ignore_ranges = True
        await right(rig, LARGE)

    drive(tmp_path, steps)


def test_a_server_without_ranges_that_breaks_off_begins_again(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.ignore_ranges = True
        rig.server.storage_faults += [Fault(after=200_000, end="reset")] * 4
        await right(rig, SMALL)

    drive(tmp_path, steps)


@pytest.mark.parametrize("no_head", [False, True])
def test_a_hub_that_gives_its_files_itself(tmp_path: Path, no_head: bool):
    async def steps(rig: Rig):
        rig.server.no_storage, rig.server.no_head = True, no_head
        await right(rig, LARGE)
        assert rig.server.storage_requests() == []

    drive(tmp_path, steps)


def test_a_range_that_is_another_one_is_not_written(tmp_path: Path):
    async def steps(rig: Rig):
        head = f"HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/{len(SMALL)}\r\n"
        raw = head.encode() + b"Content-Length: 5\r\n\r\nwrong"
        rig.server.storage_faults += [Fault(raw=raw)] * 2
        await right(rig, SMALL)
        assert {each.span for each in rig.server.storage_requests()} == {(0, 299_999)}

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


def test_a_page_to_sign_in_at_is_no_model(tmp_path: Path):
    async def steps(rig: Rig):
        page = Fault(status=200, body=b"<html>Welcome to our hotel</html>")
        rig.server.storage_faults += [page] * 5
        await right(rig, SMALL)

    drive(tmp_path, steps)


# ------------------------------------------------------------------------- another content


def test_a_wrong_checksum_is_fetched_again_once(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.repo(m=LARGE)
        rig.server.stored["m.gguf"] = LARGE[:-1] + b"?"
        transfer = await rig.add(repo)
        await rig.until(lambda: rig.server.sent >= len(LARGE))
        rig.server.stored.clear()
        done = await rig.ended(transfer)
        assert done.phase is TransferPhase.FINISHED
        assert whole(done) == LARGE

    drive(tmp_path, steps)


def test_a_checksum_that_stays_wrong_is_said_and_nothing_is_shown(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.repo(m=SMALL)
        rig.server.stored["m.gguf"] = bytes(len(SMALL))
        failed = await rig.download(repo)
        assert failed.phase is TransferPhase.FAILED
        assert isinstance(failed.error, ChecksumWrong)
        assert rig.shown() == []
        assert rig.server.sent == 2 * len(SMALL)

    drive(tmp_path, steps)


@pytest.mark.parametrize(
    "announced",
    [
        {"X-Linked-Size": "300001"},
        {"X-Linked-Etag": '"' + hashlib.sha256(b"other").hexdigest() + '"'},
        {"X-Repo-Commit": "f" * 40},
    ],
)
def test_another_file_is_refused_before_its_first_byte(tmp_path: Path, announced: dict[str, str]):
    async def steps(rig: Rig):
        rig.server.announced = announced
        failed = await rig.download(rig.repo(m=SMALL))
        assert failed.phase is TransferPhase.FAILED
        assert isinstance(failed.error, OtherFileOffered)
        assert rig.server.storage_requests() == []

    drive(tmp_path, steps)


@pytest.mark.parametrize("shorter", [SMALL[:100_000], SMALL + b"more"])
def test_a_storage_with_a_file_of_another_size_is_refused(tmp_path: Path, shorter: bytes):
    async def steps(rig: Rig):
        repo = rig.repo(m=SMALL)
        rig.server.stored["m.gguf"] = shorter
        failed = await rig.download(repo)
        assert isinstance(failed.error, OtherFileOffered)
        assert rig.shown() == []

    drive(tmp_path, steps)


def test_a_file_without_a_checksum_that_changes_meanwhile_begins_again(tmp_path: Path):
    other = contents(len(LARGE), seed=2)

    async def steps(rig: Rig):
        repo = rig.repo(m=LARGE)
        rig.server.announced = {"X-Linked-Etag": "first"}
        rig.server.bytes_per_second = 4_000_000
        wanted = TransferRequest(
            repo.repo_id, repo.commit, "A mirror's", (RepoFile("m.gguf", len(LARGE)),)
        )
        transfer = await rig.add(wanted)
        await rig.until(lambda: rig.now(transfer).done_bytes > 1_000_000)
        await rig.queue.pause(transfer)
        repo.files["m.gguf"], rig.server.announced = other, {"X-Linked-Etag": "second"}
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer)
        done = await rig.ended(transfer)
        assert whole(done) == other

    drive(tmp_path, steps)


def test_a_file_with_a_checksum_goes_on_from_a_hub_that_calls_it_otherwise(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.repo(m=LARGE)
        rig.server.announced = {"X-Linked-Etag": "first"}
        rig.server.bytes_per_second = 2_000_000
        transfer = await rig.add(repo)
        await rig.until(lambda: rig.now(transfer).done_bytes > 2_000_000)
        await rig.queue.pause(transfer)
        await rig.until(lambda: not rig.queue._jobs[0].running)
        rig.server.announced = {"X-Linked-Etag": "second"}
        rig.server.expire_links()
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer)
        assert rig.now(transfer).done_bytes > 1_500_000
        assert (await rig.ended(transfer)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


# ------------------------------------------------------------------------ who may have it


def test_a_gated_file_without_a_token_says_what_is_needed(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.server.add(FakeRepo("author/gated", {"m.gguf": SMALL}, gated="auto"))
        failed = await rig.download(repo)
        assert failed.phase is TransferPhase.FAILED
        assert isinstance(failed.error, TokenNeeded)

    drive(tmp_path, steps)


def test_a_gated_file_whose_terms_are_not_accepted(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.server.add(FakeRepo("author/gated", {"m.gguf": SMALL}, gated="manual"))
        failed = await rig.download(repo)
        assert isinstance(failed.error, AccessNotGranted)

    drive(tmp_path, steps, token=TOKEN)


def test_the_storage_never_sees_the_token(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.server.add(FakeRepo("author/gated", {"m.gguf": SMALL}, gated="auto"))
        assert (await rig.download(repo)).phase is TransferPhase.FINISHED
        hub = [request for request in rig.server.seen if request.origin == "hub"]
        assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in hub)
        storage = rig.server.storage_requests()
        assert storage
        assert all("authorization" not in request.headers for request in storage)

    drive(tmp_path, steps, token=TOKEN)


def test_a_file_that_is_not_there(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.repo(m=SMALL)
        wanted = request_for(repo)
        del repo.files["m.gguf"]
        failed = await rig.download(wanted)
        assert isinstance(failed.error, RepoMissing)

    drive(tmp_path, steps)


# ------------------------------------------------------------------------------ the network


def test_the_offline_switch_stops_a_running_transfer_and_it_goes_on_by_itself(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.bytes_per_second = 2_000_000
        transfer = await rig.add(rig.repo(m=LARGE))
        await rig.until(lambda: rig.now(transfer).done_bytes > 500_000)
        rig.gate.closed = True
        await rig.until(lambda: rig.now(transfer).phase is TransferPhase.RETRYING)
        assert isinstance(rig.now(transfer).error, NetworkOff)
        asked = len(rig.server.seen)
        await rig.queue.resume(transfer)
        await asyncio.sleep(0.1)
        assert len(rig.server.seen) == asked
        rig.gate.closed = False
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer)
        assert (await rig.ended(transfer)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


def test_a_line_that_stays_dead_is_said_and_tried_again(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.storage_fault_always = Fault(after=0, end="close")
        transfer = await rig.add(rig.repo(m=SMALL))
        await rig.until(lambda: rig.now(transfer).phase is TransferPhase.RETRYING)
        assert isinstance(rig.now(transfer).error, (HubSilent, HubFault))
        assert rig.now(transfer).seconds_left is None
        rig.server.storage_fault_always = None
        assert (await rig.ended(transfer)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


def test_what_stood_still_goes_on_by_itself_when_the_network_is_back(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.bytes_per_second = 2_000_000
        transfer = await rig.add(rig.repo(m=LARGE))
        await rig.until(lambda: rig.now(transfer).done_bytes > 1_000_000)
        rig.server.stop()
        await rig.until(lambda: rig.now(transfer).phase is TransferPhase.RETRYING)
        # Several attempts at a server that is not there.
        await asyncio.sleep(0.5)
        assert isinstance(rig.now(transfer).error, HubUnreachable)
        with HubServer(ports=rig.server.ports) as back:
            back.repos = rig.server.repos
            assert whole(await rig.ended(transfer)) == LARGE
            assert back.sent < len(LARGE)

    drive(tmp_path, steps)
