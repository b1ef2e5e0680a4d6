"""The table `fit`: what models were expected to take, and what they took."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict

from app.domain.fit import ContextPlan, FitEstimate, FitRecord, MeasuredSizes
from app.store import model_files

_KEEP = """
    INSERT OR REPLACE INTO fit (model_file_id, machine, plan, predicted, measured, measured_at)
    SELECT id, ?, ?, ?, ?, ? FROM model_file WHERE path = ? AND size = ? AND mtime_ns = ?
"""
_NEWEST = """
    SELECT path, size, mtime_ns, plan, predicted, measured
    FROM fit JOIN model_file ON model_file.id = fit.model_file_id
    WHERE machine = ? ORDER BY fit.id DESC LIMIT ?
"""


def keep(connection: sqlite3.Connection, machine: str, record: FitRecord, now: int) -> None:
    """Write a record; one of the same file, machine and plan gives way to it."""
    file = (record.path, record.file_bytes, record.mtime_ns)
    model_files.note(connection, *file)
    texts = (_text(record.plan), _text(record.predicted), _text(record.measured))
    connection.execute(_KEEP, (machine, *texts, now, *file))


def newest(connection: sqlite3.Connection, machine: str, limit: int) -> list[FitRecord]:
    """The records of a machine, the last one first; those of another shape are left out."""
    rows = connection.execute(_NEWEST, (machine, limit)).fetchall()
    return [record for row in rows if (record := _record(row)) is not None]


def _text(value: ContextPlan | FitEstimate | MeasuredSizes) -> str:
    return json.dumps(asdict(value), sort_keys=True)


def _record(row: tuple[str, int, int, str, str, str]) -> FitRecord | None:
    path, size, mtime_ns, plan, predicted, measured = row
    try:
        return FitRecord(
            path,
            size,
            mtime_ns,
            ContextPlan(**json.loads(plan)),
            FitEstimate(**json.loads(predicted)),
            MeasuredSizes(**json.loads(measured)),
        )
    except (TypeError, ValueError):
        # Written by a Lamplight that knew of other values; it is measured again in time.
        return None
