"""Migrations: each whole or not at all, with a copy kept, and never backwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.errors import StoreNewer
from app.store.migrations import migrate, version_of
from app.store.opening import open_for_writing
from app.store.schema import APPLICATION_ID, MIGRATIONS
from tests.unit.store.building import asked, run, sound

NEWEST = len(MIGRATIONS)
SECOND = ("CREATE TABLE extra (a TEXT) STRICT", "INSERT INTO extra VALUES ('new')")
BROKEN = ("CREATE TABLE half (a TEXT) STRICT", "INSERT INTO nowhere VALUES (1)")


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}


def test_from_nothing_to_the_newest(tmp_path: Path):
    with closing(connect(tmp_path / "a.db")) as db:
        migrate(db, tmp_path / "a.db", MIGRATIONS)
        assert version_of(db) == len(MIGRATIONS)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert sound(db)
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_nothing_is_done_twice(tmp_path: Path):
    with closing(connect(tmp_path / "a.db")) as db:
        migrate(db, tmp_path / "a.db", MIGRATIONS)
        statements: list[str] = []
        db.set_trace_callback(statements.append)
        migrate(db, tmp_path / "a.db", MIGRATIONS)
        assert statements == ["PRAGMA user_version"]


def test_the_older_file_is_kept_beside_with_its_content(tmp_path: Path):
    path = tmp_path / "a.db"
    run(lambda store: asked(store, "Why?", "Because."), path)
    with closing(connect(path)) as db:
        migrate(db, path, (*MIGRATIONS, SECOND))
        assert version_of(db) == NEWEST + 1
        assert db.execute("SELECT a FROM extra").fetchall() == [("new",)]
    with closing(connect(tmp_path / f"a-before-v{NEWEST + 1}.db")) as kept:
        assert version_of(kept) == NEWEST
        assert sound(kept)
        assert kept.execute("SELECT text FROM part").fetchall() == [("Why?",), ("Because.",)]
    assert {path.name for path in tmp_path.iterdir()} == {"a.db", f"a-before-v{NEWEST + 1}.db"}


def test_a_failing_one_leaves_the_one_before(tmp_path: Path):
    path = tmp_path / "a.db"
    with closing(connect(path)) as db:
        migrate(db, path, MIGRATIONS)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(db, path, (*MIGRATIONS, SECOND, BROKEN))
        assert version_of(db) == NEWEST + 1
        assert "extra" in tables(db)
        assert "half" not in tables(db)


def test_a_failing_first_one_leaves_an_empty_file(tmp_path: Path):
    with closing(connect(tmp_path / "a.db")) as db:
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, tmp_path / "a.db", (MIGRATIONS[0] + BROKEN,))
        assert (version_of(db), tables(db)) == (0, set())


def test_it_goes_on_where_it_failed(tmp_path: Path):
    path = tmp_path / "a.db"
    with closing(connect(path)) as db:
        migrate(db, path, MIGRATIONS)
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, path, (*MIGRATIONS, BROKEN))
        migrate(db, path, (*MIGRATIONS, SECOND))
        assert version_of(db) == NEWEST + 1


def test_an_unfinished_copy_of_an_earlier_try_is_replaced(tmp_path: Path):
    path = tmp_path / "a.db"
    (tmp_path / f"a-before-v{NEWEST + 1}.db.part").write_bytes(b"half")
    with closing(connect(path)) as db:
        migrate(db, path, MIGRATIONS)
        migrate(db, path, (*MIGRATIONS, SECOND))
    with closing(connect(tmp_path / f"a-before-v{NEWEST + 1}.db")) as kept:
        assert version_of(kept) == NEWEST


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "a.db"
    with closing(open_for_writing(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreNewer) as raised:
        open_for_writing(path)
    assert "newer" in raised.value.title
    assert "99" in raised.value.detail
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]
