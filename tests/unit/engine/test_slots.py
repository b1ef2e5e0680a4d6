"""Which conversation goes on where, and what of it is read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.fit import SEQUENCES
from app.domain.generation import Role, Turn
from app.engine.cells import GRID
from tests.helpers.gguf_files import babbler
from tests.helpers.recurrent_babbler import recurrent_babbler
from tests.helpers.stepping import Judge, Stepper

pytestmark = pytest.mark.native_model

LENGTH = 2048
LETTERS = "abcdefgh"[:SEQUENCES]


@pytest.fixture
def stepper(tmp_path: Path) -> Iterator[Stepper]:
    made = Stepper(babbler(tmp_path / "babbler.gguf"), LENGTH)
    yield made
    made.close()


@pytest.fixture
def recurrent(tmp_path: Path) -> Iterator[Stepper]:
    made = Stepper(recurrent_babbler(tmp_path / "recurrent.gguf"), LENGTH)
    yield made
    made.close()


def test_several_conversations_stay_warm(stepper: Stepper) -> None:
    for letter in LETTERS:
        stepper.answer(letter * 200)
    # What was read before is read again from a place on the grid only.
    cached = [stepper.answer(letter * 220).cached for letter in LETTERS]
    assert min(cached) >= 200 - 2 * GRID


def test_short_conversations_stay_as_well_while_a_place_is_empty(stepper: Stepper) -> None:
    for letter in LETTERS:
        stepper.answer(letter * 100)
    assert min(stepper.held()) > 100


def test_the_one_not_used_for_longest_is_overwritten(stepper: Stepper) -> None:
    for letter in LETTERS:
        stepper.answer(letter * 200)
    stepper.answer("a" * 210)
    stepper.answer("z" * 200)
    assert stepper.answer("a" * 220).cached >= 200 - 2 * GRID
    assert stepper.answer("b" * 220).cached < 5


def test_another_conversation_shares_a_beginning_and_both_stay(stepper: Stepper) -> None:
    beginning = "s" * 300
    stepper.answer(beginning + "a" * 400)
    forked = stepper.answer(beginning + "b" * 400)
    assert forked.cached >= 300
    assert stepper.answer(beginning + "a" * 410).cached >= 700 - 2 * GRID
    assert stepper.answer(beginning + "b" * 410).cached >= 700 - 2 * GRID


def test_what_is_shared_takes_no_cells_of_its_own(stepper: Stepper) -> None:
    """Four conversations of 750 tokens would not fit into 2,048 cells."""
    beginning = "s" * 400
    for letter in "abcd":
        stepper.answer(beginning + letter * 350)
    cached = [stepper.answer(beginning + letter * 351).cached for letter in "abcd"]
    assert min(cached) > 400 + 2 * GRID


def test_asking_again_reads_nothing_and_gives_the_same_answer(stepper: Stepper) -> None:
    first = stepper.answer("a" * 1000, 40)
    again = stepper.answer("a" * 1000, 40)
    assert again.cached == again.progress[0].total == first.progress[-1].total
    assert again.text == first.text
    assert sum(count > 0 for count in stepper.held()) == 1


def test_answers_that_are_asked_for_again_do_not_pile_up(stepper: Stepper) -> None:
    """Each cell that holds something costs every further token time."""
    for _ in range(5):
        stepper.answer("a" * 300, 200)
    assert sum(stepper.held()) < 800


def test_a_question_asked_again_leaves_a_long_conversation_alone(stepper: Stepper) -> None:
    first = stepper.answer("a" * 100)
    said = (Turn(Role.USER, "a" * 100), Turn(Role.ASSISTANT, first.text))
    stepper.answer((*said, Turn(Role.USER, "b" * 1300)))
    stepper.answer("a" * 100)
    assert stepper.answer((*said, Turn(Role.USER, "b" * 1310))).cached > 1200


def test_the_question_before_is_asked_again_without_reading(stepper: Stepper) -> None:
    first = stepper.answer("a" * 300)
    said = (Turn(Role.USER, "a" * 300), Turn(Role.ASSISTANT, first.text))
    assert stepper.answer((*said, Turn(Role.USER, "b" * 200))).cached > 300
    again = stepper.answer("a" * 300)
    assert again.cached == again.progress[0].total
    assert again.text == first.text


def test_asking_again_where_the_end_is_forgotten_reads_only_the_end(stepper: Stepper) -> None:
    first = stepper.answer("a" * 1000, 40)
    for slot in stepper.loaded.slots.all:
        slot.cells.ends.clear()
    again = stepper.answer("a" * 1000, 40)
    assert 1000 - 2 * GRID < again.cached < 1000
    assert again.text == first.text


def test_an_answer_that_is_shared_with_its_end_is_written_at_once(stepper: Stepper) -> None:
    """The other answer goes on in the cells where both began."""
    running = stepper.ask("a" * 600, 60)
    stepper.finish(lambda: len(running.answer.tokens) > 610)
    beside = stepper.answer("a" * 600, 20)
    assert beside.cached == beside.progress[0].total
    stepper.finish()
    assert running.text.startswith(beside.text)


def test_a_beginning_is_shared_with_an_answer_that_is_being_written(stepper: Stepper) -> None:
    running = stepper.ask("a" * 600, 60)
    stepper.finish(lambda: len(running.answer.tokens) > 610)
    beside = stepper.answer("a" * 600)
    assert beside.cached > 400
    stepper.finish()
    assert running.text


def test_idle_conversations_give_way_when_room_is_needed(stepper: Stepper) -> None:
    for letter in "abc":
        stepper.answer(letter * 500)
    assert stepper.answer("d" * 1500).cached < 5
    assert sum(stepper.held()) <= LENGTH


def test_a_shared_beginning_gives_the_same_answer(stepper: Stepper, tmp_path: Path) -> None:
    judge = Judge(tmp_path / "babbler.gguf", LENGTH)
    stepper.answer("s" * 100 + "a" * 300)
    asked = stepper.answer("s" * 100 + "b" * 150, 30)
    assert asked.cached >= 100
    assert judge.straying(asked) < 0.02
    judge.close()


def test_a_memory_that_cannot_go_back_goes_on_or_reads_anew(recurrent: Stepper) -> None:
    first = recurrent.answer("a" * 200, 5)
    # The conversation goes on: everything that was read and written is used.
    held = len(first.answer.tokens)
    assert recurrent.answer("a" * 150).cached == 0
    assert held in recurrent.held()
    assert recurrent.answer("a" * 150).cached == 0
