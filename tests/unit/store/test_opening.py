"""Opening: what is unsound, newer, foreign, protected or without space is told, not guessed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.conversation import MessageStatus
from app.domain.errors import (
    DiskFull,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreNewer,
    StoreReadOnly,
)
from app.domain.generation import PartKind
from app.store import opening
from app.store.aside import aside_notice, set_aside
from app.store.sqlite_store import SqliteStore
from tests.unit.store.building import PARAMS, RUN, asked, begun, database, run
from tests.unit.store.protected import fill_disk, read_only, small_disk


def filled(path: Path) -> Path:
    """A database with something in it."""
    run(lambda store: asked(store, "Why?", "Because of the badger. " * 500), path)
    return path


def refused(path: Path) -> StoreError:
    with pytest.raises(StoreError) as raised:
        run(lambda store: store.open(), path)
    assert raised.value.title
    assert raised.value.remedy
    return raised.value


def test_a_new_file_is_made(tmp_path: Path):
    assert run(lambda store: store.open(), tmp_path / "a.db") is None
    with database(tmp_path / "a.db") as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        for name, value in (("foreign_keys", 1), ("secure_delete", 1), ("synchronous", 2)):
            assert db.execute(f"PRAGMA {name}").fetchone() == (value,)


@pytest.mark.parametrize("name", ["what? 50%#.db", "ünï.db", "a b.db"])
def test_any_file_name_will_do(tmp_path: Path, name: str):
    run(lambda store: asked(store, "q", "a"), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_any_call_opens(tmp_path: Path):
    assert run(lambda store: store.list_conversations(), tmp_path / "a.db") == []


def test_a_file_that_is_no_database(tmp_path: Path):
    (tmp_path / "a.db").write_bytes(b"Dear diary, " * 1000)
    assert isinstance(refused(tmp_path / "a.db"), StoreDamaged)


def test_an_empty_file_is_a_new_one(tmp_path: Path):
    (tmp_path / "a.db").touch()
    assert run(lambda store: store.open(), tmp_path / "a.db") is None


def test_the_database_of_another_program(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE theirs (a)")
    error = refused(tmp_path / "a.db")
    assert isinstance(error, StoreDamaged)
    assert "another program" in error.detail


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_overwritten_pages_are_noticed(tmp_path: Path, place: float):
    path = filled(tmp_path / "a.db")
    data = bytearray(path.read_bytes())
    start = int(len(data) * place) // 4096 * 4096
    data[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    assert isinstance(refused(path), StoreDamaged)


def test_a_file_that_was_cut_short(tmp_path: Path):
    path = filled(tmp_path / "a.db")
    path.write_bytes(path.read_bytes()[:-8192])
    assert isinstance(refused(path), StoreDamaged)


def test_a_large_file_is_not_read_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = filled(tmp_path / "a.db")
    monkeypatch.setattr(opening, "CHECKED_AT_OPEN", 1000)
    monkeypatch.setattr(opening, "check", lambda _: pytest.fail("was read through"))
    assert run(lambda store: store.open(), path) is None


def test_a_newer_one_is_refused_by_every_call(tmp_path: Path):
    with database(tmp_path / "a.db") as db:
        db.execute("PRAGMA user_version = 99")
    assert isinstance(refused(tmp_path / "a.db"), StoreNewer)
    with pytest.raises(StoreNewer):
        run(lambda store: store.list_conversations(), tmp_path / "a.db")
    with pytest.raises(StoreNewer):
        run(begun, tmp_path / "a.db")


def test_another_program_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = filled(tmp_path / "a.db")
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert isinstance(refused(path), StoreBusy)
        other.execute("ROLLBACK")


def test_a_missing_folder(tmp_path: Path):
    error = refused(tmp_path / "missing" / "a.db")
    assert type(error) is StoreError


# ----------------------------------------------------------------------------------- put aside


def test_a_damaged_one_is_put_aside_untouched(tmp_path: Path):
    contents = {"a.db": b"not a database", "a.db-wal": b"log", "a.db-shm": b"shared"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    kept = set_aside(tmp_path / "a.db")
    assert kept.name.startswith("a-damaged-2")
    assert kept.suffix == ".db"
    for ending in ("", "-wal", "-shm"):
        moved = kept.with_name(kept.name + ending)
        assert moved.read_bytes() == contents["a.db" + ending]
    assert len(list(tmp_path.iterdir())) == 3


def test_one_of_the_same_day_is_not_overwritten(tmp_path: Path):
    kept: list[Path] = []
    for content in (b"first", b"second", b"third"):
        (tmp_path / "a.db").write_bytes(content)
        kept.append(set_aside(tmp_path / "a.db"))
    assert [path.read_bytes() for path in kept] == [b"first", b"second", b"third"]


def test_after_that_the_same_store_opens_empty(tmp_path: Path):
    path = tmp_path / "a.db"
    path.write_bytes(b"no database" * 100)

    async def test(store: SqliteStore):
        with pytest.raises(StoreDamaged) as raised:
            await store.open()
        kept = set_aside(path)
        await store.open()
        return kept, aside_notice(kept, raised.value), await store.list_conversations()

    kept, notice, rows = run(test, path)
    assert (kept.read_bytes(), rows) == (b"no database" * 100, [])
    assert str(kept) in notice.remedy
    assert notice.detail


# ----------------------------------------------------------------------------------- protected


async def _reads(store: SqliteStore):
    trouble = await store.open()
    hits = await store.search("badger")
    return trouble, len(await store.list_conversations()), len(await store.path(1)), len(hits)


async def _writes(store: SqliteStore):
    for attempt in (
        lambda: begun(store),
        lambda: store.set_draft(1, "x"),
        lambda: store.recover(1),
    ):
        with pytest.raises(StoreReadOnly) as raised:
            await attempt()
        assert raised.value.remedy


def test_a_protected_folder_is_read_and_not_written(tmp_path: Path):
    path = filled(tmp_path / "a.db")
    with read_only(tmp_path):
        trouble, *counts = run(_reads, path)
        assert isinstance(trouble, StoreReadOnly)
        assert counts == [1, 2, 1]
        run(_writes, path)
    assert run(_reads, path)[0] is None


def test_a_protected_file_is_read_and_not_written(tmp_path: Path):
    path = filled(tmp_path / "a.db")
    with read_only(path):
        trouble, *counts = run(_reads, path)
        assert isinstance(trouble, StoreReadOnly)
        assert counts == [1, 2, 1]
        run(_writes, path)


def test_a_protected_folder_without_a_database(tmp_path: Path):
    with read_only(tmp_path):
        assert isinstance(refused(tmp_path / "a.db"), StoreReadOnly)


def test_a_protected_database_of_an_older_shape(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("PRAGMA user_version = 0")
        db.execute("VACUUM")
    with read_only(tmp_path):
        assert isinstance(refused(tmp_path / "a.db"), StoreReadOnly)


def test_a_folder_that_becomes_writable_again(tmp_path: Path):
    path = filled(tmp_path / "a.db")

    async def test(store: SqliteStore):
        with read_only(tmp_path):
            assert await store.open() is not None
            assert len(await store.search("badger")) == 1
            # What took the file as unchanging keeps it open; it would hold the mount too.
            await store._reader.disconnect()
            await store._searcher.disconnect()
        await asked(store, "more", "badger")
        return len(await store.list_conversations()), len(await store.search("badger"))

    assert run(test, path) == (2, 2)


# ----------------------------------------------------------------------------------- full disk


async def _append_until_full(store: SqliteStore, message_id: int) -> int:
    """How many pieces of 500 characters fitted."""
    for written in range(10_000):
        try:
            await store.append(message_id, PartKind.TEXT, "x" * 500)
        except DiskFull:
            return written
    pytest.fail("the disk never was full")


def test_a_full_disk_loses_nothing_that_was_written_and_writing_goes_on_later(tmp_path: Path):
    async def test(store: SqliteStore):
        await store.open()
        pages = await store._writer.run(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        await store._writer.run(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 12}"))
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        written = await _append_until_full(store, answer.id)
        during = len((await store.message(answer.id)).text)
        await store._writer.run(lambda db: db.execute("PRAGMA max_page_count = 100000"))
        await store.append(answer.id, PartKind.TEXT, "after")
        await store.finish(answer.id, MessageStatus.DONE, RUN, 1)
        return written, during, (await store.message(answer.id)).text

    written, during, text = run(test, tmp_path / "a.db")
    assert during == written * 500 > 0
    assert text == "x" * during + "after"


def test_a_disk_that_fills_up(tmp_path: Path):
    path, ballast = tmp_path / "a.db", tmp_path / "ballast"

    async def fill(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        fill_disk(ballast)
        await _append_until_full(store, answer.id)
        kept = (await store.message(answer.id)).text
        ballast.unlink()
        await store.append(answer.id, PartKind.TEXT, "after")
        return kept, (await store.message(answer.id)).text

    with small_disk(tmp_path, 3 << 20):
        kept, text = run(fill, path)
        assert text == kept + "after"
        with database(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_disk_that_is_full_at_the_start_can_be_read(tmp_path: Path):
    path, ballast = tmp_path / "a.db", tmp_path / "ballast"

    async def test(store: SqliteStore):
        trouble = await store.open()
        read = len(await store.list_conversations()), len(await store.search("badger"))
        with pytest.raises(DiskFull):
            await store.create_conversation(PARAMS, None, 1)
        ballast.unlink()
        await store.create_conversation(PARAMS, None, 1)
        return trouble, read, len(await store.list_conversations())

    with small_disk(tmp_path, 2 << 20):
        filled(path)
        fill_disk(ballast)
        trouble, read, later = run(test, path)
    assert isinstance(trouble, DiskFull)
    assert (read, later) == ((1, 1), 2)


def test_a_disk_that_is_full_at_the_first_start(tmp_path: Path):
    with small_disk(tmp_path, 1 << 20):
        fill_disk(tmp_path / "ballast")
        assert isinstance(refused(tmp_path / "a.db"), DiskFull)
