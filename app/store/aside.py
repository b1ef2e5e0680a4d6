"""Put a damaged database out of the way, untouched, so that an empty one can take its place."""

from __future__ import annotations

import time
from pathlib import Path

from app.domain.errors import StoreDamaged
from app.store.translate import translated

_BESIDE = ("", "-wal", "-shm")
"""What belongs to a database in WAL mode, by the end of the file name."""


def set_aside(path: Path) -> Path:
    """Rename the database and what belongs to it; where the database lies now.

    No connection may be open. Raises `StoreReadOnly` where the folder is protected.
    """
    kept = _free_name(path)
    with translated(path):
        # The database last: while it has its name, a failure half-way leaves something to retry.
        for ending in reversed(_BESIDE):
            part = path.with_name(path.name + ending)
            if part.exists():
                part.rename(kept.with_name(kept.name + ending))
    return kept


def _free_name(path: Path) -> Path:
    date = time.strftime("%Y-%m-%d")
    stem = f"{path.stem}-damaged-{date}"
    kept = path.with_name(f"{stem}{path.suffix}")
    number = 2
    while kept.exists():
        kept = path.with_name(f"{stem}-{number}{path.suffix}")
        number += 1
    return kept


def aside_notice(kept: Path, error: StoreDamaged) -> StoreDamaged:
    """What to tell the person after `error` led to `set_aside`, which returned `kept`."""
    return StoreDamaged(
        "The file that held your conversations was damaged, so Lamplight began an empty one.",
        error.detail,
        f"The damaged file is kept unchanged, for a repair or a backup to compare with: {kept}",
    )
