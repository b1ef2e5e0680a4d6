"""Where a profile lies, and whether it can be used."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import platformdirs
import pytest

from app.config.paths import ProfilePaths, make_folders, profile_paths
from app.domain.errors import ProfileUnusable
from tests.unit.store.protected import read_only


def test_the_option_comes_before_the_variable(tmp_path: Path):
    environment = {"LAMPLIGHT_HOME": str(tmp_path / "b")}
    assert profile_paths(str(tmp_path / "a"), environment).root == tmp_path / "a"
    assert profile_paths(None, environment).root == tmp_path / "b"


@pytest.mark.parametrize("environment", [{}, {"LAMPLIGHT_HOME": ""}])
def test_else_it_is_the_systems_folder_for_data(environment: dict[str, str]):
    expected = platformdirs.user_data_path("Lamplight", appauthor=False)
    assert profile_paths(None, environment).root == expected


def test_relative_and_home_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert profile_paths("here/../there", {}).root == tmp_path / "there"
    assert profile_paths("~/lamp", {}).root == tmp_path / "home" / "lamp"


def test_everything_lies_in_the_one_folder(tmp_path: Path):
    paths = ProfilePaths(tmp_path)
    files = [paths.database, paths.settings, paths.window_state, paths.lock]
    assert {path.parent for path in [*files, paths.logs, paths.models]} == {tmp_path}
    assert len(set(files)) == 4


def test_folders_are_made(tmp_path: Path):
    paths = ProfilePaths(tmp_path / "a" / "b")
    assert make_folders(paths)
    assert make_folders(paths)
    assert {path.name for path in paths.root.iterdir()} == {"logs", "models"}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    with pytest.raises(ProfileUnusable) as raised:
        make_folders(ProfilePaths(tmp_path / place))
    assert "because a file has its name" in raised.value.title
    assert "--profile" in raised.value.remedy
    assert str(tmp_path / place) in raised.value.detail


def test_a_folder_that_can_only_be_read(tmp_path: Path):
    make_folders(ProfilePaths(tmp_path))
    with read_only(tmp_path):
        assert not make_folders(ProfilePaths(tmp_path))


def test_a_bare_folder_that_can_only_be_read(tmp_path: Path):
    with read_only(tmp_path):
        assert not make_folders(ProfilePaths(tmp_path))


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    with read_only(tmp_path), pytest.raises(ProfileUnusable) as raised:
        make_folders(ProfilePaths(tmp_path / "new"))
    assert "can't be made" in raised.value.title


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(ProfileUnusable) as raised:
        make_folders(ProfilePaths(tmp_path))
    assert "can't be read" in raised.value.title


def test_a_full_disk_is_not_called_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert make_folders(ProfilePaths(tmp_path))
