"""The message tree: written once, grown by appending, read in a handful of queries."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from app.domain.conversation import Message, MessageStatus, Part
from app.domain.errors import NotFound
from app.domain.generation import PartKind, Role
from app.store.sqlite_store import SqliteStore
from app.store.transaction import transaction
from tests.unit.store.building import RUN, asked, begun, database, run, sound

TEXT, REASONING = PartKind.TEXT, PartKind.REASONING


def test_a_turn_is_a_question_and_an_empty_answer_and_clears_the_draft():
    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        await store.set_draft(ident, "Why?")
        user, answer = await store.add_turn(ident, None, "Why?", 7)
        return user, answer, await store.conversation(ident), await store.path(ident)

    user, answer, conversation, path = run(test)
    assert path == [user, answer]
    assert (user.role, user.status, user.text) == (Role.USER, MessageStatus.DONE, "Why?")
    assert (answer.role, answer.status) == (Role.ASSISTANT, MessageStatus.STREAMING)
    assert (answer.parts, answer.run, answer.parent_id) == ((), None, user.id)
    assert (conversation.head_id, conversation.draft) == (answer.id, "")
    assert conversation.updated_at == 7


def test_pieces_of_a_kind_join_and_a_reader_sees_them_while_they_stream():
    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        for kind, text in ((REASONING, "hm"), (REASONING, "m"), (TEXT, "a"), (TEXT, "b")):
            await store.append(answer.id, kind, text)
        await store.append(answer.id, REASONING, "wait")
        streaming = await store.message(answer.id)
        await store.finish(answer.id, MessageStatus.STOPPED, RUN, 2)
        return streaming, await store.message(answer.id)

    streaming, finished = run(test)
    expected = (Part(REASONING, "hmm"), Part(TEXT, "ab"), Part(REASONING, "wait"))
    assert streaming.parts == finished.parts == expected
    assert (finished.status, finished.run) == (MessageStatus.STOPPED, RUN)


def test_a_finished_answer_is_one_row_for_each_part(tmp_path: Path):
    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        for index in range(20):
            await store.append(answer.id, REASONING if index < 5 else TEXT, "x")
        await store.finish(answer.id, MessageStatus.DONE, RUN, 2)

    run(test, tmp_path / "a.db")
    with database(tmp_path / "a.db") as db:
        rows = db.execute("SELECT kind, text FROM part WHERE message_id = 2").fetchall()
        assert rows == [("reasoning", "x" * 5), ("text", "x" * 15)]
        assert sound(db)


def test_a_commit_costs_the_same_at_the_end_of_a_long_answer(tmp_path: Path):
    """Measured by what is written to the log, which no other load on the machine changes."""
    log = tmp_path / "a.db-wal"

    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        await store._writer.run(lambda db: db.execute("PRAGMA wal_autocheckpoint = 0"))
        await store._writer.run(lambda db: db.execute("PRAGMA synchronous = OFF"))
        sizes = [log.stat().st_size]
        for _ in range(40):
            for _ in range(10):
                await store.append(answer.id, TEXT, "x" * 512)
            sizes.append(log.stat().st_size)
        return [after - before for before, after in itertools.pairwise(sizes)]

    written = run(test, tmp_path / "a.db")
    assert max(written[20:]) <= 2 * max(written[1:20])


@pytest.mark.parametrize("call", ["append", "finish"])
def test_only_a_streaming_message_can_grow_or_end(call: str):
    async def test(store: SqliteStore):
        _, answer = await asked(store, "q", "a")
        if call == "append":
            await store.append(answer.id, TEXT, "more")
        else:
            await store.finish(answer.id, MessageStatus.DONE, RUN, 2)

    with pytest.raises(ValueError, match="only a streaming one"):
        run(test)


MISSING = {
    "append": lambda store: store.append(9, TEXT, "x"),
    "finish": lambda store: store.finish(9, MessageStatus.DONE, RUN, 1),
    "message": lambda store: store.message(9),
    "newest_leaf": lambda store: store.newest_leaf(9),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_message_that_does_not_exist_is_not_found(name: str):
    with pytest.raises(NotFound):
        run(MISSING[name])


def test_a_message_of_another_conversation_is_not_found():
    async def test(store: SqliteStore):
        mine, (theirs, _) = await begun(store), await asked(store, "q", "a")
        with pytest.raises(NotFound):
            await store.set_head(mine.id, theirs.id)
        with pytest.raises(NotFound):
            await store.add_turn(mine.id, theirs.id, "q", 1)
        return await store.path(mine.id), (await store.conversation(mine.id)).updated_at

    assert run(test) == ([], 1000)


async def _regenerated(store: SqliteStore, answer: Message) -> Message:
    return await store.add_message(
        answer.conversation_id, answer.parent_id, Role.ASSISTANT, "", MessageStatus.STREAMING, 5
    )


def test_siblings_are_told_oldest_first():
    async def test(store: SqliteStore):
        user, first = await asked(store, "q", "a")
        second = await _regenerated(store, first)
        other, _ = await store.add_turn(user.conversation_id, None, "edited", 6)
        path = await store.path(user.conversation_id)
        return user, first, second, other, path, await store.message(first.id)

    user, first, second, other, path, again = run(test)
    assert again.sibling_ids == second.sibling_ids == (first.id, second.id)
    assert path[0].sibling_ids == (user.id, other.id)
    assert path[1].sibling_ids == (path[1].id,)


def test_roots_of_other_conversations_are_no_siblings():
    async def test(store: SqliteStore):
        await asked(store, "one", "a")
        return (await asked(store, "two", "b"))[0]

    assert len(run(test).sibling_ids) == 1


def test_the_head_chooses_the_path_and_may_point_nowhere():
    async def test(store: SqliteStore):
        user, first = await asked(store, "q", "a")
        second = await _regenerated(store, first)
        paths = [await store.path(user.conversation_id)]
        for head in (first.id, user.id, None):
            await store.set_head(user.conversation_id, head)
            paths.append(await store.path(user.conversation_id))
        return [[m.id for m in path] for path in paths], user.id, first.id, second.id

    paths, user, first, second = run(test)
    assert paths == [[user, second], [user, first], [user], []]


def test_the_newest_leaf_is_what_was_written_last_below():
    async def test(store: SqliteStore):
        user, first = await asked(store, "q", "a")
        second = await _regenerated(store, first)
        _, below_first = await store.add_turn(user.conversation_id, first.id, "more", 8)
        ids = (user.id, first.id, second.id, below_first.id)
        return [await store.newest_leaf(ident) for ident in ids], below_first.id, second.id

    leaves, below_first, second = run(test)
    assert leaves == [below_first, below_first, second, below_first]


def test_a_message_may_be_added_with_the_draft_cleared_or_kept():
    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        drafts = []
        for clear in (False, True):
            await store.set_draft(ident, "draft")
            await store.add_message(
                ident, None, Role.SYSTEM, "x", MessageStatus.DONE, 1, clear_draft=clear
            )
            drafts.append((await store.conversation(ident)).draft)
        return drafts

    assert run(test) == ["draft", ""]


def test_recover_ends_what_was_left_streaming(tmp_path: Path):
    async def leave(store: SqliteStore):
        await asked(store, "done", "done")
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        await store.append(answer.id, REASONING, "thinking ")
        await store.append(answer.id, TEXT, "unfinished ")
        await store.append(answer.id, TEXT, "symphony")
        return answer.id

    async def recover(store: SqliteStore):
        counts = [await store.recover(9), await store.recover(9)]
        return counts, await store.message(ident), await store.search("symphony")

    ident = run(leave, tmp_path / "a.db")
    counts, message, hits = run(recover, tmp_path / "a.db")
    assert counts == [1, 0]
    assert (message.status, message.run) == (MessageStatus.INTERRUPTED, None)
    assert message.parts == (Part(REASONING, "thinking "), Part(TEXT, "unfinished symphony"))
    assert [hit.message_id for hit in hits] == [ident]


def test_a_run_keeps_its_error():
    async def test(store: SqliteStore):
        _, answer = await store.add_turn((await begun(store)).id, None, "q", 1)
        failed = type(RUN)(
            "m", "/m", RUN.params, error_title="t", error_detail="d", error_remedy="r"
        )
        await store.finish(answer.id, MessageStatus.FAILED, failed, 2)
        return failed, await store.message(answer.id)

    failed, message = run(test)
    assert (message.run, message.status) == (failed, MessageStatus.FAILED)


def test_a_hash_that_is_known_later_is_told_by_earlier_runs_of_the_same_file():
    async def test(store: SqliteStore):
        path, known = RUN.model_path, []
        known.append(await store.note_model_file(path, 10, 111))
        _, before = await asked(store, "q", "a")
        known.append(await store.note_model_file(path, 20, 222))  # another file in its place
        _, replaced = await asked(store, "q", "a")
        await store.set_model_hash(path, 10, 111, "abc")
        known.append(await store.note_model_file(path, 20, 222))
        known.append(await store.note_model_file(path, 10, 111))
        return known, [(await store.message(m.id)).run for m in (before, replaced)]

    known, (before, replaced) = run(test)
    assert known == [None, None, None, "abc"]
    assert before is not None
    assert before.model_sha256 == "abc"
    assert replaced is not None
    assert replaced.model_sha256 is None


def test_a_run_names_the_file_that_lay_there_then():
    async def test(store: SqliteStore):
        for size in (1, 2, 1):
            await store.note_model_file(RUN.model_path, size, 0)
        await store.set_model_hash(RUN.model_path, 2, 0, "two")
        await store.set_model_hash(RUN.model_path, 1, 0, "one")
        return (await asked(store, "q", "a"))[1].run

    found = run(test)
    assert found is not None
    assert found.model_sha256 == "one"


def _chain(db: sqlite3.Connection, length: int) -> None:
    """A conversation of one long path, with a branch at every tenth message."""
    with transaction(db):
        db.execute(
            "INSERT INTO conversation (id, created_at, updated_at, params, head_id) "
            "VALUES (1, 0, 0, '{}', ?)",
            (length,),
        )
        rows = [(i, i - 1 or None, "user" if i % 2 else "assistant") for i in range(1, length + 1)]
        rows += [(length + i, i * 10, "assistant") for i in range(1, length // 10)]
        db.executemany(
            "INSERT INTO message (id, conversation_id, parent_id, role, status, created_at) "
            "VALUES (?, 1, ?, ?, 'done', 0)",
            rows,
        )
        db.execute(
            "INSERT INTO part (message_id, ordinal, kind, text, searchable) "
            "SELECT id, 0, 'text', 'text ' || id, 1 FROM message"
        )


def test_a_path_of_10000_messages_takes_a_handful_of_queries(tmp_path: Path):
    with database(tmp_path / "a.db") as db:
        _chain(db, 10_000)
    statements: list[str] = []

    async def test(store: SqliteStore):
        await store.conversation(1)
        await store._reader.run(lambda db: db.set_trace_callback(statements.append))
        return await store.path(1)

    path = run(test, tmp_path / "a.db")
    assert [message.id for message in path] == list(range(1, 10_001))
    assert path[10].sibling_ids == (11, 10_001)
    assert path[-1].text == "text 10000"
    assert len([text for text in statements if "SELECT" in text]) <= 6


def test_a_deep_conversation_can_be_deleted(tmp_path: Path):
    """A cascade along parent_id would fail past 1,000 levels."""
    with database(tmp_path / "a.db") as db:
        _chain(db, 2_000)
        with transaction(db):
            db.execute("DELETE FROM conversation WHERE id = 1")
        left = [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("message", "part")]
        assert left == [0, 0]
        assert sound(db)
        assert db.execute("SELECT count(*) FROM part_fts('text')").fetchone()[0] == 0


def test_a_parent_with_answers_cannot_be_deleted_alone(tmp_path: Path):
    with database(tmp_path / "a.db") as db:
        _chain(db, 20)
        with pytest.raises(sqlite3.IntegrityError), transaction(db):
            db.execute("DELETE FROM message WHERE id = 5")
        assert db.execute("SELECT count(*) FROM message").fetchone()[0] == 21
