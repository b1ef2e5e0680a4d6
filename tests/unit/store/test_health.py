"""What `doctor` is told."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.store.schema import MIGRATIONS
from app.store.sqlite_store import SqliteStore
from tests.unit.store.building import asked, run


async def _health(store: SqliteStore) -> dict[str, str]:
    await asked(store, "Why?", "Because.")
    return await store.health()


def test_of_a_file(tmp_path: Path):
    health = run(_health, tmp_path / "a.db")
    assert int(health.pop("size_bytes")) >= 4096
    assert health == {
        "file": str(tmp_path / "a.db"),
        "schema_version": str(len(MIGRATIONS)),
        "sqlite_version": sqlite3.sqlite_version,
        "quick_check": "ok",
        "conversation_rows": "1",
        "message_rows": "2",
        "run_rows": "1",
    }


def test_in_memory():
    health = run(_health)
    assert (health["file"], health["size_bytes"]) == ("in memory", "0")
