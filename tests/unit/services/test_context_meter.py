"""What the context meter asks for."""

from __future__ import annotations

from app.domain.conversation import ChatParams
from app.domain.generation import CountRequest, Role, Switches, Turn
from app.domain.overflow import Overflow
from app.services.context_meter import ContextMeterService
from tests.helpers.scripted_engine import text
from tests.unit.services.world import World, run

PARAMS = ChatParams("Be kind", max_tokens=9, overflow=Overflow.STOP, switches=Switches(True))


def test_nothing_is_counted_while_nothing_is_loaded():
    async def test(w: World):
        return await ContextMeterService(w.engine, w.models).count(
            [], PARAMS, "Hi"
        ), w.engine.counted

    assert run(test) == (None, [])


def test_what_would_be_sent_is_counted():
    async def test(w: World):
        w.engine.replies.append(text("ok"))
        conversation = await w.conversations.fresh()
        await w.chat.send(conversation.id, "Hello")
        await w.until_answered()
        path = await w.conversations.path(conversation.id)
        count = await ContextMeterService(w.engine, w.models).count(path, PARAMS, "two words")
        return count, w.engine.counted

    count, counted = run(test)
    turns = (Turn(Role.SYSTEM, "Be kind"), Turn(Role.USER, "Hello"), Turn(Role.ASSISTANT, "ok"))
    assert counted == [
        CountRequest("starter", turns, "two words", 9, Overflow.STOP, Switches(True))
    ]
    assert count is not None
    assert count.draft == 2


def test_another_model_than_the_loaded_one_is_not_counted_with():
    async def test(w: World):
        await w.models.load()
        await w.models.open_file("other")
        return await ContextMeterService(w.engine, w.models).count([], PARAMS, "Hi")

    assert run(test) is None
