"""All of a change or nothing of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing

import pytest

from app.store.transaction import snapshot, transaction


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
        yield connection


def rows(db: sqlite3.Connection) -> int:
    return db.execute("SELECT count(*) FROM t").fetchone()[0]


def test_what_is_done_stays(db: sqlite3.Connection):
    with transaction(db):
        db.execute("INSERT INTO t VALUES (1)")
    assert (rows(db), db.in_transaction) == (1, False)


def _insert_and_fail(db: sqlite3.Connection) -> None:
    with transaction(db):
        db.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError


def test_what_fails_is_undone(db: sqlite3.Connection):
    with pytest.raises(ZeroDivisionError):
        _insert_and_fail(db)
    assert (rows(db), db.in_transaction) == (0, False)


def _fail_as_a_full_disk(way: AbstractContextManager[None], db: sqlite3.Connection) -> None:
    with way:
        db.execute("ROLLBACK")
        raise ZeroDivisionError


@pytest.mark.parametrize("way", [transaction, snapshot])
def test_what_sqlite_has_undone_already_is_left(db: sqlite3.Connection, way: type):
    with pytest.raises(ZeroDivisionError):
        _fail_as_a_full_disk(way(db), db)
    assert not db.in_transaction


def test_a_snapshot_leaves_no_transaction(db: sqlite3.Connection):
    with snapshot(db):
        assert rows(db) == 0
    assert not db.in_transaction
