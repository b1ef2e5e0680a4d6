"""The sentences of the transcript."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.conversation import ChatParams, MessageStatus, Run
from app.domain.generation import FinishReason
from app.gui.transcript import words
from tests.gui.transcript.samples import answer, question, run, streaming


def test_statistics() -> None:
    assert (
        words.statistics(MessageStatus.DONE, run())
        == "Tiny · 512 tokens · first token 0.42 s · 38.1 tok/s · complete"
    )


def test_statistics_for_less_room_keep_how_it_ended() -> None:
    assert words.statistics_wordings(MessageStatus.DONE, run())[1:] == (
        "512 tokens · first token 0.42 s · 38.1 tok/s · complete",
        "512 tokens · 0.42 s · 38.1 tok/s · complete",
    )


def test_what_came_of_guesses_is_told_where_there_is_room() -> None:
    guessed = run()
    stats = replace(guessed.stats, drafted_tokens=1600, accepted_tokens=1280)
    long, nameless, brief = words.statistics_wordings(
        MessageStatus.DONE, replace(guessed, stats=stats)
    )
    assert "38.1 tok/s · 1,280 of 1,600 guessed tokens held · complete" in long
    assert "1,280 of 1,600" in nameless
    assert "guessed" not in brief


def test_what_is_not_known_is_left_out() -> None:
    bare = Run("Tiny", "/t", ChatParams())
    assert words.statistics(MessageStatus.INTERRUPTED, bare) == (
        "Tiny · interrupted — Lamplight was closed"
    )
    assert words.statistics(MessageStatus.DONE, None) == "complete"


@pytest.mark.parametrize(
    ("status", "finish", "ending"),
    [
        (MessageStatus.DONE, FinishReason.STOP, "complete"),
        (MessageStatus.DONE, FinishReason.LENGTH, "reached the token limit"),
        (MessageStatus.DONE, FinishReason.CONTEXT, "context full"),
        (MessageStatus.STOPPED, FinishReason.CANCELLED, "stopped by you"),
        (MessageStatus.FAILED, None, "failed"),
    ],
)
def test_endings(status: MessageStatus, finish: FinishReason | None, ending: str) -> None:
    assert words.ending(status, run(finish)) == ending


def test_speakers() -> None:
    assert words.speaker(question(1)) == "You"
    assert words.speaker(answer(2)) == "Tiny"
    assert words.speaker(streaming(3)) == "Assistant"


@pytest.mark.parametrize(
    ("seconds", "still", "label"),
    [
        (None, True, "Thinking…"),
        (None, False, "Thoughts"),
        (0.4, False, "Thought for a moment"),
        (12.3, False, "Thought for 12 s"),
        (75.0, False, "Thought for 1 min 15 s"),
    ],
)
def test_thoughts(seconds: float | None, still: bool, label: str) -> None:
    assert words.thought(seconds, still=still) == label


def test_progress_stays_within_its_bounds() -> None:
    assert words.reading_progress(43, 100) == "Reading the prompt… 43\u00a0%"
    assert words.reading_progress(5, 0) == "Reading the prompt… 0\u00a0%"
