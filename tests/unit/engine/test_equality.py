"""Answers beside others are those that the same questions get one at a time.

With the real starter model and greedy sampling: the same to the last token where llama.cpp is
deterministic, and elsewhere every token that is another one is explained by a near tie.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.engine.drafts import Guesses
from tests.helpers.gguf_files import starter_file
from tests.helpers.schedules import Asking, Schedule, alone, deviation, gaps
from tests.helpers.stepping import Asked, Stepper

pytestmark = [pytest.mark.native_model, pytest.mark.timeout(240)]

BELOW_A_TILE = 32
"""Tokens that are computed at once. From 64 on llama.cpp's attention sums up in another order."""
NOISE = 0.35
"""By how much the distance of two logits moves with the way in which they are computed, at most:
measured at 30 places of the starter model's answers (0.03 to 0.34)."""


@pytest.fixture(scope="module")
def exact() -> Iterator[Stepper]:
    made = Stepper(starter_file(), 2048, micro_batch=BELOW_A_TILE)
    yield made
    made.close()


@pytest.fixture(scope="module")
def usual() -> Iterator[Stepper]:
    """As it is in the product, and with room for a few conversations only."""
    made = Stepper(starter_file(), 320)
    yield made
    made.close()


def is_whole(asking: Asking, reference: Asked) -> bool:
    """Whether nothing of the same tokens was lost on the way to the reader."""
    return asking.was_cancelled or asking.asked.text == reference.text


def unexplained(stepper: Stepper, asking: Asking) -> str:
    """What is to be said against an answer; empty where it is the one it gets alone, or another
    one from a near tie on."""
    reference = alone(stepper, asking)
    place = deviation(asking.asked, reference)
    if place is None:
        return "" if is_whole(asking, reference) else f"{asking.asked.text!r} was shown"
    read = reference.answer.tokens[: reference.progress[-1].total + place]
    pair = reference.chosen[place], asking.asked.chosen[place]
    found = gaps(stepper.loaded.context, read, *pair)
    stepper.loaded.slots.clear()
    near = max(NOISE, max(found) - min(found))
    return "" if min(found) <= near else f"token {place} of {asking.turns}: gaps {found}"


@pytest.mark.parametrize("seed", [1, 5])
def test_what_is_deterministic_is_the_same(
    exact: Stepper, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A wrong guess frees cells, and then the order of the others is no longer that of the tokens.
    monkeypatch.setattr(Guesses, "worth", lambda _self, _costs: 0)
    schedule = Schedule(exact, seed, arrival=0.95)
    schedule.run(8)
    assert schedule.most_at_once >= 4
    assert len(schedule.undisturbed) >= 4
    for asking in schedule.undisturbed:
        reference = alone(exact, asking)
        assert deviation(asking.asked, reference) is None
        assert is_whole(asking, reference)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_another_token_was_as_likely(usual: Stepper, seed: int) -> None:
    schedule = Schedule(usual, seed)
    schedule.run(10)
    assert schedule.most_at_once >= 2
    assert [found for one in schedule.askings if (found := unexplained(usual, one))] == []


def test_a_wrong_token_is_not_explained(usual: Stepper) -> None:
    (asking, *_) = Schedule(usual, 0).run(1)
    assert unexplained(usual, asking) == ""
    asking.asked.chosen[0] += 1
    assert "gaps" in unexplained(usual, asking)
