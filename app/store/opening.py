"""Open a database file: checked, brought to the newest shape, or refused with the reason."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from app.domain.errors import StoreNewer, StoreReadOnly
from app.store.migrations import migrate, version_of
from app.store.schema import APPLICATION_ID, MIGRATIONS
from app.store.translate import damaged, translated

BUSY_SECONDS = 5.0
"""How long a statement waits for another process that holds the file."""
CHECKED_AT_OPEN = 64 << 20
"""Bytes. A larger file is not read through at every start: damage in it shows when it is met."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The read-write connection; makes the file if there is none.

    Raises `StoreNewer`, `StoreDamaged`, `StoreReadOnly`, `DiskFull`, `StoreBusy`, `StoreError`.
    """
    with translated(path):
        connection = _connect(_address(path, "mode=rwc"))
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # What is in the file is looked at before anything in it is changed.
    version = _known_version(connection, path)
    if version > 0 and path.stat().st_size <= CHECKED_AT_OPEN:
        _refuse_damaged(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    _set_up(connection)
    _prove_writable(connection, version)
    migrate(connection, path, MIGRATIONS)


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # Deleted text is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")
    # With WAL, NORMAL would lose the last commits to a power cut; FULL costs 0.12 ms a commit.
    connection.execute("PRAGMA synchronous = FULL")


def _prove_writable(connection: sqlite3.Connection, version: int) -> None:
    """SQLite opens a protected file for reading without a word; only a write tells."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("ROLLBACK")


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection to a database that `open_for_writing` has opened."""
    with translated(path):
        return _open_current(_address(path, "mode=ro"), path)


def open_protected(path: Path) -> sqlite3.Connection:
    """A read-only connection to a database that nobody can write now.

    Raises `StoreReadOnly` where it would first have to be brought to the newest shape.
    """
    with translated(path):
        try:
            return _open_current(_address(path, "mode=ro"), path)
        except sqlite3.OperationalError:
            # SQLite can't make the files beside the database through which processes share it.
            # Nobody else can make them either, so it may be taken as unchanging.
            return _open_current(_address(path, "immutable=1"), path)


def _address(path: Path, options: str) -> str:
    """As a URI; a share's `//server/…` keeps its slashes, SQLite knows no other host."""
    absolute = path.absolute().as_posix()
    return (
        f"file://{'' if absolute.startswith('/') else '/'}{quote(os.fsencode(absolute))}?{options}"
    )


def _open_current(uri: str, path: Path) -> sqlite3.Connection:
    connection = _connect(uri)
    try:
        version = _known_version(connection, path)
        if version < len(MIGRATIONS):
            raise StoreReadOnly(
                "Your conversations can't be opened before Lamplight may write to their file.",
                f"{path}: version {version} of the database, {len(MIGRATIONS)} is needed",
                "Allow writing to the file, then start Lamplight again.",
            )
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """An empty database that is gone when it is closed."""
    connection = _connect("file::memory:")
    _set_up(connection)
    migrate(connection, None, MIGRATIONS)
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # Autocommit: transactions are begun and ended by app.store.transaction, never by the module.
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _known_version(connection: sqlite3.Connection, path: Path) -> int:
    version = version_of(connection)
    if version > len(MIGRATIONS):
        raise StoreNewer(
            "Your conversations were saved by a newer version of Lamplight.",
            f"{path}: version {version} of the database, this Lamplight knows {len(MIGRATIONS)}",
            "Install the newest Lamplight, or start this one with another folder "
            "(--profile FOLDER).",
        )
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and owner != APPLICATION_ID:
        raise damaged(f"{path}: a database of another program")
    return version


def check(connection: sqlite3.Connection) -> str:
    """`ok`, or what SQLite's quick check finds first."""
    return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])


def _refuse_damaged(connection: sqlite3.Connection, path: Path) -> None:
    found = check(connection)
    if found != "ok":
        raise damaged(f"{path}: {found}")
