"""What is said about a conversation that did not fit."""

from __future__ import annotations

from app.domain.context_notes import context_notes, left_out_sentence
from app.domain.conversation import ChatParams, Run
from app.domain.generation import RunStats
from app.domain.overflow import Overflow


def test_messages_that_were_left_out_are_counted():
    assert left_out_sentence(12, Overflow.DROP_OLDEST) == (
        "The oldest 12 messages were left out to fit the context."
    )
    assert left_out_sentence(1, Overflow.DROP_OLDEST).startswith("The oldest message was ")
    assert left_out_sentence(1200, Overflow.KEEP_ENDS).startswith(
        "1,200 messages between the first and the latest were "
    )
    assert left_out_sentence(1, Overflow.KEEP_ENDS).startswith("One message between ")


def test_nothing_is_said_of_an_answer_with_everything():
    assert context_notes(None) == []
    assert context_notes(Run("m", "/m", ChatParams())) == []


def test_both_ways_to_lose_text_are_said():
    run = Run("m", "/m", ChatParams(), RunStats(left_out=2, shifted_tokens=3072))
    left_out, shifted = context_notes(run)
    assert "2 messages" in left_out
    assert "3,072 tokens" in shifted
