"""A draft model beside a model: what it guesses, that it changes no text, and which are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.domain.errors import LoadSettingsRefused
from app.domain.fit import estimate
from app.domain.load_params import draft_params, plan_of
from app.engine import draft_model
from app.engine.draft_model import DraftModel, Follower, time_to_read
from app.engine.drafts import Costs, DearGuesses, Lookup
from app.library.model_file import inspect_file
from tests.helpers.gguf_files import babbler, starter_shell
from tests.helpers.recurrent_babbler import recurrent_babbler
from tests.helpers.stepping import Asked, Judge, Stepper, load_model
from tests.unit.engine.test_scheduler import TOLERANCE, guessed_of, run_schedule

pytestmark = pytest.mark.native_model

QUESTION = "Name the planets of the solar system, and say a sentence about each of them."


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a babbler and one that babbles other things in the same tokens."""
    folder = tmp_path_factory.mktemp("models")
    babbler(folder / "babbler.gguf")
    babbler(folder / "other.gguf", seed=8)
    return folder


@pytest.fixture
def alone(files: Path) -> Iterator[Stepper]:
    made = Stepper(files / "babbler.gguf")
    yield made
    made.close()


@pytest.fixture
def own(files: Path) -> Iterator[Stepper]:
    """A model that is its own draft model."""
    made = Stepper(files / "babbler.gguf", draft=files / "babbler.gguf")
    yield made
    made.close()


@pytest.fixture
def misled(files: Path) -> Iterator[Stepper]:
    """One whose draft model knows nothing of it."""
    made = Stepper(files / "babbler.gguf", draft=files / "other.gguf")
    yield made
    made.close()


@pytest.fixture(scope="module")
def judge(files: Path) -> Iterator[Judge]:
    made = Judge(files / "babbler.gguf")
    yield made
    made.close()


@pytest.fixture
def bold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft model alone guesses, at every step, is always sure, and may read in long slices."""
    monkeypatch.setattr(draft_model, "time_to_read", lambda _: 1.0)
    monkeypatch.setattr(draft_model, "_SURE", 0.0)
    monkeypatch.setattr(Lookup, "guess", lambda *_: [])
    monkeypatch.setattr(DearGuesses, "worth", lambda *_: 3)


def draft_of(stepper: Stepper) -> DraftModel:
    assert stepper.loaded.draft is not None
    return stepper.loaded.draft


def steps_of(stepper: Stepper, asked: Asked) -> int:
    steps: list[int] = []
    stepper.finish(lambda: asked.is_over or steps.append(1) or False)
    return len(steps)


# --------------------------------------------------------------------------------- guessing


@pytest.mark.usefixtures("bold")
def test_what_guesses_like_itself_is_always_right(alone: Stepper, own: Stepper) -> None:
    text = alone.answer("abc", 60).text
    asked = own.ask("abc", 60)
    steps = steps_of(own, asked)
    drafted, held = guessed_of(asked)
    assert asked.text == text
    assert drafted == held > 30
    assert steps < 30


def test_the_starter_model_guesses_for_itself(
    starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, own = Stepper(starter), Stepper(starter, draft=starter)
    try:
        text = alone.answer(QUESTION, 48).text
        # As it would be, were it much smaller: only the sure guesses of the draft model are used.
        monkeypatch.setattr(Lookup, "guess", lambda *_: [])
        monkeypatch.setattr(DearGuesses, "worth", lambda *_: 4)
        monkeypatch.setattr(draft_model, "time_to_read", lambda _: 1.0)
        asked = own.ask(QUESTION, 48)
        steps = steps_of(own, asked)
    finally:
        alone.close()
        own.close()
    drafted, held = guessed_of(asked)
    assert asked.text == text
    assert drafted > 10
    assert held >= drafted * 0.95
    assert steps < 40


@pytest.mark.usefixtures("bold")
@pytest.mark.parametrize("name", ["own", "misled"])
@pytest.mark.parametrize("seed", range(4))
def test_guesses_change_no_answer(
    request: pytest.FixtureRequest, judge: Judge, name: str, seed: int
) -> None:
    stepper: Stepper = request.getfixturevalue(name)
    asked = run_schedule(stepper, seed)
    assert all(one.is_over for one in asked)
    assert sum(guessed_of(one)[0] for one in asked) > 20
    assert max(judge.straying(one) for one in asked) < TOLERANCE
    assert not any(slot.busy for slot in draft_of(stepper).slots.all)


def test_a_draft_model_that_is_not_sure_guesses_nothing(
    misled: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_model, "_SURE", 1.1)
    monkeypatch.setattr(Lookup, "guess", lambda *_: [])
    monkeypatch.setattr(DearGuesses, "worth", lambda *_: 3)
    assert guessed_of(misled.answer("abc", 30)) == (0, 0)


@pytest.mark.parametrize("sure", [0.0, 1.1], ids=["wrong guesses", "no guesses"])
def test_what_does_not_pay_is_given_up(
    misled: Stepper, monkeypatch: pytest.MonkeyPatch, sure: float
) -> None:
    monkeypatch.setattr(draft_model, "_SURE", sure)
    monkeypatch.setattr(Lookup, "guess", lambda *_: [])
    # Rows cost almost nothing here, so that only what comes of the guesses counts.
    misled.scheduler._draft_costs = Costs(batch=1.0, row=0.2)
    monkeypatch.setattr(Costs, "plain", lambda *_: None)
    monkeypatch.setattr(Costs, "guessed", lambda *_: None)
    asked_for: list[int] = []
    guess = draft_model.Follower.guess

    def noted(follower: draft_model.Follower, tokens: list[int], most: int) -> list[int] | None:
        found = guess(follower, tokens, most)
        asked_for.append(most if found is not None else 0)
        return found

    monkeypatch.setattr(draft_model.Follower, "guess", noted)
    asked = misled.answer("abc", 200)
    written = asked.events[-1].stats.answer_tokens
    assert written > 100
    assert 0 < sum(most > 0 for most in asked_for) < written / 3


def test_a_draft_model_as_dear_as_the_model_is_not_used(own: Stepper) -> None:
    """Measured: a guess costs as much as a token, and the row that looks at it comes on top."""
    own.scheduler._draft_costs = Costs(batch=1.0, row=1.1)
    assert DearGuesses().worth(own.scheduler._draft_costs) == 0


# ---------------------------------------------------------------------------------- reading


@pytest.mark.usefixtures("bold")
def test_the_prompt_is_read_by_both(own: Stepper) -> None:
    asked, draft = own.ask("x" * 300, 40), draft_of(own)
    own.finish(lambda: len(asked.answer.tokens) > asked.progress[-1].total)
    (slot,) = (slot for slot in draft.slots.all if slot.busy)
    assert slot.cells.tokens == asked.answer.tokens[:-1]
    own.finish(lambda: bool(asked.answer.guessed) or asked.is_over)
    assert not draft.has_read
    assert asked.answer.guessed


@pytest.mark.usefixtures("bold")
def test_what_is_too_dear_reads_nothing(own: Stepper) -> None:
    own.scheduler._draft_costs = Costs(batch=1.0, row=1.1)
    own.ask("x" * 300, 1)
    own.finish()
    assert not any(slot.cells.tokens for slot in draft_of(own).slots.all)


@pytest.mark.usefixtures("bold")
def test_what_it_has_missed_is_read_in_slices_without_guesses(
    own: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Costs, "can_pay", False)
    asked, draft = own.ask("x" * 300, 120), draft_of(own)
    slices, guesses = [0], 0
    while own.scheduler.is_busy:
        before = [len(slot.cells.tokens) for slot in draft.slots.all]
        own.scheduler.step()
        after = [len(slot.cells.tokens) for slot in draft.slots.all]
        if draft.has_read:
            assert asked.answer.guessed == []
            slices.append(sum(after) - sum(before))
        guesses += len(asked.answer.guessed)
    assert len(slices) > 2
    assert max(slices) <= draft.context.batch
    assert guesses > 0


@pytest.mark.usefixtures("bold")
def test_the_next_question_reads_only_what_is_new(own: Stepper) -> None:
    first = own.answer("x" * 300, 80)
    assert guessed_of(first)[0]
    held = max(len(slot.cells.tokens) for slot in draft_of(own).slots.all)
    own.ask("x" * 300, 10)
    own.finish()
    # Read anew, ten tokens would not have sufficed to come so far.
    assert held > 300
    assert max(len(slot.cells.tokens) for slot in draft_of(own).slots.all) > 290
    assert sum(bool(slot.cells.tokens) for slot in draft_of(own).slots.all) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.05, 0.1, 0.119])
def test_no_answer_stands_still_for_reading(seconds: float) -> None:
    assert time_to_read(seconds) <= seconds / 2
    assert seconds + time_to_read(seconds) <= 0.12 or time_to_read(seconds) == seconds / 4


def test_large_models_read_on_all_the_same() -> None:
    assert time_to_read(2.0) == 0.5


@pytest.mark.usefixtures("bold")
def test_answers_that_do_not_fit_beside_each_other_end_well(own: Stepper, judge: Judge) -> None:
    asked = [own.ask(letter * 50, 180) for letter in "abc"]
    own.finish()
    assert all(one.is_over for one in asked)
    assert max(judge.straying(one) for one in asked) < TOLERANCE
    assert not any(slot.busy for slot in draft_of(own).slots.all)


@pytest.mark.usefixtures("bold")
def test_a_cancel_gives_the_place_back(own: Stepper) -> None:
    asked = own.ask("abc", 200)
    own.finish(lambda: guessed_of_now(asked) > 0)
    assert any(slot.busy for slot in draft_of(own).slots.all)
    own.scheduler.cancel(asked.answer)
    own.finish()
    assert not any(slot.busy for slot in draft_of(own).slots.all)


def guessed_of_now(asked: Asked) -> int:
    return len(asked.answer.guessed)


# ----------------------------------------------------------------------------------- memory


def test_its_memory_is_told_and_estimated(starter: Path) -> None:
    loaded = load_model(starter, 1024, starter)
    info = loaded.info
    loaded.close()
    shape = inspect_file(str(starter))[0].shape
    assert shape is not None
    params = draft_params(info.params, shape.trained_context)
    expected = estimate(shape, plan_of(params, shape.trained_context))
    assert info.draft_bytes == pytest.approx(expected.total_bytes, rel=0.02)
    own = info.weights_bytes + info.context_bytes + info.compute_bytes
    assert info.total_bytes == own + info.draft_bytes


def test_its_memory_is_given_back(starter: Path) -> None:
    held: list[int] = []
    for _ in range(3):
        load_model(starter, 512, starter).close()
        held.append(psutil.Process().memory_info().rss)
    # The weights alone are 90 MB.
    assert held[-1] - held[0] < 60_000_000


def test_it_guesses_within_the_context_it_was_trained_for(tmp_path: Path, files: Path) -> None:
    small = babbler(tmp_path / "small.gguf", {"llama.context_length": 256})
    loaded = load_model(files / "babbler.gguf", 512, small)
    assert loaded.draft is not None
    lengths = loaded.context.length, loaded.draft.context.length
    loaded.close()
    assert lengths == (512, 256)


# ---------------------------------------------------------------------------------- refused


def refused(model: Path, draft: Path) -> LoadSettingsRefused:
    with pytest.raises(LoadSettingsRefused) as raised:
        load_model(model, 256, draft)
    assert "model's settings" in raised.value.remedy
    return raised.value


def test_another_vocabulary_is_refused(starter: Path, files: Path) -> None:
    error = refused(starter, files / "babbler.gguf")
    assert "babbler.gguf" in error.title
    assert error.detail == "It splits text into tokens in another way."


TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokenizer.ggml.tokens": [*TOKENS[:-1], "zebra"]}, "zebra"),
        ({"tokenizer.ggml.bos_token_id": 2}, "begins or ends"),
    ],
    ids=["spelling", "beginning"],
)
def test_tokens_that_are_not_the_same_are_refused(
    files: Path, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    other = babbler(tmp_path / "other.gguf", changes)
    assert said in refused(files / "babbler.gguf", other).detail


def test_a_vocabulary_of_another_size_is_refused(files: Path, tmp_path: Path) -> None:
    larger = babbler(tmp_path / "larger.gguf", words=129)
    assert "388 tokens" in refused(files / "babbler.gguf", larger).detail


@pytest.mark.usefixtures("bold")
@pytest.mark.parametrize("words", [(0, 128), (128, 0)], ids=["more", "fewer"])
def test_some_fillers_do_no_harm(tmp_path: Path, words: tuple[int, int]) -> None:
    """Not even where they are written: the draft model never sees what it does not know."""
    model, draft = (
        babbler(tmp_path / f"{number}.gguf", words=count) for number, count in enumerate(words)
    )
    stepper = Stepper(model, draft=draft)
    try:
        asked = stepper.answer("abc", 60)
        assert len(asked.answer.tokens) > 40
        assert all(token < 259 + words[0] for token in asked.answer.tokens)
    finally:
        stepper.close()


def test_what_is_no_model_is_refused(files: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("no model")
    for path in (text, tmp_path / "absent.gguf", tmp_path):
        assert path.name in refused(files / "babbler.gguf", path).title


def test_what_does_not_write_word_by_word_is_refused(starter: Path, tmp_path: Path) -> None:
    compares = starter_shell(tmp_path / "compares.gguf", {"llama.pooling_type": 1})
    assert "compares texts" in refused(starter, compares).detail


@pytest.mark.usefixtures("bold")
def test_nothing_is_read_that_the_draft_model_does_not_know_or_has_no_place_for(
    tmp_path: Path, files: Path
) -> None:
    model = babbler(tmp_path / "words.gguf", {"llama.context_length": 256}, words=1)
    loaded = load_model(model, 256, files / "babbler.gguf")
    assert loaded.draft is not None
    follower = Follower(loaded.draft)
    try:
        for tokens in ([5, 6, 259], [5] * 254):
            assert follower.guess(tokens, 3) is None
            assert not any(slot.cells.tokens for slot in loaded.draft.slots.all)
            # It has not given up.
            assert follower.guess([5, 6, 7], 3) is not None
            loaded.draft.slots.clear()
    finally:
        follower.close()
        loaded.close()


def test_a_memory_that_cannot_go_back_is_refused_on_either_side(
    files: Path, tmp_path: Path
) -> None:
    recurrent = recurrent_babbler(tmp_path / "recurrent.gguf")
    assert "cannot be used with a draft model" in refused(recurrent, files / "babbler.gguf").title
    assert refused(files / "babbler.gguf", recurrent).detail


def test_after_a_refusal_the_model_loads_without_it(starter: Path, files: Path) -> None:
    refused(starter, files / "babbler.gguf")
    loaded = load_model(starter, 256)
    assert loaded.draft is None
    assert loaded.info.draft_bytes == 0
    loaded.close()
