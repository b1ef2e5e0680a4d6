"""One process owns a profile, until it ends in whatever way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.config import profile_lock
from app.config.profile_lock import ProfileLock, downloads_taken
from app.domain.errors import DownloadsElsewhere, ProfileInUse, ProfileUnusable
from tests.unit.store.protected import read_only

_CHILD = """
import pathlib, sys
from app.config.profile_lock import ProfileLock, downloads_taken
lock = ProfileLock(pathlib.Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_owner(path: Path) -> Generator[subprocess.Popen[str]]:
    """A process that holds the lock."""
    command = [sys.executable, "-c", _CHILD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.kill()


def test_the_owner_is_named(tmp_path: Path):
    with another_owner(tmp_path / "lock") as child:
        with pytest.raises(ProfileInUse) as raised:
            ProfileLock(tmp_path / "lock").acquire()
        assert f"process {child.pid}" in raised.value.detail
        assert raised.value.remedy


def test_it_ends_with_a_killed_process(tmp_path: Path):
    with another_owner(tmp_path / "lock") as child:
        child.kill()
        child.wait()
        lock = ProfileLock(tmp_path / "lock")
        lock.acquire()
        assert (tmp_path / "lock").read_text() == str(os.getpid())
        lock.release()


def test_it_can_be_given_back_and_taken_again(tmp_path: Path):
    first, second = ProfileLock(tmp_path / "lock"), ProfileLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(ProfileInUse):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_child_process_does_not_hold_it(tmp_path: Path):
    """The engine host must not keep the profile of a window that was killed."""
    lock = ProfileLock(tmp_path / "lock")
    lock.acquire()
    command = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lock.release()
        lock.acquire()
        lock.release()
        child.kill()


def test_two_profiles_have_two_owners(tmp_path: Path):
    locks = [ProfileLock(tmp_path / name) for name in "ab"]
    for lock in locks:
        lock.acquire()
    for lock in locks:
        lock.release()


def test_a_profile_nobody_can_write_needs_no_owner(tmp_path: Path):
    with read_only(tmp_path):
        lock = ProfileLock(tmp_path / "lock")
        lock.acquire()
        lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder(tmp_path: Path):
    with pytest.raises(ProfileUnusable) as raised:
        ProfileLock(tmp_path / "missing" / "lock").acquire()
    assert raised.value.remedy


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(profile_lock, "_lock", refuse)
    with pytest.raises(ProfileUnusable):
        ProfileLock(tmp_path / "lock").acquire()


def test_a_full_disk_does_not_give_the_profile_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    lock = ProfileLock(tmp_path / "lock")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        lock.acquire()
    with pytest.raises(ProfileInUse) as raised:
        ProfileLock(tmp_path / "lock").acquire()
    assert "another process" in raised.value.detail
    lock.release()


def test_of_downloads_something_else_is_said(tmp_path: Path):
    path = tmp_path / "downloads.lock"
    first, second = (ProfileLock(path, downloads_taken) for _ in range(2))
    first.acquire()
    try:
        with pytest.raises(DownloadsElsewhere) as caught:
            second.acquire()
    finally:
        first.release()
    assert str(os.getpid()) in caught.value.detail
    second.acquire()
    second.release()
