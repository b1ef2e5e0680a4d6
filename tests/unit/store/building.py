"""Short ways to a store with something in it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from app.domain.conversation import ChatParams, Conversation, Message, MessageStatus, Run
from app.domain.generation import FinishReason, PartKind, RunStats, Sampling
from app.store.opening import open_for_writing
from app.store.sqlite_store import SqliteStore

T = TypeVar("T")

PARAMS = ChatParams("Be brief.", Sampling(temperature=0.3, seed=7), 100, 4096)
RUN = Run(
    model_name="Tiny",
    model_path="/models/tiny.gguf",
    params=PARAMS,
    stats=RunStats(
        10,
        4,
        5,
        0.1,
        0.2,
        0.3,
        7,
        left_out=2,
        shifted_tokens=99,
        drafted_tokens=20,
        accepted_tokens=15,
    ),
    finish=FinishReason.STOP,
)


def run(test: Callable[[SqliteStore], Awaitable[T]], path: Path | None = None) -> T:
    """Give the test a store, in memory or in this file, and close it afterwards."""

    async def main() -> T:
        store = SqliteStore(path)
        try:
            return await test(store)
        finally:
            await store.close()

    return asyncio.run(main())


async def begun(store: SqliteStore, title: str = "") -> Conversation:
    """A conversation."""
    conversation = await store.create_conversation(PARAMS, None, 1000)
    if title:
        await store.rename(conversation.id, title, automatic=True)
    return conversation


async def asked(
    store: SqliteStore, question: str, answer: str = "", now: int = 2000
) -> tuple[Message, Message]:
    """A conversation of its own with a question and a finished answer."""
    conversation = await begun(store)
    user, reply = await store.add_turn(conversation.id, None, question, now)
    if answer:
        await store.append(reply.id, PartKind.TEXT, answer)
    await store.finish(reply.id, MessageStatus.DONE, RUN, now)
    return user, await store.message(reply.id)


@contextmanager
def database(path: Path) -> Generator[sqlite3.Connection]:
    """The file itself, in its newest shape."""
    with closing(open_for_writing(path)) as connection:
        yield connection


def sound(connection: sqlite3.Connection) -> bool:
    """Pages, foreign keys and both full-text indexes agree with one another."""
    for index in ("part_fts", "title_fts"):
        connection.execute(f"INSERT INTO {index}({index}) VALUES ('integrity-check')")
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    return not broken and connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
