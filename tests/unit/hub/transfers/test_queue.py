"""Pausing, resuming, removing, the line, and what a later run of the application takes up."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from app.domain.errors import NoSuchTransfer
from app.domain.transfer import TransferLimits, TransferPhase, TransferRequest
from app.hub.transfers import job
from app.hub.transfers.answer import RangesIgnored
from app.hub.transfers.file_fetch import FileFetch
from app.hub.transfers.journal import read_all
from tests.helpers.hub_server import FakeRepo, HubServer, request_for
from tests.helpers.transfer_rig import Rig, contents, drive, rig, whole

CONTENT = contents(6_000_000)
OTHER = contents(2_000_000, seed=2)
SLOW = 1_500_000
"""Bytes per second of a connection: slow enough to do something meanwhile."""


async def begun(rig: Rig, nbytes: int = 500_000, **files: bytes) -> str:
    """A download that is under way, slowly."""
    rig.server.bytes_per_second = SLOW
    transfer = await rig.add(rig.repo(**(files or {"m": CONTENT})))
    await rig.until(lambda: rig.now(transfer).done_bytes > nbytes)
    return transfer


# ---------------------------------------------------------------------------- the happy path


def test_shards_and_projector_are_one_item_and_appear_together(tmp_path: Path):
    async def steps(rig: Rig):
        names = ("m-00001-of-00002", "m-00002-of-00002", "mmproj")
        transfer = await begun(rig, **dict.fromkeys(names, OTHER))
        assert rig.shown() == []
        rig.server.bytes_per_second = 0
        done = await rig.ended(transfer)
        assert done.phase is TransferPhase.FINISHED
        assert rig.shown() == [f"author/model/{name}.gguf" for name in names]
        assert whole(done) == OTHER * 3

    drive(tmp_path, steps)


def test_the_first_shard_gets_its_name_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    publish = job.publish

    def watched(part: Path, final: Path) -> None:
        order.append(final.name)
        publish(part, final)

    monkeypatch.setattr(job, "publish", watched)

    async def steps(rig: Rig):
        await rig.download(rig.repo(**{"m-00001-of-00002": b"1" * 9, "m-00002-of-00002": b"2"}))

    drive(tmp_path, steps)
    assert order == ["m-00002-of-00002.gguf", "m-00001-of-00002.gguf"]


def test_a_file_that_is_there_already_is_not_fetched(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.repo(q4=CONTENT, mmproj=OTHER)
        await rig.download(request_for(repo, "mmproj.gguf"))
        rig.server.seen.clear()
        done = await rig.download(repo)
        assert done.phase is TransferPhase.FINISHED
        assert {each.path.rpartition("/")[2] for each in rig.server.seen} == {"q4.gguf"}

    drive(tmp_path, steps)


def test_a_file_of_that_name_with_other_content_is_replaced(tmp_path: Path):
    async def steps(rig: Rig):
        old = tmp_path / "author" / "model" / "m.gguf"
        old.parent.mkdir(parents=True)
        old.write_bytes(OTHER[:-1] + b"?")
        done = await rig.download(rig.repo(m=OTHER))
        assert done.phase is TransferPhase.FINISHED
        assert old.read_bytes() == OTHER

    drive(tmp_path, steps)


def test_several_connections_share_a_file(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.bytes_per_second = SLOW
        began = time.monotonic()
        await rig.download(rig.repo(m=contents(16_000_000)))
        # One connection alone needs more than ten seconds.
        assert time.monotonic() - began < 7
        # The first asks for all of it; those that join it take halves over.
        spans = filter(None, (each.span for each in rig.server.storage_requests()[:4]))
        starts = sorted(first for first, _ in spans)
        for start, quarter in zip(starts, (0, 4_000_000, 8_000_000, 12_000_000), strict=True):
            assert quarter <= start < quarter + 1_500_000

    drive(tmp_path, steps, limits=TransferLimits(connections=4))


# -------------------------------------------------------------------- pause, resume, remove


def test_a_pause_is_silent_at_once_and_loses_nothing(tmp_path: Path):
    async def steps(rig: Rig):
        transfer = await begun(rig)
        asked = time.monotonic()
        await rig.queue.pause(transfer)
        assert time.monotonic() - asked < 0.2
        await asyncio.sleep(0.1)
        sent = rig.server.sent
        await asyncio.sleep(0.1)
        assert rig.server.sent == sent
        await rig.until(lambda: not rig.queue._jobs[0].running)
        kept = rig.now(transfer)
        assert kept.phase is TransferPhase.PAUSED
        assert kept.bytes_per_second == 0
        asked_for = len(rig.server.storage_requests())
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer)
        done = await rig.ended(transfer)
        assert whole(done) == CONTENT
        spans = [each.span for each in rig.server.storage_requests()[asked_for:]]
        assert sum(last + 1 - first for first, last in filter(None, spans)) < len(CONTENT) - 400_000

    drive(tmp_path, steps)


def test_a_pause_before_the_first_step_can_be_resumed(tmp_path: Path):
    async def steps(rig: Rig):
        transfer = await begun(rig)
        await rig.queue.pause(transfer)
        await rig.until(lambda: not rig.queue._jobs[0].running)
        # Nothing gives the task that this starts a turn before it is paused.
        rig.queue._jobs[0].wait_in_line()
        await rig.queue.pause(transfer)
        await rig.until(lambda: not rig.queue._jobs[0].running)
        assert rig.now(transfer).phase is TransferPhase.PAUSED
        assert [record.paused for record in read_all(tmp_path)] == [True]
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer)
        assert whole(await rig.ended(transfer)) == CONTENT

    drive(tmp_path, steps)


def test_two_that_resume_it_at_once_are_as_good_as_one(tmp_path: Path):
    async def steps(rig: Rig):
        transfer = await begun(rig)
        await rig.queue.pause(transfer)
        await asyncio.gather(*(rig.queue.resume(transfer) for _ in range(3)))
        await asyncio.sleep(0.05)
        assert rig.now(transfer).phase is TransferPhase.RUNNING
        rig.server.bytes_per_second = 0
        assert whole(await rig.ended(transfer)) == CONTENT

    drive(tmp_path, steps)


def test_removing_some_does_not_keep_others_from_being_paused(tmp_path: Path):
    async def steps(rig: Rig):
        first = await begun(rig)
        others = [
            await rig.add(rig.server.add(FakeRepo(f"author/other{n}", {"n.gguf": OTHER})))
            for n in range(3)
        ]
        removals = [rig.queue.remove(other) for other in others]
        await asyncio.gather(rig.queue.pause_all(), *removals)
        assert [each.phase for each in rig.queue.snapshot()] == [TransferPhase.PAUSED]
        assert rig.now(first).phase is TransferPhase.PAUSED

    drive(tmp_path, steps)


@pytest.mark.parametrize("end", ["stall", "trickle"])
def test_a_pause_does_not_wait_for_a_server_that_is_silent(tmp_path: Path, end: str):
    from tests.helpers.hub_server import Fault

    async def steps(rig: Rig):
        rig.server.storage_fault_always = Fault(after=100, end=end)
        transfer = await rig.add(rig.repo(m=CONTENT))
        await rig.until(lambda: rig.now(transfer).done_bytes >= 100)
        asked = time.monotonic()
        await rig.queue.pause(transfer)
        assert time.monotonic() - asked < 0.2

    drive(tmp_path, steps, stall=30)


def test_a_removed_download_leaves_nothing(tmp_path: Path):
    async def steps(rig: Rig):
        transfer = await begun(rig)
        await rig.queue.remove(transfer)
        assert rig.queue.snapshot() == ()
        assert rig.staged() == rig.shown() == []
        with pytest.raises(NoSuchTransfer):
            await rig.queue.pause(transfer)

    drive(tmp_path, steps)


def test_removing_a_finished_one_keeps_its_file(tmp_path: Path):
    async def steps(rig: Rig):
        done = await rig.download(rig.repo(m=OTHER))
        await rig.queue.remove(done.transfer_id)
        assert rig.queue.snapshot() == ()
        assert rig.shown() == ["author/model/m.gguf"]

    drive(tmp_path, steps)


def test_the_same_thing_twice_is_one_transfer(tmp_path: Path):
    async def steps(rig: Rig):
        transfer = await begun(rig)
        await rig.queue.pause(transfer)
        assert await rig.add(request_for(rig.server.repos["author/model"])) == transfer
        assert len(rig.queue.snapshot()) == 1
        await rig.until(lambda: rig.now(transfer).phase is TransferPhase.RUNNING)

    drive(tmp_path, steps)


# ------------------------------------------------------------------------------- the line


async def three(rig: Rig) -> list[str]:
    rig.server.bytes_per_second = SLOW
    repo = rig.repo(a=CONTENT, b=CONTENT, c=CONTENT)
    return [await rig.add(request_for(repo, f"{name}.gguf")) for name in "abc"]


def test_no_more_than_so_many_run_at_once(tmp_path: Path):
    async def steps(rig: Rig):
        a, b, c = await three(rig)
        await rig.until(lambda: rig.now(a).done_bytes and rig.now(b).done_bytes)
        assert rig.now(c).phase is TransferPhase.WAITING
        await rig.queue.pause(a)
        await rig.until(lambda: rig.now(c).phase is TransferPhase.RUNNING)

    drive(tmp_path, steps, limits=TransferLimits(at_once=2))


def test_who_is_moved_to_the_front_runs_first_also_after_a_restart(tmp_path: Path):
    async def steps(rig: Rig):
        a, b, c = await three(rig)
        await rig.queue.move(c, 1)
        assert [each.transfer_id for each in rig.queue.snapshot()] == [a, c, b]
        await rig.queue.pause(a)
        await rig.until(lambda: rig.now(c).phase is TransferPhase.RUNNING)
        assert rig.now(b).phase is TransferPhase.WAITING
        assert [record.transfer_id for record in read_all(tmp_path)] == [a, c, b]

    drive(tmp_path, steps, limits=TransferLimits(at_once=1))


def test_all_are_paused_and_all_resumed(tmp_path: Path):
    async def steps(rig: Rig):
        await three(rig)
        await rig.queue.pause_all()
        assert {each.phase for each in rig.queue.snapshot()} == {TransferPhase.PAUSED}
        await asyncio.sleep(0.05)
        assert {each.phase for each in rig.queue.snapshot()} == {TransferPhase.PAUSED}
        rig.server.bytes_per_second = 0
        await rig.queue.resume_all()
        for each in rig.queue.snapshot():
            assert (await rig.ended(each.transfer_id)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


def test_the_limit_holds_for_all_together_and_can_be_lifted(tmp_path: Path):
    async def steps(rig: Rig):
        repo = rig.repo(a=CONTENT, b=CONTENT)
        transfers = [await rig.add(request_for(repo, f"{name}.gguf")) for name in "ab"]
        await rig.until(lambda: sum(rig.now(each).done_bytes for each in transfers) > 500_000)
        before, began = sum(rig.now(each).done_bytes for each in transfers), time.monotonic()
        await asyncio.sleep(1.0)
        received = sum(rig.now(each).done_bytes for each in transfers) - before
        # What each connection holds at a time is 256 KiB; there are four.
        assert received < 1_000_000 * (time.monotonic() - began) + 4 * 262_144 + 100_000
        rig.queue.set_limits(TransferLimits(connections=2))
        for each in transfers:
            assert (await rig.ended(each)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps, limits=TransferLimits(bytes_per_second=1_000_000, connections=2))


def test_speed_and_time_left_tell_the_truth(tmp_path: Path):
    async def steps(rig: Rig):
        transfer = await begun(rig, 1_000_000)
        running = rig.now(transfer)
        assert 0.3 * SLOW < running.bytes_per_second < 1.7 * SLOW
        left = len(CONTENT) - running.done_bytes
        assert running.seconds_left is not None
        assert 0.5 * left / SLOW < running.seconds_left < 3 * left / SLOW
        assert rig.told[-1][0].phase is TransferPhase.RUNNING

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


# ------------------------------------------------------------------------- another run


def two_runs(tmp_path: Path, first, second) -> None:
    """The application is ended between two sets of steps."""

    async def main(server: HubServer) -> None:
        async with rig(server, tmp_path) as made:
            await first(made)
        async with rig(server, tmp_path) as made:
            await second(made)

    with HubServer() as server:
        asyncio.run(main(server))


def test_what_ran_goes_on_by_itself_at_the_next_start(tmp_path: Path):
    before: list[int] = []

    async def first(rig: Rig):
        await begun(rig, 2_000_000)

    async def second(rig: Rig):
        (transfer,) = rig.queue.snapshot()
        assert transfer.done_bytes > 1_500_000
        rig.server.bytes_per_second = 0
        before.append(rig.server.sent)
        done = await rig.ended(transfer.transfer_id)
        assert whole(done) == CONTENT
        # Little is fetched twice: what was on the way when the connections were closed.
        assert rig.server.sent - before[0] < len(CONTENT) - 1_000_000

    two_runs(tmp_path, first, second)


def test_where_only_one_thing_is_asked_for_the_others_wait(tmp_path: Path):
    async def first(rig: Rig):
        await begun(rig, m=CONTENT, other=OTHER)

    async def main(server: HubServer) -> None:
        async with rig(server, tmp_path) as made:
            await first(made)
        async with rig(server, tmp_path, go_on=False) as made:
            await asyncio.sleep(0.05)
            (left,) = made.queue.snapshot()
            assert left.phase is TransferPhase.WAITING
            server.bytes_per_second = 0
            wanted = request_for(server.repos["author/model"], "other.gguf")
            assert (await made.download(wanted)).phase is TransferPhase.FINISHED
            assert made.now(left.transfer_id).phase is TransferPhase.WAITING
            await made.queue.resume(left.transfer_id)
            assert (await made.ended(left.transfer_id)).phase is TransferPhase.FINISHED

    with HubServer() as server:
        asyncio.run(main(server))


def test_what_was_paused_stays_paused_at_the_next_start(tmp_path: Path):
    async def first(rig: Rig):
        await rig.queue.pause(await begun(rig))

    async def second(rig: Rig):
        await asyncio.sleep(0.05)
        (transfer,) = rig.queue.snapshot()
        assert transfer.phase is TransferPhase.PAUSED
        assert transfer.done_bytes > 400_000

    two_runs(tmp_path, first, second)


def test_a_failure_is_still_said_at_the_next_start(tmp_path: Path):
    async def first(rig: Rig):
        wanted = request_for(rig.repo(m=OTHER))
        rig.server.repos.clear()
        await rig.download(wanted)

    async def second(rig: Rig):
        (transfer,) = rig.queue.snapshot()
        assert transfer.phase is TransferPhase.FAILED
        assert transfer.error is not None
        assert transfer.error.kind == "hub.token_needed"

    two_runs(tmp_path, first, second)


def test_a_part_file_that_was_taken_away_is_begun_anew(tmp_path: Path):
    async def first(rig: Rig):
        await rig.queue.pause(await begun(rig))

    async def second(rig: Rig):
        (transfer,) = rig.queue.snapshot()
        os.truncate(tmp_path / ".downloads" / transfer.transfer_id / "0.part", 10)
        rig.server.bytes_per_second = 0
        await rig.queue.resume(transfer.transfer_id)
        done = await rig.ended(transfer.transfer_id)
        assert whole(done) == CONTENT

    two_runs(tmp_path, first, second)


def test_room_that_is_promised_to_one_is_not_given_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    promises: list[tuple[int, int]] = []
    monkeypatch.setattr(
        job, "check_room", lambda folder, needed, promised: promises.append((needed, promised))
    )
    monkeypatch.setattr(job.PartFile, "_open", _open_without_reserving)

    async def steps(rig: Rig):
        rig.server.bytes_per_second = SLOW
        repo = rig.repo(a=CONTENT, b=OTHER)
        first = await rig.add(request_for(repo, "a.gguf"))
        await rig.until(lambda: rig.now(first).done_bytes)
        await rig.add(request_for(repo, "b.gguf"))
        await rig.until(lambda: len(promises) == 2)

    drive(tmp_path, steps)
    assert promises[0] == (len(CONTENT), 0)
    assert promises[1][0] == len(OTHER)
    assert len(CONTENT) // 2 < promises[1][1] <= len(CONTENT)


def _open_without_reserving(self: job.PartFile, size: int) -> bool:
    self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
    os.truncate(self._descriptor, size)
    return False


def test_what_is_asked_for_is_in_the_journal_before_it_is_promised(tmp_path: Path):
    async def steps(rig: Rig):
        rig.server.bytes_per_second = SLOW
        wanted: TransferRequest = request_for(rig.repo(m=CONTENT))
        await rig.add(wanted)
        (record,) = read_all(tmp_path)
        assert record.request == wanted

    drive(tmp_path, steps)


def test_a_pause_that_comes_with_a_fault_is_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def fails_when_cancelled(self: FileFetch) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RangesIgnored from None
        raise AssertionError

    monkeypatch.setattr(FileFetch, "_hash", fails_when_cancelled)

    async def steps(rig: Rig):
        transfer = await begun(rig)
        await rig.queue.pause(transfer)
        await rig.until(lambda: not rig.queue._jobs[0].running)
        assert rig.now(transfer).phase is TransferPhase.PAUSED

    drive(tmp_path, steps)
