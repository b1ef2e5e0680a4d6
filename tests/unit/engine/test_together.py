"""Answers that run at the same time, in an engine of each kind.

Beside others an answer's rows share batches with theirs, and llama.cpp computes other last bits in
a batch of another size (see `app.engine.cells`), so texts are not compared here; how far an answer
may stray, `test_scheduler` holds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from app.domain import errors
from app.domain.fit import SEQUENCES
from app.domain.generation import FinishReason, Loaded, PromptProgress, TextDelta
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Events, Rig, collect, new_id, unread

pytestmark = pytest.mark.native_model

STORY = "Write a long story about a fox and a lighthouse."
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "
LONG_TEXT = SENTENCE * 280
"""Some 4,000 tokens."""
MIDDLE_TEXT = SENTENCE * 20
"""Some 280 tokens."""


async def after(seen: asyncio.Event, work: Any) -> Any:
    """Run a coroutine once something was seen."""
    await seen.wait()
    return await work


def sees(kind: type[Any], seen: asyncio.Event) -> Any:
    """A listener that notes the first event of a kind."""

    def heard(event: Any) -> None:
        if isinstance(event, kind):
            seen.set()

    return heard


@pytest.mark.parametrize("count", [2, 4])
def test_answers_stream_side_by_side(shared: Rig, count: int) -> None:
    async def go() -> tuple[list[str], list[Events]]:
        order: list[str] = []

        async def one(name: str) -> Events:
            def heard(event: Any) -> None:
                if isinstance(event, TextDelta):
                    order.append(name)

            return await collect(shared.generate(unread(STORY), max_tokens=40), heard)

        return order, await asyncio.gather(*(one(str(number)) for number in range(count)))

    order, answers = shared.run(go())
    assert all(events.last.stats.answer_tokens == 40 for events in answers)
    last_beginning = max(order.index(str(number)) for number in range(count))
    first_end = min(len(order) - order[::-1].index(str(number)) for number in range(count))
    assert last_beginning < first_end


def test_each_answer_has_its_own_limits_and_stops(shared: Rig) -> None:
    whole = shared.ask(STORY, max_tokens=30).text
    stop = whole[25:30]

    async def go() -> list[Events]:
        return [
            *await asyncio.gather(
                shared.ask_coroutine(STORY, max_tokens=30, stop=(stop,)),
                shared.ask_coroutine(unread(STORY), max_tokens=5),
                shared.ask_coroutine(unread(STORY), max_tokens=25),
            )
        ]

    stopped, short, long = shared.run(go())
    assert stopped.reason is FinishReason.STOP
    assert stop not in stopped.text
    assert [e.last.stats.answer_tokens for e in (short, long)] == [5, 25]
    assert [e.reason for e in (short, long)] == [FinishReason.LENGTH] * 2


def test_more_answers_than_there_is_room_for_wait_in_order(shared: Rig) -> None:
    async def go() -> list[int]:
        ended: list[int] = []

        async def one(number: int) -> None:
            await collect(shared.generate(unread("Hello."), max_tokens=4))
            ended.append(number)

        await asyncio.gather(*(one(number) for number in range(2 * SEQUENCES + 1)))
        return ended

    ended = shared.run(go())
    assert sorted(ended) == list(range(2 * SEQUENCES + 1))
    assert ended[-1] == 2 * SEQUENCES


def test_a_request_that_waits_is_cancelled_at_once(shared: Rig) -> None:
    async def go() -> tuple[bool, Events]:
        ids = [new_id() for _ in range(SEQUENCES + 1)]
        running = [
            asyncio.ensure_future(collect(shared.generate(unread(STORY), request_id)))
            for request_id in ids[:-1]
        ]
        waiting = asyncio.ensure_future(collect(shared.generate(STORY, ids[-1])))
        await asyncio.sleep(0)
        shared.engine.cancel(ids[-1])
        events = await waiting
        still_running = not any(task.done() for task in running)
        for request_id in ids[:-1]:
            shared.engine.cancel(request_id)
        await asyncio.gather(*running)
        return still_running, events

    still_running, events = shared.run(go())
    assert still_running
    assert (events.reason, events.text) == (FinishReason.CANCELLED, "")


def test_a_cancel_leaves_the_other_answer_alone(shared: Rig) -> None:
    question = unread("Name three colours.")

    async def go() -> tuple[Events, Events]:
        request_id, seen = new_id(), asyncio.Event()

        async def stop() -> None:
            shared.engine.cancel(request_id)

        kept, cancelled, _ = await asyncio.gather(
            collect(shared.generate(question, max_tokens=30), sees(TextDelta, seen)),
            collect(shared.generate(question, request_id)),
            after(seen, stop()),
        )
        return kept, cancelled

    kept, cancelled = shared.run(go())
    assert cancelled.reason is FinishReason.CANCELLED
    assert kept.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert kept.text


def test_a_cancel_beside_a_long_prompt_is_heard_soon(shared: Rig) -> None:
    """The bar is 150 ms (`dev.py bench engine`); here with room for a busy machine."""

    async def go() -> float:
        reading, story = new_id(), new_id()
        seen = asyncio.Event()
        one = asyncio.ensure_future(
            collect(shared.generate(unread(LONG_TEXT), reading), sees(PromptProgress, seen))
        )
        other = asyncio.ensure_future(collect(shared.generate(unread(STORY), story)))
        await seen.wait()
        began = time.perf_counter()
        shared.engine.cancel(reading)
        await one
        took = time.perf_counter() - began
        shared.engine.cancel(story)
        await other
        return took

    assert shared.run(go()) < 1.0


def test_a_long_prompt_does_not_freeze_a_running_answer(shared: Rig) -> None:
    """The bar is 250 ms (`dev.py bench engine`); here it only has to go on."""

    async def go() -> tuple[int, bool]:
        writing, reading = new_id(), new_id()
        seen, read = asyncio.Event(), asyncio.Event()
        pieces = 0

        def heard(event: Any) -> None:
            nonlocal pieces
            seen.set()
            pieces += isinstance(event, TextDelta) and not read.is_set()

        answer = asyncio.ensure_future(collect(shared.generate(unread(STORY), writing), heard))
        await seen.wait()
        began_at = pieces
        prompt = asyncio.ensure_future(
            collect(shared.generate(unread(MIDDLE_TEXT), reading, max_tokens=1))
        )
        await prompt
        read.set()
        ran_on = not answer.done()
        shared.engine.cancel(writing)
        await answer
        return pieces - began_at, ran_on

    pieces, ran_on = shared.run(go())
    assert pieces >= 3 or not ran_on


def test_a_full_context_ends_one_answer_and_not_the_other(fresh: Rig, starter: Path) -> None:
    fresh.load_well(starter, context_length=256)

    async def go() -> tuple[Events, Events]:
        return await asyncio.gather(
            fresh.ask_coroutine("Count from one to one thousand in words, without a pause."),
            fresh.ask_coroutine("Name three colours.", max_tokens=60),
        )

    full, other = fresh.run(go())
    assert full.reason is FinishReason.CONTEXT
    stats = full.last.stats
    assert stats.prompt_tokens + stats.answer_tokens in (256, 257)
    assert other.reason in (FinishReason.LENGTH, FinishReason.STOP)


def test_closing_cancels_all_that_run_and_wait(fresh: Rig, starter: Path) -> None:
    fresh.load_well(starter, context_length=1024)

    async def go() -> list[Events]:
        running = [asyncio.ensure_future(collect(fresh.generate(unread(STORY)))) for _ in range(6)]
        await asyncio.sleep(0.3)
        await fresh.engine.close()
        return await asyncio.gather(*running)

    assert {events.reason for events in fresh.run(go())} == {FinishReason.CANCELLED}


def test_a_load_waits_for_the_answers_before_it(fresh: Rig, starter: Path) -> None:
    fresh.load_well(starter, context_length=1024)

    async def go() -> tuple[Events, Events, Events, Events]:
        return await asyncio.gather(
            fresh.ask_coroutine(STORY, max_tokens=20),
            fresh.ask_coroutine(unread(STORY), max_tokens=10),
            fresh.load_coroutine(starter, context_length=512),
            fresh.ask_coroutine(STORY, max_tokens=5),
        )

    first, second, load, after_it = fresh.run(go())
    assert [e.last.stats.answer_tokens for e in (first, second, after_it)] == [20, 10, 5]
    assert isinstance(load.last, Loaded)
    assert after_it.last.stats.cached_tokens == 0


def test_a_prompt_that_cannot_be_answered_leaves_the_others_alone(shared: Rig) -> None:
    async def go() -> tuple[Events, Events]:
        return await asyncio.gather(
            shared.ask_coroutine(unread(STORY), max_tokens=20),
            shared.ask_coroutine("a" * 1_000_000),
        )

    answer, refused = shared.run(go())
    assert answer.last.stats.answer_tokens == 20
    assert isinstance(refused.error, errors.PromptTooLong)


@pytest.mark.skipif(os.name != "posix", reason="processes are ended by signals")
def test_a_host_that_dies_fails_every_answer_on_its_own(hosted: Rig, starter: Path) -> None:
    hosted.load_well(starter, context_length=1024)

    async def go() -> list[Events]:
        seen = asyncio.Event()

        async def kill() -> None:
            assert isinstance(hosted.engine, HostEngine)
            assert hosted.engine.host_pid is not None
            os.kill(hosted.engine.host_pid, signal.SIGKILL)

        *answers, _ = await asyncio.gather(
            collect(hosted.generate(unread(STORY)), sees(TextDelta, seen)),
            collect(hosted.generate(unread(STORY))),
            collect(hosted.generate(unread(STORY))),
            after(seen, kill()),
        )
        return answers

    failures = [events.error for events in hosted.run(go())]
    assert [type(error) for error in failures] == [errors.EngineCrashed] * 3
    assert len({id(error) for error in failures}) == 3
