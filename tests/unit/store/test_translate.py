"""Every way in which SQLite or the system can fail has its sentence; our mistakes have none."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from app.domain.errors import (
    DiskFull,
    NotFound,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreReadOnly,
)
from app.store import translate
from app.store.translate import translated


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    return error


def case_of(error: Exception, path: Path | None) -> StoreError:
    with pytest.raises(StoreError) as raised, translated(path):
        raise error
    assert raised.value.__cause__ is error
    assert raised.value.title
    assert raised.value.remedy
    assert str(path or "") in raised.value.detail
    return raised.value


@pytest.mark.parametrize(
    ("code", "case"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_READONLY, StoreReadOnly),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreReadOnly),
        (sqlite3.SQLITE_PERM, StoreReadOnly),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged),
        (sqlite3.SQLITE_CORRUPT_VTAB, StoreDamaged),
        (sqlite3.SQLITE_NOTADB, StoreDamaged),
        (sqlite3.SQLITE_BUSY, StoreBusy),
        (sqlite3.SQLITE_BUSY_RECOVERY, StoreBusy),
        (sqlite3.SQLITE_LOCKED, StoreBusy),
        (sqlite3.SQLITE_IOERR_READ, StoreError),
        (sqlite3.SQLITE_CANTOPEN, StoreError),
    ],
)
def test_sqlite_codes(tmp_path: Path, code: int, case: type[StoreError]):
    assert type(case_of(sqlite_error(code), tmp_path / "a.db")) is case


@pytest.mark.parametrize(
    ("number", "case"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EACCES, StoreReadOnly),
        (errno.EPERM, StoreReadOnly),
        (errno.EIO, StoreError),
    ],
)
def test_system_errors(tmp_path: Path, number: int, case: type[StoreError]):
    assert type(case_of(OSError(number, "as the system says it"), tmp_path / "a.db")) is case


def test_an_unclear_failure_on_a_disk_without_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(translate, "_SCARCE", 1 << 62)
    error = case_of(sqlite_error(sqlite3.SQLITE_IOERR_SHMSIZE), tmp_path / "a.db")
    assert type(error) is DiskFull


def test_an_unclear_failure_in_memory():
    assert type(case_of(sqlite_error(sqlite3.SQLITE_IOERR), None)) is StoreError


@pytest.mark.parametrize(
    "mistake",
    [
        sqlite_error(sqlite3.SQLITE_ERROR),
        sqlite_error(sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY),
        sqlite3.ProgrammingError("misuse"),
        ValueError("ours"),
        NotFound("known already"),
    ],
)
def test_our_own_mistakes_pass_unchanged(mistake: Exception):
    with pytest.raises(type(mistake)) as raised, translated(None):
        raise mistake
    assert raised.value is mistake
