"""Which states belong to a loaded model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from app.domain.generation import LoadParams, LoadRequest
from app.engine.kept.identity import model_keys


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"abc")
    return path


def keys(path: Path, file_hash: str = "", stretched: bool = False, **params: Any) -> set[str]:
    request = LoadRequest("1", str(path), LoadParams(**params), file_hash=file_hash)
    return set(model_keys(request, stretched=stretched))


def test_the_same_file_again(file: Path) -> None:
    assert keys(file) == keys(file)


def test_what_was_kept_before_the_hash_was_known_is_found(file: Path) -> None:
    assert keys(file) < keys(file, "ab" * 32)


def test_a_moved_file_is_known_by_its_hash(file: Path) -> None:
    before = keys(file, "ab" * 32)
    moved = file.rename(file.with_name("b.gguf"))
    assert len(before & keys(moved, "ab" * 32)) == 1


def test_another_content_is_another_model(file: Path) -> None:
    before = keys(file)
    os.utime(file, ns=(1, 1))
    assert not before & keys(file)


def test_another_shard_is_another_model(tmp_path: Path) -> None:
    shards = [tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2)]
    for shard in shards:
        shard.touch()
    before = keys(shards[0])
    os.utime(shards[1], ns=(1, 1))
    assert not before & keys(shards[0])


def test_speed_and_room_do_not_matter_but_rotations_do(file: Path) -> None:
    assert keys(file) == keys(file, threads=3, context_length=77, gpu_layers=2)
    assert not keys(file) & keys(file, stretched=True)
