"""Conversations in SQLite: schema, migrations, messages, search."""

from __future__ import annotations

from app.store.aside import aside_notice, set_aside
from app.store.sqlite_store import SqliteStore
from app.store.unavailable import UnavailableStore

__all__ = ["SqliteStore", "UnavailableStore", "aside_notice", "set_aside"]
