"""Reasoning told from the answer, in the forms that real templates use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.generation import PartKind
from app.engine.reasoning import (
    CHANNEL,
    END,
    MESSAGE,
    START,
    TAGS,
    ChannelSplitter,
    Splitter,
    TagSplitter,
    control_markers,
    splitter_for,
)

HARMONY = f"{START}assistant{CHANNEL}"


def split(splitter: Splitter, pieces: list[str]) -> tuple[str, str]:
    """Reasoning and answer."""
    found: list[tuple[PartKind, str]] = []
    for piece in pieces:
        found.extend(splitter.feed(piece))
    found.extend(splitter.flush())
    assert all(text for _, text in found)
    of = {kind: "".join(text for k, text in found if k is kind) for kind in PartKind}
    return of[PartKind.REASONING], of[PartKind.TEXT]


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_every_known_pair_of_tags(opening: str, closing: str) -> None:
    text = f"{opening}\nwhy\n{closing}\n\nso"
    assert split(TagSplitter(), [text]) == ("why", "so")


def test_an_answer_without_reasoning() -> None:
    assert split(TagSplitter(), ["just ", "so"]) == ("", "just so")


def test_empty_reasoning_shows_nothing_of_it() -> None:
    assert split(TagSplitter(), ["<think>\n\n</think>\n\nso"]) == ("", "so")


def test_tags_cut_anywhere() -> None:
    assert split(TagSplitter(), list("<think>a\n\nb</think>c")) == ("a\n\nb", "c")


def test_a_tag_within_the_answer_is_text() -> None:
    assert split(TagSplitter(), ["use <think>x</think>"]) == ("", "use <think>x</think>")


def test_a_closing_tag_in_the_answer_is_text() -> None:
    text = "<think>a</think>b</think>c"
    assert split(TagSplitter(), [text]) == ("a", "b</think>c")


def test_reasoning_that_never_ends_stays_reasoning() -> None:
    assert split(TagSplitter(), ["<think>on and </th"]) == ("on and </th", "")


def test_the_beginning_of_a_tag_at_the_end_is_text() -> None:
    assert split(TagSplitter(), ["<thi"]) == ("", "<thi")


def test_a_prompt_that_opened_the_reasoning() -> None:
    splitter = splitter_for("{{ '<think>\n' }}", "…<|im_start|>assistant\n<think>\n")
    assert split(splitter, ["why</think>so"]) == ("why", "so")


def test_a_prompt_that_closed_the_reasoning() -> None:
    splitter = splitter_for("", "…assistant\n<think>\n\n</think>\n\n")
    assert split(splitter, ["so"]) == ("", "so")


def test_indentation_within_the_answer_is_kept() -> None:
    assert split(TagSplitter(), ["a\n    b\n"]) == ("", "a\n    b\n")


def test_channels() -> None:
    text = f"{CHANNEL}analysis{MESSAGE}why{END}{HARMONY}final{MESSAGE}so"
    assert split(ChannelSplitter(), list(text)) == ("why", "so")


def test_a_commentary_channel_is_no_answer() -> None:
    text = f"{CHANNEL}commentary to=x{MESSAGE}y{END}{HARMONY}final{MESSAGE}so"
    assert split(ChannelSplitter(), [text]) == ("y", "so")


def test_text_without_a_channel_is_the_answer() -> None:
    assert split(ChannelSplitter(), ["so"]) == ("", "so")


def test_a_header_that_never_ends_is_not_shown() -> None:
    assert split(ChannelSplitter(), [f"{CHANNEL}anal"]) == ("", "")


def test_the_template_decides_the_form() -> None:
    template = f"{{{{ '{CHANNEL}' }}}}"
    assert isinstance(splitter_for(template, ""), ChannelSplitter)
    assert control_markers(template) >= {CHANNEL, MESSAGE}
    assert "[THINK]" in control_markers("")


PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", " ", "\n", "a", "<", CHANNEL])
    | st.text("ab< /\n", max_size=4),
    max_size=10,
)


@given(PIECES, st.sampled_from([None, "</think>"]))
def test_how_the_text_is_cut_makes_no_difference(pieces: list[str], closing: str | None) -> None:
    whole = split(TagSplitter(closing), ["".join(pieces)])
    assert split(TagSplitter(closing), pieces) == whole
    assert split(TagSplitter(closing), list("".join(pieces))) == whole


CHANNEL_PIECES = st.lists(
    st.sampled_from([CHANNEL, MESSAGE, END, START, "final", "analysis", "<|", "a b", "\n"]),
    max_size=10,
)


@given(CHANNEL_PIECES)
def test_channels_however_they_are_cut(pieces: list[str]) -> None:
    whole = split(ChannelSplitter(), ["".join(pieces)])
    assert split(ChannelSplitter(), pieces) == whole
    assert split(ChannelSplitter(), list("".join(pieces))) == whole


def test_it_is_known_whether_the_model_still_thinks() -> None:
    splitter = TagSplitter("</think>")
    states = [splitter.reasons]
    for piece in ("so", "</thi", "nk>", "{}"):
        list(splitter.feed(piece))
        states.append(splitter.reasons)
    assert states == [True, True, True, False, False]
    assert not TagSplitter().reasons
