"""The list of conversations as the window uses it."""

from __future__ import annotations

from dataclasses import replace

from app.domain.conversation import cache_tag
from app.domain.errors import EngineError
from app.domain.facts import ConversationsChanged, Trouble
from app.domain.localmodel import LocalModel
from app.domain.overflow import Overflow
from app.domain.settings import ChatSettings
from app.services.conversations import starting_params
from tests.helpers.scripted_engine import text
from tests.unit.services.world import World, local_model, run


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


def test_what_was_read_of_it_goes_with_it():
    async def test(w: World):
        made = await w.conversations.fresh()
        await w.conversations.trash(made.id)
        return w.engine.forgotten, cache_tag(made.id)

    forgotten, tag = run(test)
    assert forgotten == [tag]


def test_what_cannot_be_forgotten_is_said():
    async def test(w: World):
        async def forget(tag: str) -> None:
            raise EngineError(f"{tag} is stuck")

        w.conversations._forget = forget
        made = await w.conversations.fresh()
        await w.conversations.trash(made.id)
        return [fact for fact in w.facts if isinstance(fact, Trouble)]

    (trouble,) = run(test)
    assert trouble.error.title == "conversation-1 is stuck"


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


def advised(model: LocalModel) -> LocalModel:
    """The same with advice in its file."""
    advice = (("temperature", 0.6), ("top_k", 20.0), ("xtc_probability", 0.5))
    return replace(model, facts=replace(model.facts, sampling=advice))


def test_new_conversations_start_with_what_the_file_recommends():
    async def test(w: World):
        untouched = await w.conversations.fresh()
        w.shelf.files["other"] = advised(w.shelf.files["other"])
        await w.models.open_file("other")
        again = await w.conversations.fresh()
        assert again.id == untouched.id, "it is used again, with the new model's advice"
        assert (await w.conversations.open(again.id)).params == again.params
        return again.params.sampling

    sampling = run(test)
    assert (sampling.temperature, sampling.top_k, sampling.xtc_probability) == (0.6, 20, 0.5)
    assert sampling.top_p == 0.95


def test_ones_own_settings_come_before_what_the_file_recommends():
    chat = ChatSettings(temperature=0.1)
    sampling = starting_params(chat, advised(local_model("m"))).sampling
    assert (sampling.temperature, sampling.top_k) == (0.1, 20)


def test_what_was_set_in_an_untouched_conversation_stays():
    async def test(w: World):
        made = await w.conversations.fresh()
        own = replace(made.params, stop=("END",))
        await w.conversations.set_params(made.id, own)
        w.shelf.files["other"] = advised(w.shelf.files["other"])
        await w.models.open_file("other")
        return (await w.conversations.fresh()).params == own

    assert run(test)


def test_what_was_answered_is_found():
    async def test(w: World):
        w.engine.replies.append(text("The Danube flows east."))
        made = await w.conversations.fresh()
        await w.chat.send(made.id, "Which river?")
        await w.until_answered()
        return [hit.conversation_id == made.id for hit in await w.conversations.search("danube")]

    assert run(test) == [True]


def test_the_policy_of_the_settings_is_that_of_a_new_conversation():
    assert starting_params(ChatSettings(), None).overflow is Overflow.DROP_OLDEST
    assert starting_params(ChatSettings(overflow="stop"), None).overflow is Overflow.STOP
