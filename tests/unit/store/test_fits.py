"""What models took, by machine: replaced by file and plan, the last one first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from app.domain.fit import ContextPlan, FitEstimate, FitRecord, MeasuredSizes
from app.store.migrations import migrate, version_of
from app.store.opening import open_for_writing
from app.store.schema import MIGRATIONS
from app.store.sqlite_store import SqliteStore
from tests.unit.store.building import run, sound

RECORD = FitRecord(
    path="/models/a.gguf",
    file_bytes=1000,
    mtime_ns=7,
    plan=ContextPlan(8192),
    predicted=FitEstimate(900, 80, 0, 40),
    measured=MeasuredSizes(8192, 900, 80, 44),
)


async def kept(store: SqliteStore, *records: FitRecord) -> None:
    for number, record in enumerate(records):
        await store.keep_fit("here", record, now=number)


def test_what_is_kept_comes_back_as_it_was() -> None:
    async def go(store: SqliteStore) -> list[FitRecord]:
        await kept(store, RECORD)
        return await store.fits("here")

    assert run(go) == [RECORD]


def test_the_last_comes_first_and_replaces_its_like() -> None:
    longer = replace(RECORD, plan=ContextPlan(16_384))
    other_file = replace(RECORD, mtime_ns=8)
    again = replace(RECORD, measured=MeasuredSizes(8192, 900, 80, 46))

    async def go(store: SqliteStore) -> list[FitRecord]:
        await kept(store, RECORD, longer, other_file, again)
        return await store.fits("here")

    assert run(go) == [again, other_file, longer]


def test_each_machine_has_its_own() -> None:
    async def go(store: SqliteStore) -> list[list[FitRecord]]:
        await kept(store, RECORD)
        return [await store.fits("elsewhere"), await store.fits("here", limit=0)]

    assert run(go) == [[], []]


def test_the_file_becomes_known_with_it() -> None:
    async def go(store: SqliteStore) -> str | None:
        await store.set_model_hash("/models/a.gguf", 1000, 7, "abc")
        await kept(store, RECORD)
        return await store.note_model_file("/models/a.gguf", 1000, 7)

    assert run(go) == "abc"


def test_a_record_of_another_lamplight_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(lambda store: kept(store, RECORD, replace(RECORD, plan=ContextPlan(512))), path)
    with closing(open_for_writing(path)) as db:
        db.execute("""UPDATE fit SET plan = '{"warp": 9}' WHERE id = 2""")
    assert run(lambda store: store.fits("here"), path) == [RECORD]


def test_a_database_from_before_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, MIGRATIONS[:1])
        assert version_of(db) == 1
    run(lambda store: kept(store, RECORD), path)
    with closing(open_for_writing(path)) as db:
        assert version_of(db) == len(MIGRATIONS)
        assert sound(db)
    assert run(lambda store: store.fits("here"), path) == [RECORD]
