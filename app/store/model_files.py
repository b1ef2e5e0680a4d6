"""The table `model_file`: which file lay at a path, and its hash once it is known."""

from __future__ import annotations

import sqlite3

_NOTE = """
    INSERT INTO model_file (path, size, mtime_ns, sha256, noted)
    VALUES (?, ?, ?, ?, (SELECT coalesce(max(noted), 0) + 1 FROM model_file))
    ON CONFLICT (path, size, mtime_ns) DO UPDATE
        SET noted = excluded.noted, sha256 = coalesce(excluded.sha256, sha256)
    RETURNING sha256
"""


def note(connection: sqlite3.Connection, path: str, size: int, mtime_ns: int) -> str | None:
    """Remember that this file lies at `path` now; its SHA-256 if it is known."""
    sha256: str | None = connection.execute(_NOTE, (path, size, mtime_ns, None)).fetchone()[0]
    return sha256


def set_hash(
    connection: sqlite3.Connection, path: str, size: int, mtime_ns: int, sha256: str
) -> None:
    """Remember the hash; runs of this very file, earlier ones too, tell it from now on."""
    connection.execute(_NOTE, (path, size, mtime_ns, sha256)).fetchone()
