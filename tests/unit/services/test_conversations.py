"""The list of conversations as the window uses it."""

from __future__ import annotations

from dataclasses import replace

from app.domain.facts import ConversationsChanged
from tests.helpers.scripted_engine import text
from tests.unit.services.world import World, run


def test_a_fresh_conversation_is_used_again_until_something_is_in_it():
    async def test(w: World):
        first = await w.conversations.fresh()
        second = await w.conversations.fresh()
        await w.conversations.set_draft(first.id, "half a thought")
        third = await w.conversations.fresh()
        return first.id, second.id, third.id

    first, second, third = run(test)
    assert first == second != third


def test_trash_and_restore():
    async def test(w: World):
        made = await w.conversations.fresh()
        await w.conversations.rename(made.id, "Keep me")
        await w.conversations.trash(made.id)
        away = [row.title for row in await w.conversations.list()]
        trashed = [row.title for row in await w.conversations.list(trashed=True)]
        await w.conversations.restore(made.id)
        return away, trashed, [row.title for row in await w.conversations.list()]

    assert run(test) == ([], ["Keep me"], ["Keep me"])


def test_changes_are_told():
    async def test(w: World):
        made = await w.conversations.fresh()
        await w.conversations.rename(made.id, "x")
        await w.conversations.trash(made.id)
        await w.conversations.restore(made.id)
        return sum(isinstance(fact, ConversationsChanged) for fact in w.facts)

    assert run(test) == 4


def test_new_conversations_start_with_the_settings():
    async def test(w: World):
        chat = replace(w.settings.current.chat, temperature=0.1, max_tokens=0, system_prompt="Hi")
        w.settings.change(replace(w.settings.current, chat=chat))
        return (await w.conversations.fresh()).params

    params = run(test)
    assert (params.sampling.temperature, params.max_tokens, params.system_prompt) == (
        0.1,
        None,
        "Hi",
    )


def test_what_was_answered_is_found():
    async def test(w: World):
        w.engine.replies.append(text("The Danube flows east."))
        made = await w.conversations.fresh()
        await w.chat.send(made.id, "Which river?")
        await w.until_answered()
        return [hit.conversation_id == made.id for hit in await w.conversations.search("danube")]

    assert run(test) == [True]
