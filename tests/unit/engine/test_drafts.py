"""What is guessed, and when guessing is worth its cost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.drafts import LONGEST_DRAFT, Costs, Guesses, Lookup

TOKENS = st.lists(st.integers(0, 3), max_size=200)


def test_what_followed_before_is_guessed() -> None:
    assert Lookup().guess([1, 2, 3, 4, 5, 6, 7, 1, 2, 3], 3) == [4, 5, 6]


def test_of_several_places_the_last_one_counts() -> None:
    assert Lookup().guess([1, 2, 3, 4, 0, 1, 2, 3, 9, 0, 1, 2, 3], 1) == [9]


def test_two_tokens_that_occurred_before_are_no_match() -> None:
    assert Lookup().guess([1, 2, 3, 4, 0, 2, 3], 4) == []


def test_the_end_of_the_text_is_no_guess_for_itself() -> None:
    assert Lookup().guess([1, 2, 3], 4) == []
    assert Lookup().guess([], 4) == []


@given(TOKENS, st.integers(1, 8))
def test_a_text_that_grows_is_looked_up_as_one_that_is_whole(tokens: list[int], most: int) -> None:
    growing = Lookup()
    for end in range(len(tokens)):
        growing.guess(tokens[:end], most)
    guess = growing.guess(tokens, most)
    assert guess == Lookup().guess(tokens, most)
    assert len(guess) <= most


def costs(row: float) -> Costs:
    made = Costs()
    made.plain(1.0)
    made.guessed(1, 1.0 + row)
    return made


def test_nothing_is_guessed_before_a_batch_was_measured() -> None:
    assert Guesses().worth(Costs()) == 0


def test_the_first_guess_is_a_measurement() -> None:
    made = Costs()
    made.plain(1.0)
    assert 0 < Guesses().worth(made) < LONGEST_DRAFT


def test_cheap_rows_and_guesses_that_hold_are_worth_long_guesses() -> None:
    guesses = Guesses()
    for _ in range(30):
        guesses.came_of(4, 4)
    assert guesses.worth(costs(0.1)) == LONGEST_DRAFT


@pytest.mark.parametrize("row", [0.7, 1.0, 3.0])
def test_dear_rows_are_not_guessed(row: float) -> None:
    assert Guesses().worth(costs(row)) == 0


def test_guesses_that_fail_are_given_up_for_a_while_and_tried_again() -> None:
    guesses, cheap = Guesses(), costs(0.2)
    lengths: list[int] = []
    for _ in range(120):
        lengths.append(guesses.worth(cheap))
        if lengths[-1]:
            guesses.came_of(lengths[-1], 0)
    assert 0 < sum(length > 0 for length in lengths) < 40
    assert any(lengths[60:])


def test_the_chance_is_that_of_the_next_token() -> None:
    """Of a guess that fails at its third token two held and one did not; the rest tells nothing."""
    guesses = Guesses()
    for _ in range(300):
        guesses.came_of(7, 2)
    assert guesses.holds == pytest.approx(2 / 3, abs=0.12)


def test_a_batch_without_guesses_is_measured_again_now_and_then() -> None:
    made = costs(0.1)
    for _ in range(40):
        made.guessed(1, 1.1)
    assert Guesses().worth(made) == 0
    made.plain(1.0)
    assert Guesses().worth(made) > 0


def pauses(guesses: Guesses, tokens: int) -> list[int]:
    """After how many tokens each guess was tried, when none ever holds."""
    tried: list[int] = []
    for number in range(tokens):
        length = guesses.worth(costs(0.2))
        if length:
            tried.append(number)
            guesses.came_of(length, 0)
    return [after - before for before, after in itertools.pairwise(tried) if after - before > 1]


def test_where_a_new_try_is_dear_each_pause_is_longer() -> None:
    first, second, *_ = pauses(Guesses(growth=4), 400)
    assert second > 3 * first
    assert len(set(pauses(Guesses(), 400))) == 1


@pytest.mark.parametrize(("row", "pays"), [(0.1, True), (0.9, True), (1.0, False), (2.0, False)])
def test_what_could_never_pay_is_known(row: float, pays: bool) -> None:
    assert costs(row).can_pay is pays
    assert Costs().can_pay
