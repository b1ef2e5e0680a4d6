"""Copying, moving, hashing, the trash: whole or not at all, whenever it ends."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from app.domain.errors import FileMissing
from app.domain.library import Origin, WorkProgress
from app.domain.library_errors import FolderRefused, LibraryBusy, LibraryError, LibraryNoSpace
from app.library import file_work, relocation
from app.library.shelf import Shelf
from tests.helpers.model_folders import Home, gguf, in_ollama, put
from tests.unit.library.looking import with_shelf

BIG = 8 << 20


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def untold(progress: WorkProgress) -> None:
    """Nobody listens."""


def below(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def place(home: Home, files: list[Path], folder: Path, *, move: bool = False) -> tuple[str, ...]:
    """Put files into a folder under their own names."""
    paths, names = [str(path) for path in files], [path.name for path in files]
    return with_shelf(
        home, lambda shelf: shelf.place(paths, str(folder), names, move=move, told=untold)
    )


@pytest.fixture(params=[False, True], ids=["one disk", "two disks"])
def disks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether moving is copying: between two disks no file can be renamed."""
    if request.param:
        monkeypatch.setattr(file_work, "_renamed", lambda pairs, passed: False)


@pytest.mark.usefixtures("disks")
def test_files_are_moved_together(home: Home, tmp_path: Path):
    files = [put(tmp_path / name, gguf(general__name=name)) for name in ("1.gguf", "2.gguf")]
    contents = [path.read_bytes() for path in files]
    placed = place(home, files, tmp_path / "to", move=True)
    assert [Path(path).read_bytes() for path in placed] == contents
    assert below(tmp_path) == ["to/1.gguf", "to/2.gguf"]


def test_a_copy_leaves_the_original(home: Home, tmp_path: Path):
    path = put(tmp_path / "a.gguf", gguf())
    place(home, [path], tmp_path / "to")
    assert below(tmp_path) == ["a.gguf", "to/a.gguf"]


def test_a_name_that_is_taken_gets_a_folder_with_a_number(home: Home, tmp_path: Path):
    path = put(tmp_path / "a.gguf", gguf())
    put(tmp_path / "to/a.gguf", b"another")
    assert place(home, [path], tmp_path / "to") == (str(tmp_path / "to 2/a.gguf"),)
    assert (tmp_path / "to/a.gguf").read_bytes() == b"another"


def test_what_fails_in_the_middle_leaves_no_copy(home: Home, tmp_path: Path):
    files = [tmp_path / "gone.gguf", put(tmp_path / "there.gguf", gguf())]
    # The last file is copied first; the first one then is not there.
    with pytest.raises(LibraryError):
        place(home, files, tmp_path / "to")
    assert below(tmp_path) == ["there.gguf"]


def test_ended_between_two_files_it_leaves_no_copy(tmp_path: Path):
    files = [put(tmp_path / name, gguf(general__name=name)) for name in ("1.gguf", "2.gguf")]
    targets = [str(tmp_path / f"to-{path.name}") for path in files]

    def passed(count: int, name: str) -> None:
        # The last file is copied first.
        if name == "to-1.gguf":
            raise CancelledError

    with pytest.raises(CancelledError):
        file_work.place_files(list(map(str, files)), targets, move=False, passed=passed)
    assert below(tmp_path) == ["1.gguf", "2.gguf"]


def test_too_little_space_is_told_before_anything_is_written(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_work, "free_bytes", lambda folder: 1000)
    path = put(tmp_path / "a.gguf", gguf())
    with pytest.raises(LibraryNoSpace):
        place(home, [path], tmp_path / "to")
    assert below(tmp_path) == ["a.gguf"]


@pytest.mark.parametrize("move", [False, True])
def test_cancelled_it_leaves_everything_as_it_was(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: bool
):
    monkeypatch.setattr(file_work, "_renamed", lambda pairs, passed: False)
    files = [put(tmp_path / name, bytes(BIG)) for name in ("1.gguf", "2.gguf")]

    async def steps(shelf: Shelf) -> None:
        begun = asyncio.Event()
        names = ["1.gguf", "2.gguf"]
        work = shelf.place(
            [str(path) for path in files],
            str(tmp_path / "to"),
            names,
            move=move,
            told=lambda progress: begun.set(),
        )
        task = asyncio.create_task(work)
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    copy = file_work._write

    def slowly(handle: int, block: bytes) -> None:
        copy(handle, block)
        # Long enough for the other thread to cancel in the middle.
        time.sleep(0.02)

    monkeypatch.setattr(file_work, "_write", slowly)
    with_shelf(home, steps)
    assert below(tmp_path) == ["1.gguf", "2.gguf"]


def test_hashes_with_progress(home: Home, tmp_path: Path):
    path = put(tmp_path / "a.gguf", bytes(3 << 20))
    told: list[WorkProgress] = []
    (digest,) = with_shelf(home, lambda shelf: shelf.hashes([str(path)], told.append))
    assert digest == hashlib.sha256(bytes(3 << 20)).hexdigest()
    assert told
    assert told[0].total_bytes == 3 << 20
    with pytest.raises(FileMissing):
        with_shelf(home, lambda shelf: shelf.hashes([str(tmp_path / "none")], untold))


# ------------------------------------------------------------------------------ the own folder


@pytest.mark.usefixtures("disks")
def test_the_own_folder_moves_with_everything_in_it(home: Home, tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    first = put(old / "a/b/one.gguf", gguf())
    put(old / "a/b/notes.txt", b"x")
    put(new / "kept.txt", b"y")
    moved = with_shelf(home, lambda shelf: shelf.relocate(str(old), str(new), untold))
    assert moved[str(first)] == str(new / "a/b/one.gguf")
    assert below(new) == ["a/b/notes.txt", "a/b/one.gguf", "kept.txt"]
    assert list(old.iterdir()) == []


def test_a_file_whose_place_is_taken_stays(home: Home, tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    put(old / "a/b/one.gguf", b"mine")
    put(new / "a/b/one.gguf", b"other")
    assert with_shelf(home, lambda shelf: shelf.relocate(str(old), str(new), untold)) == {}
    assert (old / "a/b/one.gguf").read_bytes() == b"mine"
    assert (new / "a/b/one.gguf").read_bytes() == b"other"


@pytest.mark.parametrize("new", ["old/inside", "."])
def test_it_does_not_move_into_itself(tmp_path: Path, new: str):
    put(tmp_path / "old/a.gguf", b"x")
    with pytest.raises(FolderRefused):
        relocation.relocate(str(tmp_path / "old"), str(tmp_path / new), lambda count, name: None)


def test_it_does_not_move_while_anything_is_downloaded(tmp_path: Path):
    put(tmp_path / "old/.downloads/1/journal.json", b"{}")
    with pytest.raises(LibraryBusy):
        relocation.relocate(str(tmp_path / "old"), str(tmp_path / "new"), lambda c, n: None)


def test_another_application_s_folder_is_never_an_own_one(home: Home):
    in_ollama(home, "registry.ollama.ai/library/a/b", gguf())
    path = str(home.ollama / "blobs")
    with pytest.raises(FolderRefused):
        with_shelf(home, lambda shelf: shelf.require_folder(path, writable=True))
    assert with_shelf(home, lambda shelf: shelf.require_folder(path, writable=False)) == path


def test_what_is_looked_at_tells_whose_it_is(home: Home, tmp_path: Path):
    weights = in_ollama(home, "registry.ollama.ai/library/a/b", gguf())
    put(tmp_path / "x/free.gguf", gguf(general__name="free"))
    paths = [str(weights), str(tmp_path / "x")]
    found = with_shelf(home, lambda shelf: shelf.look_at(paths))
    assert {entry.origin for entry in found.entries} == {Origin.OLLAMA, Origin.CHOSEN}
    assert [folder.path for folder in found.folders] == [str(tmp_path / "x")]


# ------------------------------------------------------------------------------------ the trash


def test_files_go_into_the_system_s_trash(tmp_path: Path):
    path = put(tmp_path / "home/models/a.gguf", gguf())
    script = "import sys; from app.library.trash import put_into_trash as p; p(sys.argv[1:])"
    environment = dict(os.environ, HOME=str(tmp_path / "home"))
    environment["XDG_DATA_HOME"] = str(tmp_path / "home/data")
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not path.exists()
    if sys.platform == "linux":
        assert (tmp_path / "home/data/Trash/files/a.gguf").read_bytes() == gguf()
