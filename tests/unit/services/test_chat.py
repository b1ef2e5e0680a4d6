"""Sending, answering, stopping, failing: what is kept and what is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.domain.conversation import ChatParams, Message, MessageStatus, cache_tag
from app.domain.errors import DiskFull, EngineCrashed, StoreError, UsageError
from app.domain.facts import (
    AnswerEnded,
    AnswerGrew,
    AnswerProgress,
    AnswerStarted,
    PathChanged,
    Trouble,
    TroubleOver,
)
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    PartKind,
    PromptProgress,
    Role,
    RunStats,
    Switches,
    TextDelta,
    Turn,
)
from app.domain.overflow import Overflow
from app.store.sqlite_store import SqliteStore
from tests.helpers.scripted_engine import text
from tests.unit.services.world import World, run, world


async def ask(w: World, question: str = "Why?", conversation: int | None = None) -> int:
    if conversation is None:
        conversation = (await w.conversations.fresh()).id
    await w.chat.send(conversation, question)
    return conversation


def test_an_answer_is_kept_with_its_run():
    async def test(w: World):
        w.engine.replies.append(text("Be", "cause."))
        conversation = await ask(w)
        await w.until_answered()
        return await w.store.path(conversation)

    question, answer = run(test)
    assert (question.role, question.text, question.status) == (
        Role.USER,
        "Why?",
        MessageStatus.DONE,
    )
    assert (answer.text, answer.status) == ("Because.", MessageStatus.DONE)
    assert answer.run is not None
    assert (answer.run.model_name, answer.run.finish) == ("starter", FinishReason.STOP)
    assert answer.run.stats.answer_tokens == 2


def test_a_running_answer_says_already_who_answers():
    async def test(w: World):
        w.engine.hold = asyncio.Event()
        w.engine.replies.append(text("x"))
        conversation = await ask(w)
        live = w.chat.live(conversation)
        w.engine.hold.set()
        await w.until_answered()
        return live

    live = run(test)
    assert live is not None
    assert live.run is not None
    assert live.run.model_name == "starter"


def test_the_facts_come_in_order():
    async def test(w: World):
        w.engine.replies.append([PromptProgress(2, 4, 0), *text("Hi")])
        await ask(w)
        await w.until_answered()
        kinds = (PathChanged, AnswerStarted, AnswerProgress, AnswerGrew, AnswerEnded)
        return [type(fact) for fact in w.facts if isinstance(fact, kinds)]

    assert run(test) == [PathChanged, AnswerStarted, AnswerProgress, AnswerGrew, AnswerEnded]


def test_the_message_is_on_disk_when_send_returns():
    async def test(w: World):
        w.engine.hold = asyncio.Event()
        w.engine.replies.append(text("x"))
        conversation = await ask(w)
        path = await w.store.path(conversation)
        w.chat.stop(conversation)
        await w.until_answered()
        return [(m.role, m.status) for m in path]

    assert run(test) == [
        (Role.USER, MessageStatus.DONE),
        (Role.ASSISTANT, MessageStatus.STREAMING),
    ]


def test_stop_keeps_the_partial_text_and_marks_it():
    async def test(w: World):
        w.engine.hold = asyncio.Event()
        w.engine.replies.append(text("par", "tial"))
        conversation = await ask(w)
        await w.until(lambda: any(isinstance(fact, AnswerGrew) for fact in w.facts))
        w.chat.stop(conversation)
        await w.until_answered()
        return await w.last(conversation)

    answer = run(test)
    assert answer.status is MessageStatus.STOPPED
    assert answer.text.startswith("par")
    assert answer.run is not None
    assert answer.run.finish is FinishReason.CANCELLED


def test_stop_during_a_load_ends_the_answer_at_once():
    async def test(w: World):
        w.engine.hold_load = asyncio.Event()
        conversation = await ask(w)
        await w.until(lambda: bool(w.engine.asked_to_load))
        w.chat.stop(conversation)
        await w.until(lambda: not w.chat.is_answering(conversation))
        answer = await w.last(conversation)
        w.engine.hold_load.set()
        return answer, w.engine.generated

    answer, generated = run(test)
    assert (answer.status, generated) == (MessageStatus.STOPPED, [])


def test_a_crash_keeps_the_text_and_the_next_message_works():
    crash = EngineCrashed("The engine stopped unexpectedly", "SIGSEGV", "Send again.")

    async def test(w: World):
        w.engine.replies.append([TextDelta(PartKind.TEXT, "Half an"), Failed(crash)])
        w.engine.replies.append(text("Whole."))
        conversation = await ask(w)
        ended = await w.until_answered()
        failed = await w.last(conversation)
        await ask(w, "Again?", conversation)
        await w.until_answered()
        return ended, failed, await w.last(conversation), len(w.engine.asked_to_load)

    ended, failed, second, loads = run(test)
    assert (failed.text, failed.status) == ("Half an", MessageStatus.FAILED)
    assert ended.error is crash
    assert failed.run is not None
    assert failed.run.error_title == "The engine stopped unexpectedly"
    assert (second.text, loads) == ("Whole.", 2)


def test_regenerate_makes_a_sibling_and_loses_nothing():
    async def test(w: World):
        w.engine.replies.extend([text("one"), text("two")])
        conversation = await ask(w)
        await w.until_answered()
        first = await w.last(conversation)
        await w.chat.regenerate(first.id)
        await w.until_answered()
        second = await w.last(conversation)
        await w.conversations.show_sibling(first.id)
        return first, second, await w.last(conversation), w.engine.generated

    first, second, shown, generated = run(test)
    assert (first.text, second.text, shown.text) == ("one", "two", "one")
    assert second.sibling_ids == (first.id, second.id)
    assert generated[0].turns == generated[1].turns == (Turn(Role.USER, "Why?"),)
    assert generated[0].cache_tag == generated[1].cache_tag == cache_tag(first.conversation_id)


def test_the_system_prompt_and_parameters_of_the_conversation_are_used():
    async def test(w: World):
        w.engine.replies.append(text("ok"))
        conversation = await w.conversations.fresh()
        params = replace(conversation.params, system_prompt="Be brief.", max_tokens=9)
        await w.conversations.set_params(conversation.id, params)
        await w.chat.send(conversation.id, "Why?")
        await w.until_answered()
        return w.engine.generated[0]

    request = run(test)
    assert request.turns == (Turn(Role.SYSTEM, "Be brief."), Turn(Role.USER, "Why?"))
    assert request.max_tokens == 9


def test_a_second_message_while_answering_is_refused():
    async def test(w: World):
        w.engine.hold = asyncio.Event()
        w.engine.replies.append(text("x"))
        conversation = await ask(w)
        with pytest.raises(UsageError):
            await w.chat.send(conversation, "And?")
        w.chat.stop(conversation)
        await w.until_answered()
        return [message.text for message in await w.store.path(conversation)]

    assert run(test)[0] == "Why?"


def test_two_conversations_are_answered_at_the_same_time():
    async def test(w: World):
        w.engine.hold = asyncio.Event()
        w.engine.replies.extend([text("one", "."), text("two", ".")])
        first, second = await ask(w, "First?"), await ask(w, "Second?")

        def both_have_written() -> bool:
            lives = (w.chat.live(first), w.chat.live(second))
            return all(live is not None and live.text.endswith(".") for live in lives)

        await w.until(both_have_written)
        w.chat.stop(first)
        await w.until(lambda: not w.chat.is_answering(first))
        still_answering = w.chat.is_answering(second)
        w.engine.hold.set()
        await w.until_answered()
        return still_answering, await w.last(first), await w.last(second)

    still_answering, stopped, done = run(test)
    assert still_answering
    assert (stopped.text, stopped.status) == ("one.", MessageStatus.STOPPED)
    assert (done.text, done.status) == ("two.", MessageStatus.DONE)


def test_live_shows_what_has_come_so_far():
    async def test(w: World):
        w.engine.hold = asyncio.Event()
        w.engine.replies.append(text("so", " far"))
        conversation = await ask(w)
        await w.until(
            lambda: (live := w.chat.live(conversation)) is not None and len(live.text) > 5
        )
        live = w.chat.live(conversation)
        w.engine.hold.set()
        await w.until_answered()
        return live, w.chat.live(conversation)

    live, after = run(test)
    assert live is not None
    assert (live.text, after) == ("so far", None)


def test_the_first_answer_gives_the_title_and_a_person_keeps_theirs():
    async def test(w: World):
        w.engine.replies.extend([text("x"), text("y")])
        conversation = await ask(w, "How do tides work?")
        await w.until_answered()
        automatic = (await w.conversations.open(conversation)).title
        await w.conversations.rename(conversation, "  The   sea ")
        await ask(w, "And the moon?", conversation)
        await w.until_answered()
        return automatic, (await w.conversations.open(conversation)).title

    automatic, own = run(test)
    assert "tides" in automatic
    assert own == "The sea"


class FullDisk(SqliteStore):
    """A store whose disk is full while `full` is set."""

    def __init__(self) -> None:
        super().__init__(None)
        self.full = False

    async def append(self, message_id: int, kind: PartKind, text: str) -> None:
        self._check()
        await super().append(message_id, kind, text)

    async def add_turn(
        self, conversation_id: int, parent_id: int | None, text: str, now: int
    ) -> tuple[Message, Message]:
        self._check()
        return await super().add_turn(conversation_id, parent_id, text, now)

    def _check(self) -> None:
        if self.full:
            raise DiskFull("The disk is full", remedy="Free some space.")


def test_a_full_disk_refuses_the_message():
    async def main():
        disk = FullDisk()
        async with world(disk) as w:
            conversation = await w.conversations.fresh()
            disk.full = True
            with pytest.raises(StoreError):
                await w.chat.send(conversation.id, "Lost?")
            return await w.store.path(conversation.id)

    assert asyncio.run(main()) == []


def test_a_disk_that_fills_up_stops_the_answer_and_keeps_trying(monkeypatch):
    monkeypatch.setattr("app.services.answer_log.RETRY", 0.01)

    async def main():
        disk = FullDisk()
        async with world(disk) as w:
            w.engine.hold = asyncio.Event()
            w.engine.replies.append(text("shown"))
            conversation = await w.conversations.fresh()
            await w.chat.send(conversation.id, "Why?")
            disk.full = True
            await w.until(lambda: any(isinstance(fact, AnswerEnded) for fact in w.facts))
            ended = [fact for fact in w.facts if isinstance(fact, AnswerEnded)][-1]
            disk.full = False
            await w.tasks.drain()
            return ended, await w.last(conversation.id), w.facts

    ended, answer, facts = asyncio.run(main())
    assert ended.status is MessageStatus.FAILED
    assert isinstance(ended.error, DiskFull)
    assert (answer.text, answer.status) == ("shown", MessageStatus.FAILED)
    troubles = [type(fact) for fact in facts if isinstance(fact, Trouble | TroubleOver)]
    assert troubles == [Trouble, TroubleOver]


def test_a_failed_empty_answer_leaves_one_question_for_the_template():
    async def test(w: World):
        w.engine.replies.append([Failed(EngineCrashed("It died"))])
        w.engine.replies.append(text("ok"))
        conversation = await ask(w, "First?")
        await w.until_answered()
        await ask(w, "Second?", conversation)
        await w.until_answered()
        return w.engine.generated[1].turns

    assert run(test) == (Turn(Role.USER, "First?\n\nSecond?", messages=2),)


def test_the_policy_and_the_switches_reach_the_engine():
    params = ChatParams(overflow=Overflow.KEEP_ENDS, switches=Switches(False, "low"))

    async def test(w: World):
        w.engine.replies.append(text("ok"))
        conversation = await w.conversations.fresh()
        await w.conversations.set_params(conversation.id, params)
        await w.chat.send(conversation.id, "Hi")
        await w.until_answered()
        return w.engine.generated[0]

    request = run(test)
    assert (request.overflow, request.switches) == (params.overflow, params.switches)


def test_what_was_left_out_is_told_while_it_is_read_and_kept_with_the_run():
    async def test(w: World):
        stats = RunStats(left_out=12, shifted_tokens=300)
        w.engine.replies.append([PromptProgress(1, 2, 0, 12), Finished(FinishReason.STOP, stats)])
        conversation = await ask(w, "Hi")
        await w.until_answered()
        message = await w.last(conversation)
        told = [fact.left_out for fact in w.facts if isinstance(fact, AnswerProgress)]
        return told, message.run

    told, run_kept = run(test)
    assert told == [12]
    assert run_kept is not None
    assert (run_kept.stats.left_out, run_kept.stats.shifted_tokens) == (12, 300)


def test_what_was_left_out_of_an_answer_that_failed_is_said_too():
    async def test(w: World):
        w.engine.replies.append([PromptProgress(1, 2, 0, 12), Failed(EngineCrashed("It died"))])
        conversation = await ask(w, "Hi")
        await w.until_answered()
        return (await w.last(conversation)).run

    failed = run(test)
    assert failed is not None
    assert failed.stats.left_out == 12
