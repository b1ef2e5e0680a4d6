"""Bring a database to the newest shape: each step whole or not at all, a copy kept first."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from app.store.schema import APPLICATION_ID, Migration
from app.store.transaction import transaction


def version_of(connection: sqlite3.Connection) -> int:
    """The number of the last migration this database has been through; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(
    connection: sqlite3.Connection, path: Path | None, migrations: Sequence[Migration]
) -> None:
    """Apply what is missing, in order, each together with its number in one transaction.

    A database that holds something is first copied beside itself (`…-before-vN.db`, N being the
    version it is brought to); the copy stays.
    """
    version = version_of(connection)
    if version == len(migrations):
        return
    if version > 0 and path is not None:
        _copy(connection, path.with_name(f"{path.stem}-before-v{len(migrations)}{path.suffix}"))
    for number, statements in enumerate(migrations[version:], start=version + 1):
        with transaction(connection):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
    os.replace(unfinished, target)
