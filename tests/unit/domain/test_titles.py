"""Automatic titles: examples as people write, and properties for everything else."""

# ruff: noqa: RUF001 - titles in other scripts

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.titles import MAX_COLUMNS, title_from

EXAMPLES = [
    ("What is the capital of France?", "What is the capital of France?"),
    ("what is the capital of france", "What is the capital of france"),
    ("Hi! How do I bake bread?", "How do I bake bread?"),
    ("Hello there, hey, how are tides made? Thanks.", "How are tides made?"),
    ("Good morning. Please explain monads.", "Explain monads"),
    ("Could you please write a poem about rain?", "Write a poem about rain?"),
    ("I'd like to know why the sky is blue.", "Why the sky is blue"),
    ("hi", "Hi"),
    ("Hello!", "Hello!"),
    ("你好", "你好"),
    ("# Plan\n\nWrite the plan for May.", "Plan"),
    ("**Fix** this `foo()` call, *now*", "Fix this foo() call, now"),
    ("- first thing\n- second thing", "First thing"),
    ("1. buy milk\n2. sleep", "Buy milk"),
    ("> quoted words\n\nmy own", "Quoted words"),
    ("snake_case_name is what?", "snake_case_name is what?"),
    ("See [the manual](https://example.org/x) for me", "See the manual for me"),
    ("<b>Bold</b> claim here", "Bold claim here"),
    ('"To be or not to be"', "To be or not to be"),
    ("“Wer reitet so spät?”", "Wer reitet so spät?"),
    ("Is 3.5 more than 3.14? Explain.", "Is 3.5 more than 3.14?"),
    ("Compare fruits, e.g. apples. Then stop.", "Compare fruits, e.g. apples"),
    ("My code fails:\n```python\nimport x\n```\nWhy?", "My code fails"),
    ("```python\n\ndef fib(n):\n    return n\n```", "def fib(n):"),
    ("~~~\nSELECT 1\n~~~", "SELECT 1"),
    ("```\n````\n", "Answer here"),
    ("https://www.example.org/blog/cats?id=4#top", "example.org: cats"),
    ("http://example.org/", "example.org"),
    ("Summarise https://example.org/a please", "Summarise please"),
    ("?", "?"),
    ("2+2", "2+2"),
    ("😀", "😀"),
    ("", "Answer here"),
    ("  \n\t ", "Answer here"),
    ("---\nAfter a rule", "After a rule"),
    ("iPhone or not?", "iPhone or not?"),
    ("ß is a letter", "ß is a letter"),
    ("東京の天気はどうですか。明日は？", "東京の天気はどうですか"),
    ("如何学习编程？谢谢", "如何学习编程？"),
    ("你好，如何学习编程？", "如何学习编程？"),
    ("Привет, как дела?", "Привет, как дела?"),
]


@pytest.mark.parametrize(("text", "title"), EXAMPLES)
def test_examples(text: str, title: str) -> None:
    assert title_from(text, "Hello! Answer here. And more.") == title


def test_a_long_sentence_ends_at_a_clause() -> None:
    text = "Explain how photosynthesis works in detail, including the light reactions and the rest"
    assert title_from(text, "") == "Explain how photosynthesis works in detail"


def test_a_long_clause_ends_at_a_word() -> None:
    text = "Explain how photosynthesis works including the light reactions of the plants"
    assert title_from(text, "") == "Explain how photosynthesis works including the light…"


def test_a_long_word_is_cut() -> None:
    assert title_from("a" * 500, "") == "A" + "a" * 58 + "…"


@pytest.mark.parametrize("letters", [31, 500])
def test_wide_letters_take_two_columns(letters: int) -> None:
    assert title_from("漢" * letters, "") == "漢" * 29 + "…"
    assert title_from("漢" * 30, "") == "漢" * 30


def test_marks_stay_with_their_letter() -> None:
    title = title_from("e\u0301" * 100, "")
    assert title.endswith("e\u0301…")


def test_joined_emoji_stay_together() -> None:
    family = "👨\u200d👩\u200d👧"
    assert title_from(f"{family} who are they", "").startswith(family)


@pytest.mark.parametrize(
    "text",
    [
        "hi " * 20_000,
        "[](" * 20_000,
        "> " * 20_000 + "x",
        "-" * 20_000 + "x",
        "<a" * 20_000,
        "*_" * 20_000,
        "a. " * 20_000,
        "`" * 50_000,
        "e\u0301" * 30_000,
        "https://" * 10_000,
    ],
)
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.perf_counter()
    title_from(text, text)
    assert time.perf_counter() - began < 2.0


pieces = st.sampled_from(
    [
        "```",
        "\n",
        "# ",
        "> ",
        "**",
        "[a](b)",
        "https://x.org/y",
        "hi ",
        ". ",
        "\u200d",
        "漢",
        "\u0301",
    ]
)
texts = st.one_of(st.text(), st.lists(st.one_of(pieces, st.text(max_size=8))).map("".join))


@given(texts, texts)
def test_a_title_is_one_short_visible_line(asked: str, answered: str) -> None:
    title = title_from(asked, answered)
    columns = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in title)
    assert columns <= MAX_COLUMNS
    assert title == title.strip()
    assert title.isprintable() or "\u200d" in title or _only_odd(title)


def _only_odd(title: str) -> bool:
    """Letters that this Python's Unicode tables do not have yet count as visible."""
    return all(c.isprintable() or unicodedata.category(c) == "Cn" for c in title)


@given(texts)
def test_visible_words_always_give_a_title(text: str) -> None:
    assert title_from(f"word {text}", "")


@given(texts, texts)
def test_only_nothing_gives_nothing(asked: str, answered: str) -> None:
    if not title_from(asked, answered):
        assert not any(letter.isalnum() for letter in asked + answered)
