"""Room that is set aside, and names that are given in one step."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from app.domain.errors import FileTooLarge, FolderUnusable, NoSpace
from app.hub.transfers import disk
from app.hub.transfers.part_file import to_the_end


def test_a_file_is_made_long_and_its_room_set_aside(tmp_path: Path):
    with open(tmp_path / "part", "wb") as file:
        set_aside = disk.reserve(file.fileno(), 3_000_000)
        found = os.fstat(file.fileno())
    assert found.st_size == 3_000_000
    assert disk.is_set_aside(tmp_path / "part", 3_000_000) is set_aside


def test_where_a_disk_cannot_set_aside_the_length_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(disk, "_fallocate", lambda descriptor, size: False)
    with open(tmp_path / "part", "wb") as file:
        assert disk.reserve(file.fileno(), 3_000_000) is (sys.platform == "win32")
        assert os.fstat(file.fileno()).st_size == 3_000_000
    assert disk.is_set_aside(tmp_path / "part", 3_000_000) is (sys.platform == "win32")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own call")
def test_a_disk_that_has_no_room_to_set_aside_says_so(tmp_path: Path):
    with open(tmp_path / "part", "wb") as file, pytest.raises(OSError, match=r"space|large"):
        disk.reserve(file.fileno(), 1 << 60)


def test_what_is_promised_to_others_is_not_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10_000))
    monkeypatch.setattr(disk, "SPARE", 1_000)
    disk.check_room(tmp_path, 6_000, 3_000)
    with pytest.raises(NoSpace) as caught:
        disk.check_room(tmp_path, 6_000, 3_001)
    assert "more are needed" in caught.value.title
    disk.check_room(tmp_path, 0, 1 << 60)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own call")
def test_the_kind_of_a_disk_is_what_the_system_calls_it(tmp_path: Path):
    proc = disk._kind_of_disk(Path("/proc"))
    assert proc == 0x9FA0
    assert disk._kind_of_disk(tmp_path) not in (0, proc)
    with pytest.raises(FileNotFoundError):
        disk._kind_of_disk(tmp_path / "absent")


def test_an_old_file_system_is_not_given_a_large_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    disk.check_largest(tmp_path, 5 << 30)
    monkeypatch.setattr(disk, "_kind_of_disk", lambda folder: 0x4D44)
    disk.check_largest(tmp_path, (1 << 32) - 1)
    with pytest.raises(FileTooLarge) as caught:
        disk.check_largest(tmp_path, 1 << 32)
    assert "FAT32" in caught.value.remedy


def test_a_name_is_given_in_one_step_over_what_was_there(tmp_path: Path):
    part, final = tmp_path / "part", tmp_path / "author" / "model" / "m.gguf"
    part.write_bytes(b"new")
    disk.publish(part, final)
    part.write_bytes(b"newer")
    disk.publish(part, final)
    assert final.read_bytes() == b"newer"
    assert not part.exists()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, NoSpace),
        (errno.EDQUOT, NoSpace),
        (errno.EFBIG, FileTooLarge),
        (errno.EROFS, FolderUnusable),
        (errno.EIO, FolderUnusable),
    ],
)
def test_what_a_disk_says_is_a_sentence(tmp_path: Path, code: int, kind: type):
    said = disk.translated(OSError(code, os.strerror(code)), tmp_path / "0.part")
    assert type(said) is kind
    assert said.remedy


def test_work_in_a_thread_is_waited_for_however_often_it_is_cancelled():
    async def main() -> None:
        may_end, ended = threading.Event(), threading.Event()

        def work() -> None:
            may_end.wait(10)
            ended.set()

        waiting = asyncio.ensure_future(to_the_end(work))
        for _ in range(3):
            await asyncio.sleep(0.01)
            waiting.cancel()
        await asyncio.sleep(0.01)
        assert not waiting.done()
        may_end.set()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert ended.is_set()

    asyncio.run(main())
