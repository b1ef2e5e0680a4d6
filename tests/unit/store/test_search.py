"""Search: whatever a person types finds what it should, and never fails."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.conversation import HIT_END, HIT_START, MessageStatus, SearchHit
from app.domain.generation import PartKind, Role
from app.store.messages import add
from app.store.opening import open_in_memory
from app.store.query import Query, parse
from app.store.search import SNIPPET_LENGTH, search
from app.store.sqlite_store import SqliteStore
from app.store.transaction import transaction
from tests.unit.store.building import RUN, asked, begun, run

TEXTS = (
    "The café AND the bar",
    'He said "good morning" to a badger',
    "morning comes, good or bad",
    "C++ and C# are languages; use foo_bar(x) or a/b.c at 50% off",
    "東京都に住んでいます",
    "привет, мир",
    "thumbs 👍🏽 up",
    "naïve Ångström",
    "the morning\n\n  after",
)


def found(query: str, texts: tuple[str, ...] = TEXTS) -> list[int]:
    """The places in `texts` of the messages that are found."""

    async def test(store: SqliteStore):
        for place, text in enumerate(texts):
            conversation = await begun(store)
            await store.add_message(
                conversation.id, None, Role.USER, text, MessageStatus.DONE, place
            )
        return [hit.created_at for hit in await store.search(query)]

    return run(test)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("morning", [8, 2, 1]),
        ("good morning", [2, 1]),
        ('"good morning"', [1]),
        ("mor", [8, 2, 1]),
        ("bad morning", [2]),  # only the last word may go on
        ("goo morning", [2, 1]),  # and any other where nothing else is found
        ("good mor", [2, 1]),
        ('"good mor"', [1]),
        ("MORNING", [8, 2, 1]),
        ("cafe", [0]),
        ("CAFÉ", [0]),
        ("angstrom", [7]),
        ("AND", [3, 0]),
        ("the AND", [0]),
        ("OR NOT NEAR", []),
        ("badger", [1]),
        ("adge", [1]),
        ("C++", [3]),
        ("foo_bar", [3]),
        ("50%", [3]),
        ("%", [3]),
        ("_", [3]),
        ("a/b.c", [3]),
        ("住ん", [4]),
        ("東京", [4]),
        ("大阪", []),
        ("住ん 東京", [4]),
        ("мир", [5]),
        ("ПРИВЕТ", [5]),
        ("👍", [6]),
        ("👍🏽 thumbs", [6]),
        ("", []),
        ("   ", []),
        ('"', []),
        ('""', []),
        ('"good morning', [1]),
        ("*", []),
        ("mor*", []),
        ("text:morning", []),
        ("(morning", [8, 2, 1]),
        ("^morning", [8, 2, 1]),
        ("-morning", [8, 2, 1]),
        ("good + morning", []),
        ("morning\0good", [2, 1]),
        ("\ud83d", []),
    ],
)
def test_queries(query: str, places: list[int]):
    assert found(query) == places


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_no_query_fails(text: str):
    search(_searchable(), parse(text), 5)


@given(st.lists(st.sampled_from(['"', "*", "AND", "OR", "NOT", "(", ")", "a", " ", "^", ":", "'"])))
def test_no_query_of_search_operators_fails(pieces: list[str]):
    search(_searchable(), parse("".join(pieces)), 5)


@functools.cache
def _searchable() -> sqlite3.Connection:
    connection = open_in_memory()
    with transaction(connection):
        connection.execute(
            "INSERT INTO conversation (id, created_at, updated_at, params, title) "
            "VALUES (1, 0, 0, '{}', 'a title')"
        )
        for text in TEXTS:
            add(connection, 1, None, Role.USER, text, MessageStatus.DONE, 0)
    return connection


def test_very_many_words_are_cut():
    assert search(_searchable(), parse("morning " * 5000), 5)


def test_a_hit_says_where_it_is():
    async def test(store: SqliteStore):
        _, answer = await asked(store, "Why?", "Because   the\nbadger digs.", now=77)
        await store.rename(answer.conversation_id, "Animals", automatic=True)
        return answer, await store.search("badg")

    answer, hits = run(test)
    snippet = f"Because the {HIT_START}badger{HIT_END} digs."
    assert hits == [
        SearchHit(answer.conversation_id, answer.id, "Animals", snippet, Role.ASSISTANT, 77)
    ]


def test_titles_are_found_until_they_change():
    async def test(store: SqliteStore):
        conversation = await begun(store, "Über Öl")
        first = await store.search("uber")
        substring = await store.search("ber Ö")
        await store.rename(conversation.id, "Water", automatic=True)
        return conversation, first, substring, await store.search("uber")

    conversation, first, substring, later = run(test)
    snippet = f"{HIT_START}Über{HIT_END} Öl"
    assert first == [SearchHit(conversation.id, None, "Über Öl", snippet, None, 1000)]
    assert [hit.message_id for hit in substring] == [None]
    assert later == []


def test_trash_is_left_out():
    async def test(store: SqliteStore):
        conversation = await begun(store, "badger")
        await store.add_turn(conversation.id, None, "badger 👍", 1)
        await store.trash(conversation.id, 2)
        trashed = await store.search("badger") + await store.search("👍")
        await store.restore(conversation.id)
        return trashed, len(await store.search("badger"))

    assert run(test) == ([], 2)


def test_an_answer_is_found_when_it_has_ended():
    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        await store.append(answer.id, PartKind.TEXT, "bad")
        await store.append(answer.id, PartKind.TEXT, "ger 👍")
        before = await store.search("badger") + await store.search("👍")
        await store.finish(answer.id, MessageStatus.STOPPED, RUN, 2)
        return before, len(await store.search("badger")), len(await store.search("👍"))

    assert run(test) == ([], 1, 1)


def test_reasoning_and_text_of_one_answer_are_one_hit():
    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        await store.append(answer.id, PartKind.REASONING, "a badger 👍?")
        await store.append(answer.id, PartKind.TEXT, "A badger 👍.")
        await store.finish(answer.id, MessageStatus.DONE, RUN, 2)
        return len(await store.search("badger")), len(await store.search("👍"))

    assert run(test) == (1, 1)


@pytest.mark.parametrize("word", ["badger", "👍"])
def test_the_newest_come_first_and_the_limit_holds(word: str):
    async def test(store: SqliteStore):
        for now in range(10):
            await asked(store, f"{word} {now}", now=now)
        return [hit.created_at for hit in await store.search(word, limit=4)]

    assert run(test) == [9, 8, 7, 6]


def test_a_long_text_is_cut_around_the_hit():
    async def test(store: SqliteStore):
        await asked(store, "x " * 3000 + "👍" + " y" * 3000)
        return (await store.search("👍"))[0].snippet

    snippet = run(test)
    assert f"{HIT_START}👍{HIT_END}" in snippet
    assert snippet.startswith("…")
    assert snippet.endswith("…")
    assert len(snippet) <= SNIPPET_LENGTH + 4


_ENDLESS = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(running(i)) FROM n
"""


def test_a_newer_search_ends_the_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started, latest = threading.Event(), time.monotonic() + 20

    def running(number: int) -> int:
        started.set()
        if time.monotonic() > latest:
            pytest.fail("nothing ended it")
        return number

    def slow(connection: sqlite3.Connection, query: Query, limit: int) -> list[SearchHit]:
        if query.terms == ("slow",):
            connection.create_function("running", 1, running)
            with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                connection.execute(_ENDLESS).fetchone()
        return search(connection, query, limit)

    monkeypatch.setattr("app.store.sqlite_store.search", slow)

    async def test(store: SqliteStore):
        user, _ = await asked(store, "badger")
        stale = asyncio.create_task(store.search("slow"))
        await asyncio.to_thread(started.wait)
        # Meanwhile neither an append nor the opening of a conversation has to wait.
        await store.add_turn(user.conversation_id, None, "not delayed", 1)
        path = await store.path(user.conversation_id)
        overtaken = asyncio.create_task(store.search("badger"))
        await asyncio.sleep(0)
        hits = await store.search("badger")
        return await stale, await overtaken, len(hits), path[0].text

    assert run(test, tmp_path / "a.db") == ([], [], 1, "not delayed")


def test_an_interrupted_search_finds_nothing():
    connection = open_in_memory()
    connection.create_function("slow", 1, lambda text: connection.interrupt() or text)
    connection.execute("DROP VIEW searchable_part")
    connection.execute("CREATE VIEW searchable_part AS SELECT id, slow(text) AS text FROM part")
    with transaction(connection):
        connection.execute(
            "INSERT INTO conversation (id, created_at, updated_at, params) VALUES (1, 0, 0, '{}')"
        )
        for _ in range(5):
            add(connection, 1, None, Role.USER, "badger", MessageStatus.DONE, 0)
    assert search(connection, parse("badger"), 5) == []
    connection.close()


def test_any_other_failure_is_told():
    connection = open_in_memory()
    connection.execute("DROP TABLE part_fts")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        search(connection, parse("badger"), 5)
    connection.close()
