"""Conversations: made, changed, listed, put into the trash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.conversation import ChatParams
from app.domain.errors import NotFound
from app.domain.generation import Sampling, Switches
from app.domain.overflow import Overflow
from app.store.sqlite_store import SqliteStore
from app.store.values import params_from_json, params_to_json
from tests.unit.store.building import PARAMS, asked, begun, run


def test_a_new_one_is_empty_and_keeps_its_parameters():
    async def test(store: SqliteStore):
        made = await store.create_conversation(PARAMS, "/a.gguf", 5)
        return made, await store.conversation(made.id)

    made, read = run(test)
    assert made == read
    assert (made.title, made.title_is_automatic, made.head_id, made.draft) == ("", True, None, "")
    assert (made.created_at, made.updated_at, made.model_path) == (5, 5, "/a.gguf")
    assert made.params == PARAMS


def test_what_is_set_is_read():
    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        await store.set_params(ident, ChatParams(max_tokens=3))
        await store.set_model(ident, "/b.gguf")
        await store.set_draft(ident, "half a thought")
        return await store.conversation(ident)

    read = run(test)
    assert (read.params.max_tokens, read.model_path, read.draft) == (3, "/b.gguf", "half a thought")


def test_everything_outlives_the_process(tmp_path: Path):
    path = tmp_path / "a.db"

    async def write(store: SqliteStore):
        user, answer = await asked(store, "Why?", "Because.")
        return await store.path(user.conversation_id), answer

    async def read(store: SqliteStore):
        return await store.path(1), await store.message(2)

    assert run(write, path) == run(read, path)


@pytest.mark.parametrize("automatic", [True, False])
def test_a_person_may_always_rename(automatic: bool):
    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        await store.rename(ident, "first", automatic=automatic)
        await store.rename(ident, "mine", automatic=False)
        return await store.conversation(ident)

    read = run(test)
    assert (read.title, read.title_is_automatic) == ("mine", False)


def test_an_automatic_title_never_replaces_a_persons():
    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        await store.rename(ident, "mine", automatic=False)
        await store.rename(ident, "theirs", automatic=True)
        return await store.conversation(ident)

    read = run(test)
    assert (read.title, read.title_is_automatic) == ("mine", False)


def test_an_automatic_title_replaces_an_automatic_one():
    async def test(store: SqliteStore):
        ident = (await begun(store, "first")).id
        await store.rename(ident, "second", automatic=True)
        return await store.conversation(ident)

    assert run(test).title == "second"


def test_the_list_is_most_recently_updated_first():
    async def test(store: SqliteStore):
        old, new, newest = [await store.create_conversation(PARAMS, None, t) for t in (1, 2, 3)]
        await store.add_turn(old.id, None, "again", 9)
        return [old.id, newest.id, new.id], await store.list_conversations()

    expected, rows = run(test)
    assert [row.id for row in rows] == expected
    assert (rows[0].created_at, rows[0].updated_at) == (1, 9)


def test_the_trash_and_back():
    async def test(store: SqliteStore):
        first, second = await begun(store), await begun(store)
        await store.trash(first.id, 50)
        lists = [await store.list_conversations(), await store.list_conversations(trashed=True)]
        await store.restore(first.id)
        lists += [await store.list_conversations(), await store.list_conversations(trashed=True)]
        return [[row.id for row in rows] for rows in lists], first.id, second.id

    lists, first, second = run(test)
    assert lists == [[second], [first], [second, first], []]


CALLS = {
    "conversation": lambda store: store.conversation(9),
    "rename": lambda store: store.rename(9, "x", automatic=True),
    "set_params": lambda store: store.set_params(9, PARAMS),
    "set_model": lambda store: store.set_model(9, None),
    "set_draft": lambda store: store.set_draft(9, "x"),
    "trash": lambda store: store.trash(9, 1),
    "restore": lambda store: store.restore(9),
    "set_head": lambda store: store.set_head(9, None),
    "add_turn": lambda store: store.add_turn(9, None, "x", 1),
    "path": lambda store: store.path(9),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_does_not_exist_is_not_found(name: str):
    with pytest.raises(NotFound) as raised:
        run(CALLS[name])
    assert raised.value.remedy


def test_half_characters_are_replaced():
    """A lone surrogate, as half an emoji from the clipboard, is no reason to lose the rest."""

    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        await store.set_draft(ident, "a\ud83db")
        await store.rename(ident, "t\ud83d", automatic=False)
        await store.add_turn(ident, None, "q\ud83d😀", 1)
        return (await store.path(ident))[0].text, (await store.conversation(ident)).title

    assert run(test) == ("q\ufffd😀", "t\ufffd")


def test_parameters_of_another_version_are_read_as_far_as_they_go():
    given = json.loads(params_to_json(PARAMS)) | {"new": 1}
    given["sampling"]["newer"] = 2
    del given["max_tokens"], given["sampling"]["seed"]
    read = params_from_json(json.dumps(given))
    assert read == ChatParams("Be brief.", Sampling(temperature=0.3), None, 4096)


def test_all_parameters_come_back_as_they_were_kept():
    sampling = Sampling(
        logit_bias=(("\ud800", -1.5),), dry_breakers=("x",), grammar="g", mirostat=2
    )
    params = ChatParams(sampling=sampling, stop=("END", "\n"))

    async def test(store: SqliteStore):
        ident = (await begun(store)).id
        await store.set_params(ident, params)
        return (await store.conversation(ident)).params

    assert run(test) == params


def test_parameters_kept_before_these_existed_are_read():
    old = '{"system_prompt": "S", "sampling": {"repeat_penalty": 1.0, "top_k": 40, "top_p": 0.95, '
    old += (
        '"min_p": 0.05, "temperature": 0.8, "seed": null}, "max_tokens": 9, "context_length": null}'
    )
    assert params_from_json(old) == ChatParams("S", Sampling(), 9, None)


def test_the_policy_and_the_switches_are_kept():
    params = ChatParams(overflow=Overflow.KEEP_ENDS, switches=Switches(False, "high"))
    assert params_from_json(params_to_json(params)) == params


def test_a_policy_of_a_newer_version_becomes_the_usual_one():
    given = json.loads(params_to_json(ChatParams())) | {"overflow": "summarise"}
    given["switches"] |= {"budget": 3}
    assert params_from_json(json.dumps(given)) == ChatParams()
