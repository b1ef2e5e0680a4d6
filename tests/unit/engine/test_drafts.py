"""What is guessed, and when guessing is worth its cost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.drafts import (
    LONGEST_DRAFT,
    Costs,
    DearGuesses,
    Guesses,
    LookedUp,
    Lookup,
)

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
    assert DearGuesses().worth(Costs()) == 0


def test_the_first_guess_is_a_measurement() -> None:
    made = Costs()
    made.plain(1.0)
    assert 0 < DearGuesses().worth(made) < LONGEST_DRAFT


def test_cheap_rows_and_guesses_that_hold_are_worth_long_guesses() -> None:
    guesses = Guesses(0.5)
    for _ in range(30):
        guesses.came_of(4, 4)
    assert guesses.worth(costs(0.1)) == LONGEST_DRAFT


@pytest.mark.parametrize("row", [0.7, 1.0, 3.0])
def test_dear_rows_are_not_guessed(row: float) -> None:
    assert Guesses(0.7).worth(costs(row)) == 0


def test_the_chance_is_that_of_the_next_token() -> None:
    """Of a guess that fails at its third token two held and one did not; the rest tells nothing."""
    guesses = Guesses(0.5)
    for _ in range(300):
        guesses.came_of(7, 2)
    assert guesses.holds == pytest.approx(2 / 3, abs=0.12)


def test_a_batch_without_guesses_is_measured_again_now_and_then() -> None:
    made = costs(0.1)
    for _ in range(40):
        made.guessed(1, 1.1)
    assert Guesses(0.7).worth(made) == 0
    made.plain(1.0)
    assert Guesses(0.7).worth(made) > 0


def pauses(guesses: Guesses, tokens: int) -> list[int]:
    """After how many tokens each guess was tried, when none ever holds."""
    tried: list[int] = []
    for number in range(tokens):
        length = guesses.worth(costs(0.2))
        if length:
            tried.append(number)
            guesses.came_of(length, 0)
    return [after - before for before, after in itertools.pairwise(tried) if after - before > 1]


def test_where_a_guess_is_dear_each_pause_is_longer() -> None:
    first, second, *_ = pauses(DearGuesses(), 400)
    assert second > 3 * first


def rows_for(text: list[int], looked_up: LookedUp) -> list[int]:
    """How many rows are spent on guesses at each place of a text that is written token by token."""
    spent: list[int] = []
    for end in range(1, len(text)):
        guess = looked_up.guess(text[:end], LONGEST_DRAFT, costs(0.2))
        spent.append(len(guess))
        if guess:
            held = 0
            while end + held < len(text) and held < len(guess) and guess[held] == text[end + held]:
                held += 1
            looked_up.guesses.came_of(len(guess), held)
    return spent


def test_nothing_is_spent_on_guesses_where_none_would_have_held() -> None:
    """Runs of three tokens that come again, each time with something else behind them."""
    text = [token for number in range(60) for token in (1, 2, 3, 100 + number)]
    assert sum(rows_for(text, LookedUp())[8:]) == 0


def test_what_comes_again_is_guessed_at_length_once_it_has_held_for_a_while() -> None:
    verse = list(range(50))
    spent = rows_for([*verse, *verse], LookedUp())
    assert not any(spent[:50])
    assert max(spent[50:70]) >= 4


def test_what_was_foreseen_for_another_place_is_no_evidence() -> None:
    looked_up, text = LookedUp(), [1, 2, 3, 4, 1, 2, 3]
    looked_up.guess(text, 4, Costs())
    before = looked_up.guesses.holds
    looked_up.guess([*text, 4, 4], 4, Costs())
    assert looked_up.guesses.holds == before


@pytest.mark.parametrize(("row", "pays"), [(0.1, True), (0.9, True), (1.0, False), (2.0, False)])
def test_what_could_never_pay_is_known(row: float, pays: bool) -> None:
    assert costs(row).can_pay is pays
    assert Costs().can_pay
