"""Answers bound to a JSON Schema or a grammar; a bad one is refused and ends nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain import gbnf
from app.domain.errors import GrammarRefused
from app.domain.generation import Failed, Finished, FinishReason, PartKind
from app.domain.load_params import LoadParams
from app.domain.sampling import Sampling
from app.engine.native.bindings import lib
from app.engine.native.log import LOG
from app.engine.native.system import start
from app.engine.native.weights import Weights
from tests.helpers.engine_rig import GREEDY, Rig
from tests.helpers.gguf_files import babbler
from tests.helpers.grammars import BAD, GOOD, damaged

pytestmark = [pytest.mark.native_model, pytest.mark.timeout(240)]

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer"},
        "likes": {"type": "array", "items": {"enum": ["a\\b", 'tea "hot"', "ü"]}, "maxItems": 2},
    },
    "required": ["name", "age", "likes"],
}
SCHEMAS: dict[str, Any] = {
    "object": PERSON,
    "optional": {"properties": PERSON["properties"]},
    "list of dates": {"items": {"format": "date"}, "minItems": 2, "maxItems": 3},
    "choice": {"anyOf": [{"const": "yes"}, {"const": {"no": [1, None]}}]},
    "tuple": {"prefixItems": [{"type": "boolean"}, {"type": "null"}, {"type": "number"}]},
    "linked": {
        "$defs": {
            "node": {
                "properties": {
                    "value": {"type": "boolean"},
                    "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]},
                },
                "required": ["value", "next"],
            }
        },
        "$ref": "#/$defs/node",
    },
}
SEEDS = (1, 2)


def holds(value: Any, name: str) -> bool:
    """Whether a value is what its schema describes."""
    match name:
        case "object":
            return (
                list(value) == ["name", "age", "likes"]
                and len(value["name"]) <= 20
                and isinstance(value["age"], int)
                and set(value["likes"]) <= {"a\\b", 'tea "hot"', "ü"}
            )
        case "optional":
            return isinstance(value, dict) and set(value) <= {"name", "age", "likes"}
        case "list of dates":
            return 2 <= len(value) <= 3 and all(re.fullmatch(r"[-\d]{10}", day) for day in value)
        case "choice":
            return value in ("yes", {"no": [1, None]})
        case "tuple":
            return isinstance(value[0], bool) and value[1] is None and len(value) == 3
        case _:
            return list(value) == ["value", "next"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_bound_answer_parses(starter_host: Rig, name: str) -> None:
    schema = json.dumps(SCHEMAS[name])
    for sampling in (GREEDY, *(Sampling(seed=seed, temperature=1.2) for seed in SEEDS)):
        bound = replace(sampling, json_schema=schema)
        events = starter_host.ask("Describe yourself as JSON.", sampling=bound, max_tokens=100)
        if events.reason is FinishReason.STOP:
            assert holds(json.loads(events.text), name), events.text
        else:
            # An answer without end (a linked list) is cut off, and that is told.
            assert events.reason is FinishReason.LENGTH
            assert name == "linked"


def test_an_answer_that_is_cut_off_is_told(starter_host: Rig) -> None:
    bound = replace(GREEDY, json_schema=json.dumps(PERSON))
    events = starter_host.ask("Describe yourself as JSON.", sampling=bound, max_tokens=4)
    assert events.reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    "other",
    [
        {"mirostat": 1},
        {"mirostat": 2},
        {"typical_p": 0.2, "top_k": 0},
        {"xtc_probability": 1.0, "xtc_threshold": 0.0},
        {"temperature_range": 1.0, "top_n_sigma": 0.3},
        {"dry_multiplier": 5.0, "repeat_penalty": 2.0, "frequency_penalty": 2.0},
        {"logit_bias": (('{"', -100.0), ("{", -100.0), ("yes", -100.0))},
    ],
)
def test_every_sampler_keeps_to_the_form(starter_host: Rig, other: dict[str, Any]) -> None:
    sampling = replace(Sampling(seed=4), grammar='root ::= "{" ("yes" | "no") "}"', **other)
    events = starter_host.ask("Is the sky blue?", sampling=sampling, max_tokens=30)
    assert events.text in ("{yes}", "{no}")
    assert events.reason is FinishReason.STOP


def test_the_same_seed_gives_the_same_bound_answer(starter_host: Rig) -> None:
    sampling = Sampling(seed=8, json_schema=json.dumps(PERSON))
    texts = {starter_host.ask("A person.", sampling=sampling, max_tokens=200).text for _ in "ab"}
    assert len(texts) == 1


def test_a_form_that_no_token_fits_is_told(small_host: Rig) -> None:
    sampling = replace(GREEDY, grammar='root ::= "\\U0010FFFD"')
    events = small_host.ask("Hello", sampling=sampling, max_tokens=5)
    assert isinstance(events.last, Finished | Failed)
    assert small_host.ask("Hello", max_tokens=2).last.stats.answer_tokens > 0


def test_reasoning_is_free_and_the_answer_bound(hosted: Rig, tmp_path: Path) -> None:
    opening = "{{ messages[0].content }}<think>\n"
    hosted.load_well(babbler(tmp_path / "thinks.gguf", {"tokenizer.chat_template": opening}))
    events = hosted.ask("Hi", sampling=replace(GREEDY, grammar='root ::= "a"'), max_tokens=12)
    assert events.last.stats.answer_tokens == 12
    assert events.text_of(PartKind.REASONING)


@pytest.mark.parametrize("bad", [text for text, *_ in BAD if text.strip()])
def test_a_bad_grammar_is_refused_before_anything_is_read(small_host: Rig, bad: str) -> None:
    events = small_host.ask("Hello", sampling=replace(GREEDY, grammar=bad), max_tokens=2)
    assert isinstance(events.error, GrammarRefused)
    assert not events.progress


def test_a_bad_schema_is_refused_before_anything_is_read(small_host: Rig) -> None:
    events = small_host.ask("Hello", sampling=Sampling(json_schema='{"type": "x"}'), max_tokens=2)
    assert isinstance(events.error, GrammarRefused)
    assert not events.progress


def test_two_forms_at_once_are_refused(small_host: Rig) -> None:
    both = Sampling(json_schema="{}", grammar=GOOD["choice"])
    assert isinstance(small_host.ask("Hello", sampling=both).error, GrammarRefused)


async def the_host_lives_through(rig: Rig, grammars: list[str]) -> dict[str, int]:
    """Ask once with each grammar; how often it was used and refused."""
    fates = {"used": 0, "refused": 0}
    for grammar in grammars:
        sampling = Sampling(seed=3, grammar=grammar)
        last = (await rig.ask_coroutine("Hi", sampling=sampling, max_tokens=6)).last
        if isinstance(last, Failed):
            assert isinstance(last.error, GrammarRefused), (grammar, last.error.to_dict())
        fates["refused" if isinstance(last, Failed) else "used"] += 1
    return fates


def test_two_hundred_damaged_grammars_end_no_host(small_host: Rig) -> None:
    lost: list[Any] = []
    small_host.engine.on_lost(lost.append)
    grammars = [damaged(seed) for seed in range(200)]
    fates = small_host.run(the_host_lives_through(small_host, grammars))
    assert small_host.engine.loaded is not None
    assert not lost
    assert min(fates.values()) > 20, fates


def test_llama_cpp_reads_every_grammar_that_passes(tmp_path: Path) -> None:
    """Its own parser is the judge; what it refuses comes back as null and is not used."""
    start()
    weights = Weights(str(babbler(tmp_path / "small.gguf")), LoadParams(), lambda _: True)
    try:
        passed = 0
        for text in (*GOOD.values(), *map(damaged, range(1000, 6000))):
            try:
                gbnf.check(text)
            except GrammarRefused:
                continue
            with LOG.recording() as log:
                made = lib.llama_sampler_init_grammar(
                    weights.vocabulary.pointer, text.encode(), b"root"
                )
            assert made, (text, log)
            lib.llama_sampler_free(made)
            passed += 1
        assert passed > 200
    finally:
        weights.close()
