"""One thread owns a connection: in order, to the end, and never a job lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from app.domain.errors import StoreDamaged
from app.domain.generation import PartKind
from app.store.connection_thread import ConnectionThread
from app.store.sqlite_store import SqliteStore
from tests.unit.store.building import begun, run


def in_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_jobs_run_in_order_on_one_thread_that_is_not_ours():
    async def main():
        thread, seen = ConnectionThread("t", in_memory, None), []

        def job(number: int):
            return lambda _: seen.append((number, threading.current_thread().name))

        await asyncio.gather(*(thread.run(job(number)) for number in range(50)))
        await thread.close()
        return seen

    seen = asyncio.run(main())
    assert [number for number, _ in seen] == list(range(50))
    assert {name for _, name in seen} == {"t_0"}


def test_what_opening_failed_with_is_told_and_the_next_job_tries_again():
    answers = [sqlite3.DatabaseError("file is not a database"), in_memory()]
    answers[0].sqlite_errorcode = sqlite3.SQLITE_NOTADB

    def connect():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return sqlite3.connect(":memory:")

    async def main():
        thread = ConnectionThread("t", connect, Path("a.db"))
        with pytest.raises(StoreDamaged):
            await thread.run(lambda _: None)
        value = await thread.run(lambda db: db.execute("SELECT 1").fetchone())
        await thread.close()
        return value

    assert asyncio.run(main()) == (1,)


def test_a_job_is_done_though_nobody_waits_for_it_any_more(tmp_path: Path):
    """Stop cancels the task that appends; what is on the screen must reach the disk."""

    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        held = threading.Event()
        holding = asyncio.create_task(store._writer.run(lambda _: held.wait()))
        appending = asyncio.create_task(store.append(answer.id, PartKind.TEXT, "kept"))
        await asyncio.sleep(0)
        appending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await appending
        held.set()
        await holding
        return answer.id

    ident = run(test, tmp_path / "a.db")
    assert run(lambda store: store.message(ident), tmp_path / "a.db").text == "kept"


def test_closing_does_first_what_was_asked_for():
    async def main():
        thread, done = ConnectionThread("t", in_memory, None), []
        jobs = [asyncio.create_task(thread.run(lambda _, n=n: done.append(n))) for n in range(20)]
        await asyncio.sleep(0)
        await thread.close()
        await asyncio.gather(*jobs)
        return done

    assert asyncio.run(main()) == list(range(20))


def test_after_closing_a_job_is_a_bug():
    async def main():
        thread = ConnectionThread("t", in_memory, None)
        await thread.close()
        with pytest.raises(RuntimeError):
            await thread.run(lambda _: None)

    asyncio.run(main())


def test_interrupting_nothing_does_nothing():
    async def main():
        thread = ConnectionThread("t", in_memory, None)
        thread.interrupt()
        await thread.run(lambda _: None)
        thread.interrupt()
        value = await thread.run(lambda db: db.execute("SELECT 1").fetchone())
        await thread.close()
        return value

    assert asyncio.run(main()) == (1,)


def test_a_job_that_fails_undoes_its_transaction_and_the_next_one_works():
    async def test(store: SqliteStore):
        conversation = await begun(store)
        with pytest.raises(ZeroDivisionError):
            await store._write(
                lambda db: db.execute("UPDATE conversation SET title = 'half'") and 1 // 0
            )
        return conversation, await store.conversation(conversation.id)

    before, after = run(test)
    assert before == after
