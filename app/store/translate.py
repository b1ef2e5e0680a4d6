"""SQLite's and the system's errors as sentences: the only place where they are translated."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import DiskFull, StoreBusy, StoreDamaged, StoreError, StoreReadOnly

_PRIMARY = 0xFF
"""The low byte of an extended result code (sqlite.org/rescode.html)."""
_SCARCE = 1 << 20
"""Bytes: with less than this SQLite cannot even make its shared-memory file."""

_FULL = frozenset({sqlite3.SQLITE_FULL})
_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_UNCLEAR = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


@contextmanager
def translated(path: Path | None) -> Generator[None]:
    """Raise the `StoreError` case for what the world did wrong; our own mistakes pass unchanged.

    `path` is the database file, None for one in memory.
    """
    try:
        yield
    except sqlite3.Error as error:
        case = _sqlite_case(error, path)
        if case is None:
            raise
        raise case from error
    except OSError as error:
        raise _system_case(error, path) from error


def _sqlite_case(error: sqlite3.Error, path: Path | None) -> StoreError | None:
    # Errors that the sqlite3 module raises itself (misuse) carry no code.
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    detail = _detail(error, path)
    if code in _FULL:
        return _disk_full(detail)
    if code in _READ_ONLY:
        return _read_only(detail)
    if code in _DAMAGED:
        return damaged(detail)
    if code in _BUSY:
        return _busy(detail)
    if code in _UNCLEAR:
        return _look_at_disk(detail, path)
    return None


def _system_case(error: OSError, path: Path | None) -> StoreError:
    detail = _detail(error, path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(detail)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return _read_only(detail)
    return _unreachable(detail)


def _look_at_disk(detail: str, path: Path | None) -> StoreError:
    """SQLite says only that reading, writing or opening failed; the folder tells more."""
    if path is None:
        return _unreachable(detail)
    if path.parent.is_dir():
        if shutil.disk_usage(path.parent).free < _SCARCE:
            return _disk_full(detail)
        if not os.access(path.parent, os.W_OK):
            return _read_only(detail)
    return _unreachable(detail)


def _detail(error: Exception, path: Path | None) -> str:
    return f"{path}: {error}" if path else str(error)


def _disk_full(detail: str) -> DiskFull:
    return DiskFull(
        "There is no space left on the disk to save conversations.",
        detail,
        "Free some space, then try again.",
    )


def _read_only(detail: str) -> StoreReadOnly:
    return StoreReadOnly(
        "Conversations can't be saved, because Lamplight may not write to its folder.",
        detail,
        "Allow writing to the folder, or start Lamplight with another one (--profile FOLDER).",
    )


def damaged(detail: str) -> StoreDamaged:
    """The case for a file that is not a sound database of ours."""
    return StoreDamaged(
        "The file that holds your conversations is damaged.",
        detail,
        "Start Lamplight again: it keeps the damaged file aside and begins with an empty one.",
    )


def _busy(detail: str) -> StoreBusy:
    return StoreBusy(
        "Another program is using the file that holds your conversations.",
        detail,
        "Close the other program, then try again.",
    )


def _unreachable(detail: str) -> StoreError:
    return StoreError(
        "The file that holds your conversations can't be read or written.",
        detail,
        "Check that the disk is connected and sound, then try again.",
    )
