"""A schema is refused with its place, or becomes a grammar that llama.cpp reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import gbnf
from app.domain.errors import GrammarRefused
from app.domain.json_schema import grammar_for

BAD: list[tuple[Any, str]] = [
    ({"type": "objec"}, "At /type: “objec” is not a type"),
    ({"type": ["string", "x"]}, "At /type"),
    ({"type": []}, "At /type"),
    ({"properties": {"a/b": 3}}, "At /properties/a~1b: an object"),
    ({"properties": [1]}, "At /properties"),
    ({"required": "name"}, "At /required"),
    ({"items": {"enum": []}}, "At /items/enum"),
    ({"anyOf": [{"type": "null"}, False]}, "At /anyOf/1"),
    ({"$ref": "https://example.org/x"}, "At /$ref: only references inside"),
    ({"$ref": "#/$defs/none"}, "is not part of the schema"),
    ({"$ref": "#"}, "refers to itself without end"),
    ({"allOf": [{"$ref": "#"}]}, "At /allOf/0"),
    ({"minItems": 3, "maxItems": 1}, "At /maxItems"),
    ({"minLength": "3"}, "At /minLength"),
    ({"minLength": 5000}, "At /minLength: at most 2,000"),
    ([], "At the top"),
]


@pytest.mark.parametrize(("schema", "place"), BAD)
def test_a_bad_schema_is_refused_with_its_place(schema: Any, place: str) -> None:
    with pytest.raises(GrammarRefused) as caught:
        grammar_for(json.dumps(schema))
    assert place in caught.value.detail
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{\n "type": }', "Line 2, column 10"),
        ("", "Line 1, column 1"),
        ('{"const": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"items":' * 100 + "{}" + "}" * 100, "nested deeper"),
        ('{"const": ' + "1" * 5000 + "}", "a number that is too long"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(GrammarRefused) as caught:
        grammar_for(text)
    assert place in caught.value.detail


def test_what_is_not_enforced_is_told() -> None:
    schema = {"type": "integer", "minimum": 3, "description": "a number"}
    assert grammar_for(json.dumps(schema)).not_enforced == ("minimum",)
    schema = {"type": "string", "format": "email", "maxLength": 9999}
    assert grammar_for(json.dumps(schema)).not_enforced == ("format", "maxLength")


def test_a_constant_keeps_its_backslashes() -> None:
    grammar = grammar_for(json.dumps({"const": 'a\\b"\n'})).gbnf
    assert r'"\"a\\\\b\\\"\\n\""' in grammar


_LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": "string", "minLength": 2, "maxLength": 5},
        {"enum": ["a", 1, None, {"x": []}]},
        {"const": "ü\\"},
        {"type": ["null", "boolean"]},
        {"format": "uuid"},
        True,
        {},
    ]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda s, low: {"items": s, "minItems": low}, inner, st.integers(0, 3)),
        st.builds(lambda s: {"anyOf": s}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda s: {"prefixItems": s}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda s: {"type": "object", "additionalProperties": s}, inner),
        st.builds(
            lambda p, needed: {"properties": p, "required": sorted(p)[:needed]},
            st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
            st.integers(0, 4),
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(_SCHEMAS)
def test_any_sound_schema_becomes_a_sound_grammar(schema: Any) -> None:
    gbnf.check(grammar_for(json.dumps(schema)).gbnf)
