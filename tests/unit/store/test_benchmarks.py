"""The history of measurements, by machine and file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from app.domain.benchmark import BenchRecord
from app.store.migrations import migrate, version_of
from app.store.opening import open_for_writing
from app.store.schema import MIGRATIONS
from app.store.sqlite_store import SqliteStore
from tests.helpers.measurements import THREADS, result, subject
from tests.unit.store.building import asked, run, sound


async def kept(store: SqliteStore, machine: str = "here", count: int = 2) -> list[BenchRecord]:
    return [
        await store.keep_benchmark(
            machine, subject(mtime_ns=5 + number), result(threads=THREADS), now=number
        )
        for number in range(count)
    ]


def test_the_last_comes_first_as_it_was() -> None:
    async def go(store: SqliteStore) -> tuple[list[BenchRecord], list[BenchRecord]]:
        added = await kept(store)
        return added, await store.benchmarks("here", "/models/a.gguf", 1000)

    added, found = run(go)
    # A file that was put back has another time, and is the same.
    assert [record.subject.mtime_ns for record in found] == [6, 5]
    assert found == added[::-1]


def test_other_files_and_machines_have_their_own() -> None:
    async def go(store: SqliteStore) -> list[list[BenchRecord]]:
        await kept(store)
        return [
            await store.benchmarks("elsewhere", "/models/a.gguf", 1000),
            await store.benchmarks("here", "/models/b.gguf", 1000),
            await store.benchmarks("here", "/models/a.gguf", 1001),
            await store.benchmarks("here", "/models/a.gguf", 1000, limit=0),
        ]

    assert run(go) == [[], [], [], []]


def test_one_can_be_forgotten() -> None:
    async def go(store: SqliteStore) -> list[int]:
        first, second = await kept(store)
        await store.forget_benchmark(first.id)
        await store.forget_benchmark(999)
        (third,) = await kept(store, count=1)
        assert third.id > second.id
        return [record.id for record in await store.benchmarks("here", "/models/a.gguf", 1000)]

    assert run(go) == [3, 2]


def test_a_record_of_another_lamplight_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(kept, path)
    with closing(open_for_writing(path)) as db:
        db.execute("""UPDATE benchmark SET result = '{"warp": 9}' WHERE id = 2""")

    async def go(store: SqliteStore) -> list[int]:
        return [record.id for record in await store.benchmarks("here", "/models/a.gguf", 1000)]

    assert run(go, path) == [1]


def test_a_database_from_before_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, MIGRATIONS[:2])
        assert version_of(db) == 2
    assert len(run(kept, path)) == 2
    with closing(open_for_writing(path)) as db:
        assert version_of(db) == len(MIGRATIONS)
        assert sound(db)


def test_the_longest_conversation() -> None:
    async def go(store: SqliteStore) -> list[int]:
        before = await store.longest_conversation()
        await asked(store, "Why?", "So.")
        return [before, await store.longest_conversation()]

    assert run(go) == [0, 15]
