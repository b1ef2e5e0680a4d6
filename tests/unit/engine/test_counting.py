"""Counting what would be sent, beside whatever the engine does."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from app.domain.errors import EngineCrashed, NothingLoaded, TemplateBroken
from app.domain.generation import (
    CountRequest,
    FinishReason,
    Role,
    Switches,
    TextDelta,
    TokenCount,
    Turn,
)
from app.domain.overflow import Overflow
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Rig, collect, new_id, user
from tests.helpers.gguf_files import babbler

pytestmark = pytest.mark.native_model

STORY = "Write a long story about a fox and a lighthouse."


def counting(rig: Rig, draft: str = STORY) -> CountRequest:
    return CountRequest(rig.path, (), draft, overflow=Overflow.DROP_OLDEST)


def count(rig: Rig, draft: str = STORY) -> TokenCount:
    return rig.run(rig.engine.count_tokens(counting(rig, draft)))


def test_the_count_is_the_prompt_that_is_sent_then(shared: Rig) -> None:
    counted = count(shared)
    assert counted.sent == shared.ask(STORY, max_tokens=1).last.stats.prompt_tokens
    assert (counted.context_length, counted.reserved) == (8192, 1024)


def test_a_running_answer_is_not_waited_for(shared: Rig) -> None:
    async def go() -> tuple[bool, FinishReason]:
        request_id, writing = new_id(), asyncio.Event()

        def heard(event: object) -> None:
            if isinstance(event, TextDelta):
                writing.set()

        answer = asyncio.ensure_future(collect(shared.generate(STORY, request_id), heard))
        await writing.wait()
        for _ in range(5):
            await shared.engine.count_tokens(counting(shared))
        still_running = not answer.done()
        shared.engine.cancel(request_id)
        return still_running, (await answer).reason

    assert shared.run(go()) == (True, FinishReason.CANCELLED)


def test_counts_come_in_order(shared: Rig) -> None:
    async def go() -> list[TokenCount]:
        drafts = ["a" * length for length in (1, 50, 400)]
        asked = (shared.engine.count_tokens(counting(shared, draft)) for draft in drafts)
        return list(await asyncio.gather(*asked))

    drafts = [counted.draft for counted in shared.run(go())]
    assert drafts == sorted(set(drafts))


def test_without_a_model_nothing_is_counted(fresh: Rig, tmp_path: Path) -> None:
    with pytest.raises(NothingLoaded):
        count(fresh)
    fresh.load_well(babbler(tmp_path / "babbler.gguf"))
    assert count(fresh, "abc").draft > 0
    fresh.load(tmp_path / "absent.gguf")
    with pytest.raises(NothingLoaded):
        count(fresh)


def test_a_template_that_fails_is_told(fresh: Rig, tmp_path: Path) -> None:
    broken = {"tokenizer.chat_template": "{{ raise_exception('only on Sundays') }}"}
    fresh.load_well(babbler(tmp_path / "babbler.gguf", broken))
    with pytest.raises(TemplateBroken):
        count(fresh)


def test_a_template_that_does_not_compile_is_told(fresh: Rig, tmp_path: Path) -> None:
    broken = {"tokenizer.chat_template": "{% if %}"}
    fresh.load_well(babbler(tmp_path / "babbler.gguf", broken))
    with pytest.raises(TemplateBroken):
        count(fresh)


def test_any_text_can_be_counted(shared: Rig) -> None:
    for text in ("\ud800", "\x00", "", "<|im_end|>", "a" * 1_000_000):
        assert count(shared, text).sent > 0
    assert not count(shared, "a" * 1_000_000).fits


@pytest.mark.skipif(os.name != "posix", reason="processes are ended by signals")
def test_a_host_that_dies_ends_the_count(hosted: Rig, tmp_path: Path) -> None:
    hosted.load_well(babbler(tmp_path / "babbler.gguf"))

    async def go() -> None:
        assert isinstance(hosted.engine, HostEngine)
        assert hosted.engine.host_pid is not None
        asked = asyncio.ensure_future(
            hosted.engine.count_tokens(counting(hosted, "word " * 200_000))
        )
        await asyncio.sleep(0.05)
        os.kill(hosted.engine.host_pid, signal.SIGKILL)
        await asked

    with pytest.raises(EngineCrashed):
        hosted.run(go())


def test_what_fills_the_context_is_trimmed_and_told(fresh: Rig, starter: Path) -> None:
    fresh.load_well(starter, context_length=256)
    turns = (*user("First. " * 60), Turn(Role.ASSISTANT, "Second. " * 60), *user("And now?"))
    events = fresh.ask(turns, max_tokens=2, overflow=Overflow.DROP_OLDEST)
    assert events.last.stats.left_out == 2
    assert {progress.left_out for progress in events.progress} == {2}


SWITCHED = (
    "{% for m in messages %}{{ m.content }}{% endfor %}"
    "{% if enable_thinking is defined and not enable_thinking %}(quiet){% endif %}"
    "{% if reasoning_effort is defined %}({{ reasoning_effort }}){% endif %}"
)


def test_the_switches_of_a_model_are_told_and_reach_its_prompt(fresh: Rig, tmp_path: Path) -> None:
    template = {"tokenizer.chat_template": SWITCHED}
    info = fresh.load_well(babbler(tmp_path / "babbler.gguf", template)).info
    assert (info.switches_thinking, info.efforts) == (True, ("low", "medium", "high"))
    lengths = [
        fresh.ask("abc", max_tokens=1, switches=switches).last.stats.prompt_tokens
        for switches in (Switches(), Switches(thinking=False), Switches(True, "low"))
    ]
    added = [length - lengths[0] for length in lengths]
    assert added == [0, len("(quiet)"), len("(low)")]
