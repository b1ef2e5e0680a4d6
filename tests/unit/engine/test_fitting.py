"""Prompts that fit, against the starter model and its template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import PromptTooLong
from app.domain.generation import CountRequest, GenerateRequest, Role, Turn
from app.domain.overflow import Overflow
from app.engine.fitting import PromptMaker
from app.engine.loaded import LoadedModel
from app.engine.prompt import build_prompt
from app.engine.template import ChatTemplate
from tests.helpers.engine_rig import user
from tests.helpers.stepping import load_model

pytestmark = pytest.mark.native_model

LENGTH = 1024
SYSTEM = Turn(Role.SYSTEM, "You are a terse helper.")
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "
TRIMMING = [Overflow.DROP_OLDEST, Overflow.KEEP_ENDS]


@pytest.fixture(scope="module")
def loaded(starter: Path) -> Iterator[LoadedModel]:
    made = load_model(starter, LENGTH)
    yield made
    made.close()


@pytest.fixture
def maker(loaded: LoadedModel) -> PromptMaker:
    assert isinstance(loaded.prompts, PromptMaker)
    return loaded.prompts


def talk(count: int, system: bool = True) -> tuple[Turn, ...]:
    turns = [SYSTEM] if system else []
    for number in range(count):
        turns.append(Turn(Role.USER, f"Question {number}. {SENTENCE}"))
        turns.append(Turn(Role.ASSISTANT, f"Answer {number}. {SENTENCE * 2}"))
    return (*turns, *user("And now?"))


def asking(turns: tuple[Turn, ...], overflow: Overflow, **more: int) -> GenerateRequest:
    return GenerateRequest("1", "m", turns, overflow=overflow, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("overflow", list(Overflow))
def test_what_fits_is_sent_whole(maker: PromptMaker, overflow: Overflow) -> None:
    fitted = maker.prompt_for(asking(talk(5), overflow))
    assert fitted.left_out == 0
    assert "Question 0" in fitted.prompt.text


@pytest.mark.parametrize("overflow", TRIMMING)
def test_what_does_not_fit_is_trimmed_and_the_answer_has_room(
    maker: PromptMaker, overflow: Overflow
) -> None:
    fitted = maker.prompt_for(asking(talk(60), overflow))
    text = fitted.prompt.text
    assert len(fitted.prompt.tokens) <= LENGTH - 256
    assert SYSTEM.text in text
    assert "And now?" in text
    assert "Answer 59." in text
    assert ("Question 0." in text) == (overflow is Overflow.KEEP_ENDS)
    assert fitted.left_out == 120 - text.count("Question ") - text.count("Answer ")
    assert text.count("Question ") == text.count("Answer ")


@pytest.mark.parametrize("overflow", TRIMMING)
def test_the_next_turns_begin_as_the_one_before(maker: PromptMaker, overflow: Overflow) -> None:
    prompts = [maker.prompt_for(asking(talk(60 + n), overflow)).prompt.text for n in range(4)]
    kept = [prompt.rindex("And now?") for prompt in prompts]
    starts = [
        two.startswith(one[:at])
        for one, two, at in zip(prompts, prompts[1:], kept[:-1], strict=False)
    ]
    # At most one of a few turns may move the cut.
    assert sum(starts) >= 2


def test_a_template_that_says_everything_twice_is_measured_and_not_believed(
    loaded: LoadedModel,
) -> None:
    twice = "{% for m in messages %}{{ m.content }}{{ m.content }}\n{% endfor %}"
    maker = PromptMaker(ChatTemplate(twice), loaded.weights.vocabulary, LENGTH)
    fitted = maker.prompt_for(asking(talk(18), Overflow.DROP_OLDEST))
    assert 100 < len(fitted.prompt.tokens) <= LENGTH - 256
    assert fitted.left_out > 20


def test_the_limit_of_the_answer_is_kept_free(maker: PromptMaker) -> None:
    fitted = maker.prompt_for(asking(talk(60), Overflow.DROP_OLDEST, max_tokens=500))
    assert len(fitted.prompt.tokens) <= LENGTH - 500


def test_without_trimming_a_long_conversation_is_refused(maker: PromptMaker) -> None:
    with pytest.raises(PromptTooLong) as refused:
        maker.prompt_for(asking(talk(60), Overflow.STOP))
    assert "1,024" in refused.value.detail
    assert "oldest" in refused.value.remedy


@pytest.mark.parametrize("overflow", TRIMMING)
def test_a_message_that_is_too_long_alone_is_refused(
    maker: PromptMaker, overflow: Overflow
) -> None:
    turns = (*talk(3)[:-1], *user(SENTENCE * 100))
    with pytest.raises(PromptTooLong, match="The message is too long"):
        maker.prompt_for(asking(turns, overflow))


def test_a_message_may_take_the_room_kept_for_the_answer(maker: PromptMaker) -> None:
    turns = (*talk(3)[:-1], *user(SENTENCE * 64))
    fitted = maker.prompt_for(asking(turns, Overflow.DROP_OLDEST))
    assert LENGTH - 256 < len(fitted.prompt.tokens) < LENGTH
    assert fitted.left_out == 6


def test_the_count_is_what_will_be_sent(maker: PromptMaker, loaded: LoadedModel) -> None:
    turns = talk(4)
    count = maker.count(CountRequest("m", turns[:-1], "And now?", None, Overflow.DROP_OLDEST))
    assert count.sent == len(maker.prompt_for(asking(turns, Overflow.DROP_OLDEST)).prompt.tokens)
    assert (count.context_length, count.left_out, count.fits) == (LENGTH, 0, True)
    assert count.reserved == 256
    assert count.draft == 3
    assert count.system == 7
    assert count.conversation > 200


def test_the_count_tells_what_will_be_left_out(maker: PromptMaker) -> None:
    turns = talk(60)
    count = maker.count(CountRequest("m", turns[:-1], "And now?", None, Overflow.DROP_OLDEST))
    fitted = maker.prompt_for(asking(turns, Overflow.DROP_OLDEST))
    assert (count.sent, count.left_out) == (len(fitted.prompt.tokens), fitted.left_out)
    refused = maker.count(CountRequest("m", turns[:-1], "And now?"))
    assert not refused.fits
    assert refused.sent > LENGTH


def test_the_head_ends_before_the_first_question(maker: PromptMaker, loaded: LoadedModel) -> None:
    request = asking(talk(3), Overflow.DROP_OLDEST)
    tokens = maker.prompt_for(request).prompt.tokens
    system = len(build_prompt_of(loaded, (SYSTEM, *user("?"))))
    assert 10 < maker.head(request, tokens) < system
    keeping = asking(talk(3), Overflow.KEEP_ENDS)
    assert maker.head(keeping, tokens) > maker.head(request, tokens) + 50


def build_prompt_of(loaded: LoadedModel, turns: tuple[Turn, ...]) -> list[int]:
    maker = loaded.prompts
    assert isinstance(maker, PromptMaker)
    return build_prompt(maker._template, loaded.weights.vocabulary, turns).tokens
