"""A grammar is refused with its place, or it is one that llama.cpp reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import gbnf
from app.domain.errors import GrammarRefused
from tests.helpers.grammars import BAD, GOOD


@pytest.mark.parametrize("name", GOOD)
def test_a_good_grammar_passes(name: str) -> None:
    gbnf.check(GOOD[name])


@pytest.mark.parametrize(("text", "line", "column", "words"), BAD)
def test_a_bad_grammar_is_refused_with_its_place(
    text: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(GrammarRefused) as caught:
        gbnf.check(text)
    assert caught.value.detail.startswith(f"Line {line}, column {column}: ")
    assert words in caught.value.detail
    assert caught.value.remedy


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from(list('ro t::="ab|()[]{}*+?\\-^.,#0123\n'))), st.text())
def test_any_text_is_checked_or_refused_with_a_place(likely: str, any_text: str) -> None:
    for text in (any_text, likely, f"root ::= {likely}", f'root ::= "a" {any_text}'):
        try:
            gbnf.check(text)
        except GrammarRefused as error:
            assert re.match(r"Line \d+, column \d+: ", error.detail)  # noqa: PT017


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(GrammarRefused, match="cannot be used"):
        gbnf.check('root ::= "a"\n' + "#" * gbnf.LONGEST)
