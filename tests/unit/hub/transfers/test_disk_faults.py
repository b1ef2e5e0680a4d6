"""What a disk refuses ends in a clear state, and loses nothing of what came."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.errors import FileTooLarge, FolderUnusable, NoSpace
from app.domain.hub import RepoFile
from app.domain.transfer import TransferLimits, TransferPhase, TransferRequest
from app.hub.transfers import disk, part_file
from tests.helpers.hub_server import request_for
from tests.helpers.transfer_rig import Rig, contents, drive, whole

if TYPE_CHECKING:
    import pytest

SMALL = contents(300_000)
LARGE = contents(9_000_000)


def test_a_disk_without_room_is_said_before_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def steps(rig: Rig):
        monkeypatch.setattr(disk, "SPARE", 1 << 60)
        paused = await rig.download(rig.repo(m=SMALL))
        assert paused.phase is TransferPhase.PAUSED
        assert isinstance(paused.error, NoSpace)
        assert rig.server.seen == []
        monkeypatch.setattr(disk, "SPARE", 0)
        await rig.queue.resume(paused.transfer_id)
        assert (await rig.ended(paused.transfer_id)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


def test_a_disk_that_fills_up_in_the_middle_keeps_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = part_file._write_at
    room = 3_000_000

    def nearly_full(descriptor: int, data: memoryview, at: int) -> int:
        if at >= room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[: room - at], at)

    async def steps(rig: Rig):
        monkeypatch.setattr(part_file, "_write_at", nearly_full)
        paused = await rig.download(rig.repo(m=LARGE))
        assert paused.phase is TransferPhase.PAUSED
        assert isinstance(paused.error, NoSpace)
        assert rig.shown() == []
        monkeypatch.setattr(part_file, "_write_at", write)
        sent = rig.server.sent
        await rig.queue.resume(paused.transfer_id)
        done = await rig.ended(paused.transfer_id)
        assert whole(done) == LARGE
        assert rig.server.sent - sent < len(LARGE) - 1_000_000

    drive(tmp_path, steps, limits=TransferLimits(connections=1))


def test_a_disk_that_cannot_hold_a_large_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(descriptor: int, size: int) -> bool:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    async def steps(rig: Rig):
        monkeypatch.setattr(part_file, "reserve", refuse)
        failed = await rig.download(rig.repo(m=SMALL))
        assert failed.phase is TransferPhase.FAILED
        assert isinstance(failed.error, FileTooLarge)

    drive(tmp_path, steps)


def test_a_file_too_large_for_the_disk_is_refused_before_its_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def steps(rig: Rig):
        monkeypatch.setattr(disk, "_kind_of_disk", lambda folder: 0x4D44)
        large = RepoFile("large.gguf", 5 << 30, "0" * 64)
        repo = rig.repo(m=SMALL)
        small = request_for(repo)
        wanted = TransferRequest(repo.repo_id, repo.commit, "Large", (*small.files, large))
        failed = await rig.download(wanted)
        assert failed.phase is TransferPhase.FAILED
        assert isinstance(failed.error, FileTooLarge)
        assert rig.server.seen == []
        assert (await rig.download(small)).phase is TransferPhase.FINISHED

    drive(tmp_path, steps)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path):
    async def steps(rig: Rig):
        (tmp_path / ".downloads").write_text("in the way")
        failed = await rig.download(rig.repo(m=SMALL))
        assert failed.phase is TransferPhase.FAILED
        assert isinstance(failed.error, FolderUnusable)

    drive(tmp_path, steps)


def test_a_fault_of_ours_is_a_state_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_logs
):
    def break_down(self: object, size: int) -> bool:
        raise ZeroDivisionError

    expected_logs.expect("ended with a bug")

    async def steps(rig: Rig):
        monkeypatch.setattr(part_file.PartFile, "_open", break_down)
        failed = await rig.download(rig.repo(m=SMALL))
        assert failed.phase is TransferPhase.FAILED
        assert failed.error is not None
        assert "fault in Lamplight" in failed.error.title

    drive(tmp_path, steps)
