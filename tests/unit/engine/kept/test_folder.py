"""The folder of kept states: names, sizes, who may read it, what is removed when."""

from __future__ import annotations

import os
import sys
from array import array
from pathlib import Path

import pytest

from app.engine.kept.folder import KeptFolder, digest, owner_of


@pytest.fixture
def folder(tmp_path: Path) -> KeptFolder:
    made = KeptFolder(tmp_path / "cache" / "states")
    made.prepare()
    return made


def put(folder: KeptFolder, model: str, tag: str, number: int, size: int = 10) -> Path:
    """A file whose last use was at second `number`."""
    path = folder.file(model, tag, array("i", [number]))
    path.write_bytes(bytes(size))
    os.utime(path, (number, number))
    return path


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "none")
    folder.forget(None)
    assert folder.size() == 0
    assert folder.of_models(["m"]) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_only_its_owner_may_look_into_it(folder: KeptFolder) -> None:
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_name_tells_the_model_and_hides_the_conversation(folder: KeptFolder) -> None:
    path = put(folder, "model", "conversation-7", 1)
    assert folder.of_models(["other", "model"]) == [path]
    assert folder.of_models(["other"]) == []
    assert "conversation" not in path.name
    assert owner_of(path) == digest("conversation-7")


def test_the_same_tokens_of_a_conversation_are_one_file(folder: KeptFolder) -> None:
    assert put(folder, "m", "a", 1) == put(folder, "m", "a", 1)
    assert put(folder, "m", "a", 1) != put(folder, "m", "b", 1)


def test_one_conversation_is_forgotten(folder: KeptFolder) -> None:
    gone = [put(folder, "m", "a", 1), put(folder, "other", "a", 2)]
    left = put(folder, "m", "b", 3)
    folder.forget("a")
    assert [path for path in gone if path.exists()] == []
    assert left.exists()


def test_everything_is_forgotten(folder: KeptFolder) -> None:
    put(folder, "m", "a", 1)
    put(folder, "m", "b", 2)
    folder.forget(None)
    assert folder.size() == 0


def test_what_was_not_used_for_longest_goes_first(folder: KeptFolder) -> None:
    paths = [put(folder, "m", "a", number) for number in (30, 10, 20)]
    folder.trim(20)
    assert [path.exists() for path in paths] == [True, False, True]
    folder.trim(19)
    assert [path.exists() for path in paths] == [True, False, False]


def test_what_an_ended_writer_left_is_removed(folder: KeptFolder) -> None:
    old, new = folder.path / "old.part", folder.path / "new.part"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    folder.prepare()
    assert not old.exists()
    assert new.exists(), "another host may write it just now"
