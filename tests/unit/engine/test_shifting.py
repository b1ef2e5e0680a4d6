"""Answers that go on past the end of the context."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.generation import FinishReason, GenerateRequest, Role, Turn
from app.domain.overflow import Overflow
from app.domain.sampling import Sampling
from app.engine.shifting import MOST
from tests.helpers.engine_rig import new_id
from tests.helpers.gguf_files import babbler
from tests.helpers.recurrent_babbler import recurrent_babbler
from tests.helpers.stepping import Asked, Stepper

pytestmark = pytest.mark.native_model

LENGTH = 256
SYSTEM = "s" * 20
NEVER_ENDING = Sampling(temperature=0.0, logit_bias=(("a", 100.0),))
"""The babbler would end its turn now and then."""


@pytest.fixture
def stepper(tmp_path: Path) -> Iterator[Stepper]:
    made = Stepper(babbler(tmp_path / "babbler.gguf"), LENGTH)
    yield made
    made.close()


def begin(
    stepper: Stepper, text: str, overflow: Overflow, most: int | None = 400, system: str = SYSTEM
) -> Asked:
    turns = (Turn(Role.SYSTEM, system), Turn(Role.USER, text))
    request = GenerateRequest(new_id(), "", turns, NEVER_ENDING, most, overflow=overflow)
    events: list[Any] = []
    return Asked(stepper.scheduler.add(request, events.append), events)


def answer(stepper: Stepper, text: str, overflow: Overflow, **more: Any) -> Asked:
    asked = begin(stepper, text, overflow, **more)
    stepper.finish(lambda: asked.is_over)
    return asked


def positions(stepper: Stepper, asked: Asked) -> tuple[int, int]:
    slot = asked.answer.slot
    assert slot is not None
    return stepper.loaded.context.used(slot.sequence), len(slot.cells.tokens)


@pytest.mark.parametrize("overflow", [Overflow.DROP_OLDEST, Overflow.KEEP_ENDS])
def test_an_answer_goes_on_and_says_what_was_dropped(stepper: Stepper, overflow: Overflow) -> None:
    asked = answer(stepper, "abc", overflow)
    stats = asked.events[-1].stats
    assert (asked.reason, stats.answer_tokens) == (FinishReason.LENGTH, 400)
    assert stats.shifted_tokens > LENGTH // 4


def test_who_wants_nothing_dropped_is_told_that_the_context_is_full(stepper: Stepper) -> None:
    asked = answer(stepper, "abc", Overflow.STOP)
    assert asked.reason is FinishReason.CONTEXT
    assert asked.events[-1].stats.shifted_tokens == 0


def test_the_system_message_stays_in_the_cells(stepper: Stepper) -> None:
    asked = begin(stepper, "abc", Overflow.DROP_OLDEST)
    before = list(asked.answer.tokens)
    stepper.finish(lambda: asked.answer._shifting.dropped > 0)
    assert asked.answer.tokens[:20] == before[:20]
    used, known = positions(stepper, asked)
    assert used == known == len(asked.answer.tokens) - 1
    stepper.finish()


def test_what_was_computed_with_dropped_text_is_not_used_again(stepper: Stepper) -> None:
    asked = answer(stepper, "abc", Overflow.DROP_OLDEST)
    kept = asked.answer.tokens
    slot = asked.answer.slot
    assert slot is not None
    assert len(slot.cells.tokens) < 60
    assert slot.cells.tokens == kept[: len(slot.cells.tokens)]
    assert stepper.loaded.context.used(slot.sequence) == len(slot.cells.tokens)


def test_an_idle_conversation_that_shares_what_moves_is_forgotten(tmp_path: Path) -> None:
    made = Stepper(babbler(tmp_path / "babbler.gguf"), 512)
    first = begin(made, "x" * 365, Overflow.STOP, most=10)
    made.finish(lambda: len(first.answer.tokens) > first.progress[-1].total)
    second = begin(made, "x" * 365, Overflow.DROP_OLDEST, most=200)
    assert second.cached > 300
    made.finish()
    made.close()
    assert second.events[-1].stats.shifted_tokens > 200
    assert (first.reason, second.reason) == (FinishReason.LENGTH, FinishReason.LENGTH)
    assert first.answer.slot is not None
    assert not first.answer.slot.cells.tokens


def test_beside_an_answer_that_shares_what_should_move_nothing_moves(tmp_path: Path) -> None:
    made = Stepper(babbler(tmp_path / "babbler.gguf"), 512)
    first = begin(made, "x" * 150, Overflow.STOP, most=90)
    made.finish(lambda: len(first.answer.tokens) > 180)
    second = begin(made, "x" * 150, Overflow.STOP, most=20)
    made.finish(lambda: len(second.answer.tokens) > second.progress[-1].total)
    slots, slot = made.loaded.slots, first.answer.slot
    assert slot is not None
    before = list(slot.cells.tokens)
    assert not slots.shift(slot, 20, 10)
    assert slot.cells.tokens == before
    made.close()


def test_an_answer_without_an_end_ends_some_time(stepper: Stepper) -> None:
    asked = answer(stepper, "abc", Overflow.DROP_OLDEST, most=None)
    assert asked.reason is FinishReason.CONTEXT
    assert MOST * LENGTH <= asked.events[-1].stats.shifted_tokens < (MOST + 1) * LENGTH


def test_a_system_message_that_fills_half_of_the_context_leaves_nothing_to_drop(
    stepper: Stepper,
) -> None:
    asked = answer(stepper, "abc", Overflow.DROP_OLDEST, system="s" * 150)
    assert asked.reason is FinishReason.CONTEXT


def test_a_memory_that_cannot_shift_ends_with_the_context(tmp_path: Path) -> None:
    made = Stepper(recurrent_babbler(tmp_path / "recurrent.gguf"), LENGTH)
    asked = answer(made, "abc", Overflow.DROP_OLDEST)
    made.close()
    assert asked.reason is FinishReason.CONTEXT
