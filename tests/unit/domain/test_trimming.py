"""Which messages are left out, and that the cut lies still."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.generation import Role, Turn
from app.domain.overflow import Overflow, answer_share
from app.domain.prompt import with_draft
from app.domain.trimming import STEPS, Trimmer, exchanges

SYSTEM = Turn(Role.SYSTEM, "s")
TRIMMING = [Overflow.DROP_OLDEST, Overflow.KEEP_ENDS]


def talk(count: int, system: bool = True) -> list[Turn]:
    """So many answered questions, and one more question."""
    turns = [SYSTEM] if system else []
    for number in range(count):
        turns += [Turn(Role.USER, f"u{number}"), Turn(Role.ASSISTANT, f"a{number}")]
    return [*turns, Turn(Role.USER, "now")]


def left(turns: list[Turn], room: int, overflow: Overflow, size: int = 10) -> list[str]:
    trimmed = Trimmer(turns, [size] * len(turns), overflow).trimmed(room)
    return [turn.text for turn in trimmed.turns]


def test_what_fits_is_left_alone():
    for overflow in Overflow:
        assert left(talk(3), 80, overflow) == [turn.text for turn in talk(3)]


def test_the_oldest_go_in_pairs_and_the_system_message_stays():
    assert " ".join(left(talk(4), 80, Overflow.DROP_OLDEST)) == "s u1 a1 u2 a2 u3 a3 now"


def test_the_first_exchange_can_stay():
    assert left(talk(4), 80, Overflow.KEEP_ENDS) == ["s", "u0", "a0", "u2", "a2", "u3", "a3", "now"]


def test_the_first_exchange_goes_where_the_latest_would_not_fit_beside_it():
    turns = talk(1)
    trimmed = Trimmer(turns, [10, 100, 10, 10], Overflow.KEEP_ENDS).trimmed(50)
    assert [turn.text for turn in trimmed.turns] == ["s", "now"]


def test_nothing_is_left_out_where_nothing_is_to_be():
    trimmed = Trimmer(talk(9), [10] * 20, Overflow.STOP).trimmed(30)
    assert (len(trimmed.turns), trimmed.left_out, trimmed.is_least) == (20, 0, True)


def test_messages_are_counted_and_not_turns():
    turns = [Turn(Role.USER, "u", messages=3), Turn(Role.ASSISTANT, "a"), Turn(Role.USER, "now")]
    assert Trimmer(turns, [10] * 3, Overflow.DROP_OLDEST).trimmed(10).left_out == 4


@pytest.mark.parametrize("overflow", TRIMMING)
def test_a_growing_conversation_is_cut_seldom(overflow: Overflow):
    """A cut that moved each turn would have the whole prompt read again each turn."""
    room, cuts = 400, list[int]()
    for count in range(60):
        turns = talk(count)
        cuts.append(Trimmer(turns, [10] * len(turns), overflow).trimmed(room).left_out)
    moves = sum(one != two for one, two in pairwise(cuts))
    # Of 60 turns 40 would move an eager cut; each move frees a step of the room.
    assert 0 < moves <= 60 * 20 / (room / STEPS) + 1
    assert cuts == sorted(cuts)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=25),
    st.integers(1, 400),
    st.sampled_from(TRIMMING),
    st.booleans(),
)
def test_what_is_left_is_whole_exchanges_and_fits_if_anything_does(
    sizes: list[int], room: int, overflow: Overflow, system: bool
):
    turns = talk(len(sizes) // 2, system)
    sizes = (sizes * 3)[: len(turns)]
    trimmed = Trimmer(turns, sizes, overflow).trimmed(room)
    kept = [turns.index(turn) for turn in trimmed.turns]
    assert kept == sorted(kept)
    assert turns[-1] in trimmed.turns
    assert (SYSTEM in trimmed.turns) == system
    for group in exchanges(turns):
        assert len({at in kept for at in group}) == 1
    assert sum(sizes[at] for at in kept) <= room or trimmed.is_least
    assert trimmed.left_out == len(turns) - len(kept)


def test_a_limit_of_the_answer_is_reserved_and_never_more_than_half():
    assert answer_share(8192, 300, Overflow.DROP_OLDEST) == 300
    assert answer_share(8192, 9000, Overflow.KEEP_ENDS) == 4096
    assert answer_share(8192, None, Overflow.DROP_OLDEST) == 1024
    assert answer_share(512, 0, Overflow.DROP_OLDEST) == 128
    assert answer_share(8192, 300, Overflow.STOP) == 0


def test_a_draft_is_the_next_message():
    turns = (Turn(Role.USER, "One"), Turn(Role.ASSISTANT, "Two"))
    assert with_draft(turns, "Three")[-1] == Turn(Role.USER, "Three")
    assert with_draft(turns[:1], "Three") == (Turn(Role.USER, "One\n\nThree", messages=2),)
