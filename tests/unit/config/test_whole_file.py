"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from app.config.whole_file import free_name, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_and_replaced(tmp_path: Path):
    for data in (b"first", b"second"):
        write_whole(tmp_path / "a.toml", data)
        assert (tmp_path / "a.toml").read_bytes() == data
    assert names(tmp_path) == ["a.toml"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    (tmp_path / "a.toml").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "a.toml", b"new")
    assert (tmp_path / "a.toml").read_bytes() == b"old"
    assert names(tmp_path) == ["a.toml"]


def test_the_data_is_on_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: steps.append("fsync") or sync(fd))
    monkeypatch.setattr(os, "replace", lambda a, b: steps.append("replace") or replace(a, b))
    write_whole(tmp_path / "a.toml", b"x")
    assert steps[:2] == ["fsync", "replace"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_a_link(tmp_path: Path):
    folder = tmp_path / "dotfiles"
    folder.mkdir()
    (folder / "real.toml").write_bytes(b"old")
    (tmp_path / "a.toml").symlink_to(folder / "real.toml")
    write_whole(tmp_path / "a.toml", b"new")
    assert (tmp_path / "a.toml").is_symlink()
    assert (folder / "real.toml").read_bytes() == b"new"


def test_free_names(tmp_path: Path):
    first = free_name(tmp_path / "settings.toml", "damaged")
    first.touch()
    second = free_name(tmp_path / "settings.toml", "damaged")
    assert first.name.startswith("settings-damaged-2")
    assert second.name == f"{first.stem}-2.toml"
