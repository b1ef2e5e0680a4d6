"""The scheduler, step by step, on tiny models: what is computed with what, and who gives way."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import EngineError, ModelBroken
from app.domain.fit import SEQUENCES
from app.domain.generation import Failed, FinishReason, GenerateRequest
from app.engine import answer as answer_module
from app.engine import late_stop
from app.engine.drafts import Guesses, Lookup
from app.engine.late_stop import LONGEST_WAIT
from app.engine.native import context as native
from tests.helpers.gguf_files import babbler
from tests.helpers.recurrent_babbler import recurrent_babbler
from tests.helpers.stepping import Asked, Judge, Stepper

pytestmark = pytest.mark.native_model

TOLERANCE = 0.02
"""How far a token that was chosen in a mixed batch may be from the likeliest, measured alone, in
parts of the spread of the logits; see `Judge`. llama.cpp sums up in another order and precision in
batches of another size. Measured: at most 0.004 with these models."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return babbler(tmp_path_factory.mktemp("models") / "babbler.gguf")


@pytest.fixture(scope="module")
def recurrent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recurrent_babbler(tmp_path_factory.mktemp("models") / "recurrent.gguf")


@pytest.fixture
def stepper(file: Path) -> Iterator[Stepper]:
    made = Stepper(file)
    yield made
    made.close()


@pytest.fixture
def recurrent(recurrent_file: Path) -> Iterator[Stepper]:
    made = Stepper(recurrent_file)
    yield made
    made.close()


@pytest.fixture(scope="module")
def judge(file: Path) -> Iterator[Judge]:
    made = Judge(file)
    yield made
    made.close()


@pytest.fixture(scope="module")
def recurrent_judge(recurrent_file: Path) -> Iterator[Judge]:
    made = Judge(recurrent_file)
    yield made
    made.close()


def letters(chance: random.Random, most: int) -> str:
    return "".join(chance.choices("abcdefgh ", k=chance.randint(1, most)))


def run_schedule(stepper: Stepper, seed: int, count: int = 14) -> list[Asked]:
    """Requests that come, and some that are cancelled, at random steps."""
    chance = random.Random(seed)
    coming = [(letters(chance, 150), chance.randint(1, 40)) for _ in range(count)]
    asked: list[Asked] = []
    while coming or stepper.scheduler.is_busy:
        if coming and stepper.has_room and chance.random() < 0.3:
            asked.append(stepper.ask(*coming.pop()))
        running = [one for one in asked if not one.is_over]
        if running and chance.random() < 0.03:
            stepper.scheduler.cancel(chance.choice(running).answer)
        stepper.scheduler.step()
    return asked


# --------------------------------------------------------------------------- random schedules


@pytest.mark.parametrize("seed", range(6))
def test_every_answer_is_that_of_a_greedy_reader(stepper: Stepper, judge: Judge, seed: int) -> None:
    asked = run_schedule(stepper, seed)
    assert all(one.is_over for one in asked)
    assert max(judge.straying(one) for one in asked) < TOLERANCE


@pytest.mark.parametrize("seed", range(4))
def test_the_same_where_the_memory_cannot_go_back(
    recurrent: Stepper, recurrent_judge: Judge, seed: int
) -> None:
    asked = run_schedule(recurrent, seed)
    assert all(one.is_over for one in asked)
    assert max(recurrent_judge.straying(one) for one in asked) < TOLERANCE


def test_a_schedule_ends_each_request_once(stepper: Stepper) -> None:
    for one in run_schedule(stepper, 99):
        ends = [event for event in one.events if type(event).__name__ in ("Finished", "Failed")]
        assert ends == one.events[-1:]


def test_the_judge_finds_a_wrong_token(stepper: Stepper, judge: Judge) -> None:
    asked = stepper.answer("abc", 12)
    assert judge.straying(asked) < TOLERANCE
    asked.answer.tokens[-3] = (asked.answer.tokens[-3] + 1) % 256
    assert judge.straying(asked) > TOLERANCE


# ---------------------------------------------------------------------------------- a batch


def test_a_long_prompt_is_read_in_slices_beside_an_answer(stepper: Stepper) -> None:
    writing = stepper.ask("abc", 200)
    stepper.finish(lambda: len(writing.answer.tokens) > 10)
    reading = stepper.ask("x" * 200, 1)
    before = len(writing.answer.tokens)
    stepper.finish(lambda: reading.is_over)
    # The second one tells how long a token takes; more are read at once then.
    assert len(reading.progress) >= 3
    assert len(writing.answer.tokens) - before >= len(reading.progress) - 1


def test_prompts_that_are_read_together_share_the_batch(stepper: Stepper) -> None:
    asked = [stepper.ask(letter * 180, 1) for letter in "abc"]
    stepper.scheduler.step()
    assert len({one.progress[-1].done for one in asked}) == 1
    stepper.finish()
    assert all(one.reason is FinishReason.LENGTH for one in asked)


def test_a_token_that_is_no_number_fails_its_answer_alone(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = stepper.ask("abc", 10), stepper.ask("def", 10)
    stepper.finish(lambda: len(one.answer.tokens) > one.progress[-1].total)
    context = stepper.loaded.context
    with monkeypatch.context() as damaged:
        damaged.setattr(
            answer_module,
            "are_sound",
            lambda logits, **_: logits is not context.logits(one.answer.row),
        )
        stepper.scheduler.step()
    stepper.finish()
    assert isinstance(one.events[-1], Failed)
    assert isinstance(one.events[-1].error, ModelBroken)
    assert other.reason is FinishReason.LENGTH


def test_a_computation_that_fails_ends_all_and_the_next_one_works(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [stepper.ask("abc", 10), stepper.ask("def", 10)]
    stepper.scheduler.step()
    with monkeypatch.context() as broken:
        broken.setattr(type(stepper.loaded.context), "compute", lambda _: -3)
        assert len(stepper.scheduler.step()) == 2
    assert all(isinstance(one.events[-1].error, EngineError) for one in asked)
    assert stepper.answer("abc").reason is FinishReason.LENGTH


# ---------------------------------------------------------------------------------- no room


def test_the_last_answer_gives_way_and_is_gone_on_with(stepper: Stepper, judge: Judge) -> None:
    """Three answers of more than 200 tokens each do not fit into 512 cells."""
    asked = [stepper.ask(letter * 50, 180) for letter in "abc"]
    stepper.finish()
    ends = [(one.reason, one.events[-1].stats.answer_tokens) for one in asked]
    for (reason, tokens), one in zip(ends, asked, strict=True):
        assert reason in (FinishReason.LENGTH, FinishReason.STOP)
        assert tokens == 180 or reason is FinishReason.STOP
        assert judge.straying(one) < TOLERANCE


def test_an_answer_that_gave_way_can_be_cancelled(stepper: Stepper) -> None:
    asked = [stepper.ask(letter * 150, None) for letter in "abcd"]
    stepper.finish(lambda: any(one.answer.slot is None for one in asked))
    (parked,) = (one for one in asked if one.answer.slot is None)
    stepper.scheduler.cancel(parked.answer)
    stepper.scheduler.step()
    assert parked.reason is FinishReason.CANCELLED
    stepper.finish()


def test_one_conversation_may_fill_the_whole_context(stepper: Stepper) -> None:
    for letter in "abc":
        stepper.answer(letter * 100)
    full = stepper.answer("z" * 480, None)
    assert full.reason in (FinishReason.CONTEXT, FinishReason.STOP)
    if full.reason is FinishReason.CONTEXT:
        assert len(full.answer.tokens) == 512


# -------------------------------------------------------------------------------- background


def test_what_is_in_the_background_stands_still_while_somebody_waits(stepper: Stepper) -> None:
    behind = stepper.ask("abc", 200, background=True)
    stepper.finish(lambda: len(behind.answer.tokens) > 20)
    before = len(behind.answer.tokens)
    stepper.answer("def", 30)
    assert len(behind.answer.tokens) == before
    stepper.finish()
    assert behind.is_over


def test_what_is_in_the_background_gives_its_place(stepper: Stepper, judge: Judge) -> None:
    behind = [stepper.ask(letter * 20, 30, background=True) for letter in "abcdefgh"[:SEQUENCES]]
    stepper.finish(lambda: all(len(one.answer.tokens) > 30 for one in behind))
    asked = stepper.ask("xyz", 30)
    assert sum(one.answer.slot is None for one in behind) == 1
    stepper.finish(lambda: asked.is_over)
    assert not any(one.is_over for one in behind)
    stepper.finish()
    assert max(judge.straying(one) for one in behind) < TOLERANCE


def test_what_is_in_the_background_takes_nobodys_place(stepper: Stepper) -> None:
    for letter in "abcdefgh"[:SEQUENCES]:
        stepper.ask(letter * 20, 5)
    assert not stepper.scheduler.has_room_for(GenerateRequest("", "", (), background=True))
    assert not stepper.has_room
    stepper.finish()
    assert stepper.has_room


# ------------------------------------------------------------------------------------ cancel


@pytest.mark.parametrize("name", ["stepper", "recurrent"])
def test_a_computation_that_is_stopped_leaves_the_others_whole(
    request: pytest.FixtureRequest, name: str
) -> None:
    stepper: Stepper = request.getfixturevalue(name)
    alone = stepper.answer("abc", 30).text
    stepper.loaded.slots.clear()
    kept, gone = stepper.ask("abc", 30), stepper.ask("z" * 100, 30)
    results: list[int] = []
    compute = stepper.loaded.context.compute

    def stopped_now_and_then() -> int:
        # As a cancel does that comes in the middle of a computation.
        if len(results) % 3 == 1:
            stepper.scheduler._stop.raise_()
        results.append(compute())
        return results[-1]

    stepper.loaded.context.compute = stopped_now_and_then
    stepper.finish()
    assert native.ABORTED in results
    assert kept.text == alone
    assert gone.reason in (FinishReason.LENGTH, FinishReason.STOP)


def test_a_cancel_in_the_middle_ends_only_its_answer(stepper: Stepper) -> None:
    one, other = stepper.ask("abc", 200), stepper.ask("def", 20)
    stepper.finish(lambda: len(one.answer.tokens) > 20)
    stepper.scheduler.cancel(one.answer)
    stepper.finish()
    assert one.reason is FinishReason.CANCELLED
    assert other.reason in (FinishReason.LENGTH, FinishReason.STOP)


# ----------------------------------------------------------------------------------- guesses

REPEATING = "abcdefgh " * 12


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that can be guessed is guessed, whatever it costs."""
    monkeypatch.setattr(Guesses, "worth", lambda _self, _costs: 3)


def guessed_of(asked: Asked) -> tuple[int, int]:
    stats = asked.events[-1].stats
    return stats.drafted_tokens, stats.accepted_tokens


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(3))
def test_guesses_change_no_answer(stepper: Stepper, judge: Judge, seed: int) -> None:
    asked = run_schedule(stepper, seed)
    assert sum(guessed_of(one)[0] for one in asked) > 0
    assert max(judge.straying(one) for one in asked) < TOLERANCE


@pytest.mark.usefixtures("eager")
def test_what_was_guessed_wrongly_leaves_no_trace(stepper: Stepper) -> None:
    asked = stepper.ask(REPEATING, 60)
    while stepper.scheduler.is_busy:
        stepper.scheduler.step()
        for slot in stepper.loaded.slots.all:
            assert stepper.loaded.context.used(slot.sequence) == len(slot.cells.tokens)
    drafted, accepted = guessed_of(asked)
    assert drafted > accepted >= 0
    assert asked.events[-1].stats.answer_tokens <= 60


@pytest.mark.usefixtures("eager")
def test_right_guesses_are_written_in_fewer_computations(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = stepper.answer(REPEATING, 40)
    written = alone.answer.tokens[alone.progress[0].total :]
    stepper.loaded.slots.clear()

    def oracle(_self: Lookup, tokens: list[int], most: int) -> list[int]:
        return written[len(tokens) - alone.progress[0].total :][:most]

    monkeypatch.setattr(Lookup, "guess", oracle)
    steps: list[int] = []
    asked = stepper.ask(REPEATING, 40)
    stepper.finish(lambda: steps.append(1) or False)
    assert asked.text == alone.text
    assert len(steps) < len(written)
    assert guessed_of(asked)[1] > len(written) // 2


@pytest.mark.usefixtures("eager")
def test_nothing_is_guessed_where_it_cannot_be_taken_back(recurrent: Stepper) -> None:
    assert guessed_of(recurrent.answer(REPEATING, 40)) == (0, 0)


@pytest.mark.usefixtures("eager")
def test_guesses_give_way_where_the_cells_do_not_suffice(stepper: Stepper, judge: Judge) -> None:
    asked = [stepper.ask(letter * 50, 180) for letter in "abc"]
    stepper.finish()
    assert all(one.is_over for one in asked)
    assert max(judge.straying(one) for one in asked) < TOLERANCE


@pytest.mark.parametrize("name", ["stepper", "recurrent"])
def test_a_cancel_beside_others_does_not_wait_for_a_long_batch(
    request: pytest.FixtureRequest, name: str
) -> None:
    stepper: Stepper = request.getfixturevalue(name)
    alone = stepper.answer("def", 20).text
    stepper.loaded.slots.clear()
    gone, kept = stepper.ask("abc", 200), stepper.ask("def", 20)
    stepper.finish(lambda: len(gone.answer.tokens) > 20)
    waited = cancelled_in_a_long_batch(stepper, gone)
    stepper.scheduler.step()
    assert gone.reason is FinishReason.CANCELLED
    assert LONGEST_WAIT / 2 < waited < LONG_BATCH
    stepper.finish()
    assert kept.text == alone


def test_a_stop_that_comes_too_late_hits_no_other_batch(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_stop, "LONGEST_WAIT", 0.01)
    one, other = stepper.ask("abc", 200), stepper.ask("def", 20)
    stepper.finish(lambda: len(one.answer.tokens) > 20)
    stepper.scheduler.step()
    stepper.scheduler.cancel(one.answer)
    stepper.scheduler.step()
    time.sleep(0.1)
    assert not stepper.scheduler._stop.is_raised
    stepper.finish()
    assert one.reason is FinishReason.CANCELLED
    assert other.reason in (FinishReason.LENGTH, FinishReason.STOP)


LONG_BATCH = 20.0


def cancelled_in_a_long_batch(stepper: Stepper, gone: Asked) -> float:
    """Cancel while a batch is computed that would take `LONG_BATCH`; seconds until it stopped."""
    context = stepper.loaded.context
    compute = context.compute

    def long() -> int:
        stepper.scheduler.cancel(gone.answer)
        until = time.monotonic() + LONG_BATCH
        while time.monotonic() < until and not stepper.scheduler._stop.is_raised:
            time.sleep(0.01)
        return compute()

    began = time.monotonic()
    context.compute = long
    stepper.scheduler.step()
    context.compute = compute
    return time.monotonic() - began
