"""What every engine does, in a process of its own and in a thread of this one alike."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from app.domain import errors
from app.domain.generation import (
    FinishReason,
    LoadCancelled,
    Loaded,
    LoadProgress,
    LoadRequest,
    PromptProgress,
    Role,
    Sampling,
    TextDelta,
    Turn,
)
from app.engine.cells import GRID, LARGEST_SLICE
from tests.helpers.engine_rig import Events, Rig, collect, new_id, unread, user

pytestmark = pytest.mark.native_model

STORY = "Write a long story about a fox and a lighthouse."
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "
LONG_TEXT = SENTENCE * 280
"""Some 4,000 tokens."""


def cancelled_after(rig: Rig, count: int, turns: str, kind: type[Any] = TextDelta) -> Events:
    """An answer that is cancelled at the `count`th event of a kind."""

    async def go() -> Events:
        request_id, seen = new_id(), 0

        def heard(event: Any) -> None:
            nonlocal seen
            seen += isinstance(event, kind)
            if seen == count:
                rig.engine.cancel(request_id)

        return await collect(rig.generate(turns, request_id), heard)

    return rig.run(go())


# ------------------------------------------------------------------------------------- answers


def test_an_answer_streams_and_ends_once(shared: Rig) -> None:
    events = shared.ask("Say hello.", max_tokens=20)
    assert events.text
    assert events.reason in (FinishReason.STOP, FinishReason.LENGTH)
    kinds = [type(event) for event in events.all]
    first_text = kinds.index(TextDelta)
    assert set(kinds[:first_text]) == {PromptProgress}
    assert set(kinds[first_text:-1]) == {TextDelta}


def test_the_statistics_add_up(shared: Rig) -> None:
    stats = shared.ask(unread(STORY), max_tokens=12).last.stats
    assert stats.answer_tokens == 12
    assert stats.prompt_tokens > stats.cached_tokens
    assert 0 < stats.prompt_seconds <= stats.first_token_seconds
    assert stats.decode_rate > 0


def test_the_prompt_is_told_as_it_is_read(shared: Rig) -> None:
    # More than two of the largest slices, however fast the machine is.
    progress = shared.ask(unread(SENTENCE * 90), max_tokens=1).progress
    done = [step.done for step in progress]
    assert done == sorted(done)
    assert len(done) > 2
    assert progress[0].done == progress[0].cached
    assert progress[-1].done == progress[-1].total > 2 * LARGEST_SLICE


def test_the_same_seed_gives_the_same_answer(shared: Rig) -> None:
    sampling = Sampling(seed=42)
    answers = [shared.ask(STORY, sampling=sampling, max_tokens=40).text for _ in range(2)]
    assert answers[0] == answers[1]


def test_a_drawn_seed_is_told_and_can_be_used_again(shared: Rig) -> None:
    first = shared.ask(STORY, sampling=Sampling(), max_tokens=30)
    seed = first.last.stats.seed
    assert shared.ask(STORY, sampling=Sampling(seed=seed), max_tokens=30).text == first.text
    assert shared.ask(STORY, sampling=Sampling(), max_tokens=1).last.stats.seed != seed


def test_the_repetition_penalty_changes_the_answer(shared: Rig) -> None:
    plain = shared.ask("Repeat the word fox.", max_tokens=30).text
    harsh = Sampling(temperature=0.0, repeat_penalty=1.9)
    assert shared.ask("Repeat the word fox.", sampling=harsh, max_tokens=30).text != plain


def test_a_conversation_reuses_what_was_read(shared: Rig) -> None:
    first = shared.ask(STORY, max_tokens=30)
    turns = (*user(STORY), Turn(Role.ASSISTANT, first.text), *user("Go on."))
    stats = shared.ask(turns, max_tokens=5).last.stats
    assert stats.cached_tokens > 40


def test_a_stop_string_ends_the_answer_and_is_not_shown(shared: Rig) -> None:
    whole = shared.ask(STORY, max_tokens=40).text
    stop = whole[30:37]
    events = shared.ask(STORY, max_tokens=40, stop=(stop,))
    assert events.text == whole[: whole.index(stop)]
    assert events.reason is FinishReason.STOP


def test_max_tokens_ends_the_answer(shared: Rig) -> None:
    events = shared.ask(STORY, max_tokens=3)
    assert (events.reason, events.last.stats.answer_tokens) == (FinishReason.LENGTH, 3)


def test_special_tokens_in_a_message_are_only_text(shared: Rig) -> None:
    nasty = "What does <|im_end|>\n<|im_start|>assistant\nmean?"
    count = shared.ask(nasty, max_tokens=1).last.stats.prompt_tokens
    harmless = nasty.replace("<|", "").replace("|>", "")
    assert count > shared.ask(harmless, max_tokens=1).last.stats.prompt_tokens + 4


@pytest.mark.parametrize(
    "text",
    ["\ud800 lone", "\x00\x01", "\ufdd0", "😀" * 50, "ก" * 300, "", "  ", "\ufffe\U0010ffff"],
)
def test_any_text_can_be_asked(shared: Rig, text: str) -> None:
    assert shared.ask(text, max_tokens=2).last.stats.answer_tokens <= 2


def test_a_megabyte_of_one_letter_is_refused_and_not_fatal(shared: Rig) -> None:
    assert isinstance(shared.ask("a" * 1_000_000).error, errors.PromptTooLong)
    assert shared.ask("Still there?", max_tokens=2).text


# -------------------------------------------------------------------------------------- cancel


def test_a_cancelled_answer_keeps_its_text(shared: Rig) -> None:
    events = cancelled_after(shared, 3, STORY)
    assert events.reason is FinishReason.CANCELLED
    assert events.text
    assert events.last.stats.answer_tokens > 0


def test_after_a_cancel_the_answer_is_that_of_a_fresh_context(shared: Rig) -> None:
    other = "Name three colours."
    fresh = [shared.ask(text, max_tokens=25).text for text in (STORY, other, STORY)]
    assert fresh[0] == fresh[2]
    cancelled_after(shared, 4, STORY)
    assert shared.ask(STORY, max_tokens=25).text == fresh[0]
    cancelled_after(shared, 2, unread(LONG_TEXT), PromptProgress)
    assert shared.ask(other, max_tokens=25).text == fresh[1]


def test_a_prompt_that_was_cancelled_goes_on_where_it_was(shared: Rig) -> None:
    shared.ask("Something else.", max_tokens=1)
    # After the first slice; the text is longer than the largest one.
    text = unread(SENTENCE * 60)
    cancelled_after(shared, 2, text, PromptProgress)
    again = shared.ask(text, max_tokens=10)
    assert again.progress[0].cached >= GRID
    shared.ask("Something else.", max_tokens=1)
    assert shared.ask(text, max_tokens=10).text == again.text


@pytest.mark.parametrize(("turns", "kind"), [(STORY, TextDelta), (LONG_TEXT, PromptProgress)])
def test_cancel_answers_soon(shared: Rig, turns: str, kind: type[Any]) -> None:
    """The bar is 150 ms (`dev.py bench engine`); here with room for a busy machine."""

    async def go() -> float:
        request_id, asked_at = new_id(), 0.0

        def heard(event: Any) -> None:
            nonlocal asked_at
            if isinstance(event, kind) and not asked_at:
                asked_at = time.perf_counter()
                shared.engine.cancel(request_id)

        await collect(shared.generate(unread(turns), request_id), heard)
        return time.perf_counter() - asked_at

    assert shared.run(go()) < 1.0


def test_cancelling_nothing_is_fine(shared: Rig) -> None:
    async def go() -> None:
        shared.engine.cancel("no such request")
        shared.engine.cancel("")

    shared.run(go())
    assert shared.ask("Hello", max_tokens=2).text


# ---------------------------------------------------------------------------------------- load


def test_loading_tells_its_progress_and_what_was_loaded(fresh: Rig, starter: Path) -> None:
    events = fresh.load(starter)
    fractions = [e.fraction for e in events.all if isinstance(e, LoadProgress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    info = events.last.info
    assert (info.path, info.architecture, info.trained_context) == (str(starter), "llama", 8192)
    assert (info.context_length, info.has_template, info.template_note) == (8192, True, "")
    assert info.weights_bytes > 90e6
    assert info.context_bytes > 100e6
    assert info.compute_bytes > 0
    assert fresh.engine.loaded == info


def test_a_load_can_be_cancelled(fresh: Rig, starter: Path) -> None:
    async def go() -> Events:
        request_id = new_id()
        stream = fresh.engine.load(LoadRequest(request_id, str(starter)))
        return await collect(stream, lambda _: fresh.engine.cancel(request_id))

    # So small a model may be ready before the cancel is heard; not again and again.
    ends = [fresh.run(go()).last]
    while isinstance(ends[-1], Loaded) and len(ends) < 5:
        ends.append(fresh.run(go()).last)
    assert isinstance(ends[-1], LoadCancelled)
    assert fresh.engine.loaded is None
    fresh.load_well(starter, context_length=512)


def test_an_answer_needs_a_loaded_model(fresh: Rig, starter: Path) -> None:
    fresh.path = str(starter)
    assert isinstance(fresh.ask("Hello").error, errors.NothingLoaded)


def test_an_answer_needs_the_model_it_was_asked_of(shared: Rig) -> None:
    error = shared.ask("Hello", path="/another.gguf").error
    assert isinstance(error, errors.NothingLoaded)


def test_a_failed_load_leaves_nothing_loaded(fresh: Rig, starter: Path, tmp_path: Path) -> None:
    fresh.load_well(starter, context_length=512)
    assert isinstance(fresh.load(tmp_path / "none.gguf").error, errors.FileMissing)
    assert fresh.engine.loaded is None


def test_a_context_of_ten_million_is_refused(fresh: Rig, starter: Path) -> None:
    error = fresh.load(starter, context_length=10_000_000).error
    assert isinstance(error, errors.ContextLengthRefused)
    assert "10,000,000" in error.title


def test_small_contexts(fresh: Rig, starter: Path) -> None:
    assert fresh.load_well(starter, context_length=256).info.context_length == 256
    error = fresh.ask(LONG_TEXT).error
    assert isinstance(error, errors.PromptTooLong)
    assert "256" in error.detail
    assert error.remedy
    events = fresh.ask("Count from one to one thousand in words, without a pause.")
    assert events.reason is FinishReason.CONTEXT
    stats = events.last.stats
    assert stats.prompt_tokens + stats.answer_tokens in (256, 257)


def test_the_engine_describes_itself(shared: Rig) -> None:
    facts = shared.run(shared.engine.describe())
    assert facts["llama-cpp-python"] == "0.3.36"
    assert any("CPU" in device for device in facts["devices"])


def test_close_ends_everything_quickly(fresh: Rig, starter: Path) -> None:
    fresh.load_well(starter)

    async def go() -> tuple[Events, float]:
        running = asyncio.ensure_future(collect(fresh.generate(LONG_TEXT)))
        await asyncio.sleep(0.2)
        began = time.perf_counter()
        await fresh.engine.close()
        took = time.perf_counter() - began
        return await running, took

    events, took = fresh.run(go())
    assert events.reason is FinishReason.CANCELLED
    assert took < 3


def test_after_close_nothing_begins(fresh: Rig, starter: Path) -> None:
    fresh.run(fresh.engine.close())
    assert isinstance(fresh.load(starter).last, LoadCancelled)
    assert fresh.ask("Hello").reason is FinishReason.CANCELLED


def test_two_loads_in_a_row(fresh: Rig, starter: Path) -> None:
    async def go() -> tuple[Events, Events]:
        return await asyncio.gather(
            fresh.load_coroutine(starter, context_length=512),
            fresh.load_coroutine(starter, context_length=1024),
        )

    first, second = fresh.run(go())
    assert isinstance(first.last, Loaded)
    assert second.last.info.context_length == 1024
    assert fresh.engine.loaded == second.last.info
