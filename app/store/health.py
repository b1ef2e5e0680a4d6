"""What `lamplight doctor` tells about the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.store.migrations import version_of
from app.store.opening import check


def health(connection: sqlite3.Connection, path: Path | None) -> dict[str, str]:
    """Where, how large, which version, whether sound, how much is in it; all as text."""
    found = {
        "file": str(path) if path else "in memory",
        "size_bytes": str(_size(path)),
        "schema_version": str(version_of(connection)),
        "sqlite_version": sqlite3.sqlite_version,
        "quick_check": check(connection),
    }
    for table in ("conversation", "message", "run"):
        count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        found[f"{table}_rows"] = str(count)
    return found


def _size(path: Path | None) -> int:
    """Of the database and of what is not yet folded into it."""
    if path is None:
        return 0
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
