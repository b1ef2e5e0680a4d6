"""Cards are foreign text: what is left of their HTML is words and links."""

from __future__ import annotations

import time

import pytest

from app.gui.discover.card_text import LONGEST_CARD, is_cut, readable


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        ("plain *words*", "plain *words*"),
        ("<p align='center'>centred</p>", "centred"),
        ("<h2 id=x>Title</h2>", "## Title"),
        ('<a href="https://a.example/x" onclick="y()">here</a>', "[here](https://a.example/x)"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ('<img src="https://a.example/p.png" onerror="x()">text', "text"),
        ("![picture](https://a.example/p.png) text", "text"),
        ("[![badge](https://a.example/b.svg)](https://a.example) text", "text"),
        ("<script>alert(1)</script>text", "text"),
        ("<style>\np { }\n</style>\ntext", "text"),
        ("<script>never closed", ""),
        ("text <!-- hidden --> more", "text  more"),
        ("a < b and c > d", "a < b and c > d"),
        ("`<b>` stays code", "`<b>` stays code"),
        ("|a<br>b|c|", "|a b|c|"),
        ("    <b>not code</b>", "not code"),
    ],
)
def test_tags_go_and_words_stay(card: str, shown: str):
    assert readable(card) == shown


def test_code_is_not_touched():
    card = "<b>x</b>\n```html\n<b>x</b>\n    ![i](u)\n```\n<i>y</i>"
    assert readable(card) == "x\n```html\n<b>x</b>\n    ![i](u)\n```\ny"


def test_a_fence_that_is_never_closed_is_code_to_the_end():
    assert readable("~~~\n<b>\n```\n<i>") == "~~~\n<b>\n```\n<i>"


def test_a_long_card_ends_with_a_whole_line():
    card = "a line of words\n" * 8_000
    shown = readable(card)
    assert is_cut(card)
    assert LONGEST_CARD - 20 < len(shown) <= LONGEST_CARD
    assert shown.endswith("words")


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "<script ",
        "`",
        "``a`",
        "![",
        "[](",
        "\n",
        "\n ",
        "<a href=",
        "<h1>",
        "|<br",
    ],
)
def test_hostile_repetition_takes_no_time(piece: str):
    began = time.process_time()
    readable(piece * (LONGEST_CARD // len(piece)))
    assert time.process_time() - began < 2.0
