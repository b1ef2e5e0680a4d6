"""Every sampler acts on the real starter model, and odd values do no harm."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from app.domain.generation import FinishReason
from app.domain.sampling import Sampling
from tests.helpers.engine_rig import GREEDY, Rig

pytestmark = pytest.mark.native_model

STORY = "Write a long story about a fox and a lighthouse."
WIDE = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, seed=11)
"""Nothing is cut, so that each cut shows."""

ALONE = {
    "top_k": {"top_k": 2},
    "top_p": {"top_p": 0.3},
    "min_p": {"min_p": 0.5},
    "typical": {"typical_p": 0.3},
    "top_n_sigma": {"top_n_sigma": 0.5},
    "xtc": {"xtc_probability": 1.0, "xtc_threshold": 0.05},
    "dynamic": {"temperature_range": 1.4},
    "mirostat_1": {"mirostat": 1, "mirostat_tau": 2.0},
    "mirostat_2": {"mirostat": 2, "mirostat_tau": 2.0},
    "repetition": {"repeat_penalty": 5.0},
    "presence": {"presence_penalty": 2.0},
    "frequency": {"frequency_penalty": 2.0},
    "dry": {"dry_multiplier": 5.0, "dry_allowed_length": 1, "dry_breakers": ()},
    "bias": {"logit_bias": ((" the", 8.0),)},
}


@pytest.fixture(scope="module")
def plain(starter_host: Rig) -> str:
    """What is answered with all samplers off."""
    return starter_host.ask(STORY, sampling=WIDE, max_tokens=24).text


@pytest.mark.parametrize("name", ALONE)
def test_each_sampler_changes_the_answer_and_repeats_it(
    starter_host: Rig, plain: str, name: str
) -> None:
    sampling = replace(WIDE, **ALONE[name])
    answers = [starter_host.ask(STORY, sampling=sampling, max_tokens=24).text for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0] != plain


def test_a_bias_forces_and_bans(starter_host: Rig) -> None:
    forced = replace(GREEDY, logit_bias=(("fox", 100.0),))
    assert starter_host.ask("Hi.", sampling=forced, max_tokens=3).text == "foxfoxfox"
    plain = starter_host.ask(STORY, sampling=GREEDY, max_tokens=30).text
    assert " the" in plain
    banned = replace(GREEDY, logit_bias=((" the", -100.0),))
    assert " the " not in starter_host.ask(STORY, sampling=banned, max_tokens=30).text


def test_a_frequency_penalty_ends_a_loop(starter_host: Rig) -> None:
    looping = replace(GREEDY, logit_bias=(("fox", 30.0),))
    assert starter_host.ask("Hi.", sampling=looping, max_tokens=20).text.count("fox") == 20
    bored = replace(looping, frequency_penalty=2.0)
    assert starter_host.ask("Hi.", sampling=bored, max_tokens=40).text.count("fox") < 40


def test_dry_keeps_a_phrase_from_being_repeated(starter_host: Rig) -> None:
    question = "Repeat this ten times: the red fox runs over the green hill."
    plain = starter_host.ask(question, sampling=GREEDY, max_tokens=60).text
    dry = replace(GREEDY, dry_multiplier=5.0, dry_breakers=())
    kept = starter_host.ask(question, sampling=dry, max_tokens=60).text
    assert kept.count("red fox runs over") < plain.count("red fox runs over")


def test_stop_strings_of_several_kinds(starter_host: Rig) -> None:
    whole = starter_host.ask(STORY, max_tokens=40).text
    stop = whole[20:24]
    events = starter_host.ask(STORY, max_tokens=40, stop=("never there", stop))
    assert events.text == whole[: whole.index(stop)]
    assert events.reason is FinishReason.STOP


_NUMBERS = [field for field in Sampling.__dataclass_fields__.values() if field.metadata]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1e30, 1e-30, 0.0])
def test_odd_values_do_no_harm(small_host: Rig, value: float) -> None:
    for field in _NUMBERS:
        whole = isinstance(field.default, int)
        odd = int(value) if whole and math.isfinite(value) else value
        sampling = replace(Sampling(seed=1), **{field.name: odd})
        events = small_host.ask("Hi.", sampling=sampling, max_tokens=2)
        assert events.last.stats.answer_tokens > 0, field.name


def test_all_odd_at_once_do_no_harm(small_host: Rig) -> None:
    for value in (math.nan, math.inf, -math.inf):
        odd: dict[str, Any] = {field.name: value for field in _NUMBERS}
        sampling = Sampling(**odd, seed=-(10**20), logit_bias=(("a", value), ("\ud800", value)))
        assert small_host.ask("Hi.", sampling=sampling, max_tokens=3).last.stats.answer_tokens > 0
