"""`lamplight conversations` over a real store in memory."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from app.cli.commands import (
    DONE,
    FAILED,
    CliCommand,
    ListConversations,
    SearchConversations,
    ShowConversation,
)
from app.domain.conversation import ChatParams, MessageStatus
from app.domain.generation import Role
from tests.helpers.scripted_engine import text
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World


async def talked(made: World) -> None:
    """One conversation with an answer, one without a title."""
    made.engine.replies.append(text("Because of ", "the moon."))
    conversation = await made.conversations.fresh()
    params = replace(conversation.params, system_prompt="Be kind.")
    await made.conversations.set_params(conversation.id, params)
    await made.chat.send(conversation.id, "Why are there tides?")
    await made.until_answered()
    other = await made.store.create_conversation(ChatParams(), None, 86_400_000)
    await made.store.add_message(other.id, None, Role.USER, "", MessageStatus.DONE, 86_400_000)


def test_the_list_tells_number_time_and_title() -> None:
    outcome = at_terminal(ListConversations(None), talked)
    assert outcome.status == DONE
    first, second = outcome.out.splitlines()
    assert re.fullmatch(r"2  1970-01-0[12] \d\d:\d\d  \(untitled\)", first)
    assert re.fullmatch(r"1  .* \d\d:\d\d  Why are there tides\?", second)


def test_the_list_in_json() -> None:
    (first, second) = json.loads(at_terminal(ListConversations(None, json=True), talked).out)
    assert first == {
        "id": 2,
        "title": "",
        "created_at": "1970-01-02T00:00:00.000+00:00",
        "updated_at": "1970-01-02T00:00:00.000+00:00",
    }
    assert second["title"] == "Why are there tides?"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (ListConversations(None), "no conversations yet"),
        (SearchConversations(None, "tides"), "Nothing was found"),
    ],
)
def test_nothing_there_is_said_in_a_terminal_only(command: CliCommand, words: str) -> None:
    assert words in at_terminal(command, terminal=True).err
    outcome = at_terminal(command)
    assert outcome.out == outcome.err == ""
    assert outcome.status == DONE


def test_a_conversation_is_shown() -> None:
    outcome = at_terminal(ShowConversation(None, 1), talked)
    assert outcome.out == (
        "Why are there tides?\n\nYou:\nWhy are there tides?\n\nAssistant:\nBecause of the moon.\n"
    )


def test_an_unfinished_message_is_shown_as_such() -> None:
    async def stopped(made: World) -> None:
        made_one = await made.store.create_conversation(ChatParams(), None, 1)
        await made.store.add_message(
            made_one.id, None, Role.ASSISTANT, "half", MessageStatus.INTERRUPTED, 1
        )

    assert "Assistant (interrupted):\nhalf\n" in at_terminal(ShowConversation(None, 1), stopped).out


def test_a_conversation_in_json() -> None:
    shown = json.loads(at_terminal(ShowConversation(None, 1, json=True), talked).out)
    assert shown["title"] == "Why are there tides?"
    assert shown["system_prompt"] == "Be kind."
    assert [(m["role"], m["text"], m["status"]) for m in shown["messages"]] == [
        ("user", "Why are there tides?", "done"),
        ("assistant", "Because of the moon.", "done"),
    ]
    assert shown["messages"][1]["model"] == "starter"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_conversation_that_is_not_there(as_json: bool) -> None:
    outcome = at_terminal(ShowConversation(None, 99, json=as_json))
    assert outcome.status == FAILED
    told = outcome.out if as_json else outcome.err
    assert told.strip()
    if as_json:
        assert outcome.events == [{"type": "failed", "error": outcome.events[0]["error"]}]
        assert outcome.events[0]["error"]["kind"] == "store.not_found"


def test_a_search_marks_its_hits_in_a_terminal() -> None:
    command = SearchConversations(None, "moon")
    assert "\x1b[1mmoon\x1b[0m" in at_terminal(command, talked, terminal=True).out
    plain = at_terminal(command, talked).out
    assert "Because of the moon." in plain
    assert "[Assistant]" in plain
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", plain)


def test_a_search_in_json() -> None:
    (hit,) = json.loads(at_terminal(SearchConversations(None, "moon", json=True), talked).out)
    assert hit["conversation_id"] == 1
    assert hit["role"] == "assistant"
    assert hit["snippet"] == "Because of the moon."
