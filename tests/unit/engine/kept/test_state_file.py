"""State files: what comes back, what is noticed, and that none is there in half."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

import numpy as np
import pytest

from app.engine.kept import state_file
from app.engine.kept.state_file import Damaged, Facts

FACTS = Facts(array("i", range(1000)), 64, 900, 3, 123.5)
STATE = np.random.default_rng(1).integers(0, 255, 9_000_000, np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "m-t-n.state"
    assert state_file.write(made, FACTS, STATE, lambda: True)
    return made


def test_it_comes_back_as_it_was(path: Path) -> None:
    assert state_file.read_facts(path) == (FACTS, STATE.size)
    assert np.array_equal(state_file.read_state(path), STATE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_only_its_owner_may_read_it(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", [0, 9, 20, 30, 60, 2000, 100_000, -1])
def test_one_flipped_bit_is_noticed(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    with pytest.raises(Damaged):
        state_file.read_state(path)


@pytest.mark.parametrize("length", [0, 5, 40, 3000, 1_000_000, 9_000_000])
def test_a_file_cut_short_is_noticed(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(Damaged):
        state_file.read_facts(path)
    with pytest.raises(Damaged):
        state_file.read_state(path)


def test_what_is_not_wanted_any_more_leaves_nothing(tmp_path: Path) -> None:
    answers = iter([True, True, False, False])
    assert not state_file.write(tmp_path / "a.state", FACTS, STATE, lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def full() -> bool:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        state_file.write(tmp_path / "a.state", FACTS, STATE, full)
    assert list(tmp_path.iterdir()) == []
