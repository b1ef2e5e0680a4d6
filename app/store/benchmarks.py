"""The table `benchmark`: how fast models were on which machine."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from typing import TypeAlias

from app.domain.benchmark import BenchRecord, BenchResult, BenchSubject, result_from_dict
from app.store import model_files

_ADD = """
    INSERT INTO benchmark (model_file_id, machine, measured_at, subject, result)
    SELECT id, ?, ?, ?, ? FROM model_file WHERE path = ? AND size = ? AND mtime_ns = ?
"""
# Copying a file or putting it back changes its time, not what it holds.
_NEWEST = """
    SELECT benchmark.id, measured_at, mtime_ns, subject, result
    FROM benchmark JOIN model_file ON model_file.id = benchmark.model_file_id
    WHERE machine = ? AND path = ? AND size = ? ORDER BY benchmark.id DESC LIMIT ?
"""

_Row: TypeAlias = tuple[int, int, int, str, str]


def add(
    connection: sqlite3.Connection,
    machine: str,
    subject: BenchSubject,
    result: BenchResult,
    now: int,
) -> BenchRecord:
    """Write a measurement."""
    file = (subject.path, subject.file_bytes, subject.mtime_ns)
    model_files.note(connection, *file)
    texts = (json.dumps(_without_file(subject)), json.dumps(asdict(result)))
    added = connection.execute(_ADD, (machine, now, *texts, *file)).lastrowid
    return BenchRecord(added or 0, now, subject, result)


def newest(
    connection: sqlite3.Connection, machine: str, path: str, size: int, limit: int
) -> list[BenchRecord]:
    """Those of a file, the last one first; those of another shape are left out."""
    rows = connection.execute(_NEWEST, (machine, path, size, limit)).fetchall()
    return [record for row in rows if (record := _record(path, size, row)) is not None]


def forget(connection: sqlite3.Connection, record_id: int) -> None:
    """Drop a measurement; one that is gone already is fine."""
    connection.execute("DELETE FROM benchmark WHERE id = ?", (record_id,))


def _without_file(subject: BenchSubject) -> dict[str, object]:
    """What the row of the file does not tell."""
    return {
        name: value
        for name, value in asdict(subject).items()
        if name not in ("path", "file_bytes", "mtime_ns")
    }


def _record(path: str, size: int, row: _Row) -> BenchRecord | None:
    record_id, measured_at, mtime_ns, subject, result = row
    try:
        return BenchRecord(
            record_id,
            measured_at,
            BenchSubject(path, size, mtime_ns, **json.loads(subject)),
            result_from_dict(json.loads(result)),
        )
    except (KeyError, TypeError, ValueError):
        # Written by a Lamplight that measured other things.
        return None
