"""Files that are read and written beside the worker."""

from __future__ import annotations

import logging
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.engine.kept import background, state_file
from app.engine.kept.background import BackgroundFiles, KeptState
from app.engine.kept.folder import KeptFolder, digest
from app.engine.kept.state_file import Facts

SIZE = 100_000


@pytest.fixture
def files(tmp_path: Path) -> Iterator[BackgroundFiles]:
    folder = KeptFolder(tmp_path)
    made = BackgroundFiles(folder, 10 * SIZE)
    yield made
    made.close(5.0)


def state_for(files: BackgroundFiles, tag: str = "a", number: int = 1) -> KeptState:
    facts = Facts(array("i", [number] * 300), 0, 300, 0, 0.0)
    path = files.folder.file("m", tag, facts.tokens)
    return KeptState(path, digest(tag), facts, SIZE, np.full(SIZE, number, np.uint8))


class Gate:
    """Holds the writer's thread between two pieces of a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.reached = threading.Event(), threading.Event()
        self._write = state_file.write
        monkeypatch.setattr(background.state_file, "write", self._wait)

    def _wait(self, *arguments: object) -> bool:
        self.reached.set()
        assert self.open.wait(10)
        return self._write(*arguments)  # type: ignore[arg-type]


def test_what_is_written_can_be_read(files: BackgroundFiles) -> None:
    state = state_for(files)
    files.write(state, [])
    files.close(5.0)
    assert state.waiting is None
    assert state_file.read_facts(state.path) == (state.facts, SIZE)


def test_what_is_not_written_yet_is_there_already(
    files: BackgroundFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    state = state_for(files)
    files.write(state, [])
    fetched = files.read(state).result(5)
    assert fetched.state is not None
    assert fetched.state[0] == 1
    assert not state.path.exists()
    gate.open.set()


def test_only_so_much_may_wait(files: BackgroundFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    monkeypatch.setattr(background, "MOST_WAITING", 2 * SIZE)
    files.write(state_for(files), [])
    assert files.has_room_for(SIZE)
    files.write(state_for(files, number=2), [])
    assert not files.has_room_for(SIZE)
    gate.open.set()


def test_the_writers_end_drops_what_takes_too_long(
    files: BackgroundFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    states = [state_for(files, number=number) for number in (1, 2)]
    for state in states:
        files.write(state, [])
    assert gate.reached.wait(5)
    # Its time is up while the first is written.
    threading.Timer(0.2, gate.open.set).start()
    files.close(0.0)
    assert list(files.folder.path.iterdir()) == []


def test_what_is_replaced_goes_when_the_new_one_is_there(files: BackgroundFiles) -> None:
    old, new = state_for(files), state_for(files, number=2)
    files.write(old, [])
    files.write(new, [old, new])
    files.close(5.0)
    assert list(files.folder.path.iterdir()) == [new.path]


def test_a_full_disk_is_left_alone(
    files: BackgroundFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "_LEFT_FREE", 1 << 60)
    with caplog.at_level(logging.INFO):
        files.write(state_for(files), [])
        files.close(5.0)
    assert "too full" in caplog.text
    assert list(files.folder.path.iterdir()) == []


def test_a_folder_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    files = BackgroundFiles(KeptFolder(tmp_path / "gone"), 10 * SIZE)
    files.write(state_for(files), [])
    files.close(5.0)
    state = state_for(files)
    state.waiting = None
    assert list(tmp_path.iterdir()) == []
