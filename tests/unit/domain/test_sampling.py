"""The order of the chain, the bounds, and the way through JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.sampling import Link, Sampling, bounded, chain_of, recommended, sampling_from_dict

EVERYTHING = Sampling(
    repeat_penalty=1.1,
    logit_bias=(("a", 1.0),),
    dry_multiplier=0.8,
    top_n_sigma=1.0,
    typical_p=0.9,
    xtc_probability=0.5,
)


def test_the_order_is_that_of_llama_cpp() -> None:
    assert chain_of(EVERYTHING) == (
        Link.LOGIT_BIAS,
        Link.PENALTIES,
        Link.DRY,
        Link.TOP_N_SIGMA,
        Link.TOP_K,
        Link.TYPICAL,
        Link.TOP_P,
        Link.MIN_P,
        Link.XTC,
        Link.TEMPERATURE,
        Link.DRAW,
    )


def test_what_is_off_is_left_out() -> None:
    assert chain_of(Sampling(top_k=0, top_p=1, min_p=0)) == (Link.TEMPERATURE, Link.DRAW)
    assert Link.PENALTIES in chain_of(Sampling(presence_penalty=0.5))
    assert Link.XTC not in chain_of(Sampling(xtc_probability=1, xtc_threshold=0.6))


def test_without_a_temperature_only_biases_and_penalties_have_a_say() -> None:
    changed = sampling_from_dict(asdict(EVERYTHING) | {"temperature": 0.001, "mirostat": 2})
    assert chain_of(changed) == (Link.LOGIT_BIAS, Link.PENALTIES, Link.DRY, Link.GREEDY)


def test_mirostat_takes_the_place_of_the_cuts() -> None:
    assert chain_of(Sampling(mirostat=2)) == (Link.TEMPERATURE, Link.MIROSTAT)


_ANYTHING = st.one_of(st.floats(), st.integers(-(10**30), 10**30))
_NUMBERS = [field.name for field in fields(Sampling) if field.metadata]


@given(st.fixed_dictionaries(dict.fromkeys(_NUMBERS, _ANYTHING)), st.floats())
def test_every_number_ends_inside_its_bounds(numbers: dict[str, Any], bias: float) -> None:
    sound = bounded(Sampling(**numbers, logit_bias=(("a", bias), ("", 1.0))))
    for field in fields(Sampling):
        if field.metadata:
            value = getattr(sound, field.name)
            assert field.metadata["low"] <= value <= field.metadata["high"]
            assert type(value) is type(field.default)
    assert all(math.isfinite(number) and abs(number) <= 100 for _, number in sound.logit_bias)
    assert bounded(sound) == sound
    assert chain_of(sound) == chain_of(Sampling(**numbers, logit_bias=sound.logit_bias))


def test_all_defaults_are_inside_their_bounds() -> None:
    assert bounded(Sampling()) == Sampling()


def test_a_way_through_json_changes_nothing() -> None:
    assert sampling_from_dict(json.loads(json.dumps(asdict(EVERYTHING)))) == EVERYTHING


def test_what_an_older_or_newer_version_wrote_is_read() -> None:
    old = {"temperature": 0.3, "seed": 7, "top_k": 5, "newer": [1]}
    assert sampling_from_dict(old) == Sampling(temperature=0.3, seed=7, top_k=5)


def test_advice_replaces_what_it_names() -> None:
    advised = recommended(Sampling(min_p=0.1), (("top_k", 20.0), ("temperature", 0.6)))
    assert advised == Sampling(min_p=0.1, top_k=20, temperature=0.6)
    assert isinstance(advised.top_k, int)
