"""Load parameters: bounds, what cannot go together, and the way through JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import LoadSettingsRefused
from app.domain.fit import CACHE_TYPES
from app.domain.load_params import (
    AUTOMATIC,
    MOST_ADAPTERS,
    Adapter,
    LoadParams,
    bounded,
    check,
    is_possible,
    load_params_from_dict,
    plan_of,
    settled_micro_batch,
)

NUMBERS = st.integers(-(10**12), 10**12)
REALS = st.floats(allow_nan=True, allow_infinity=True)


def optional(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | numbers


WILD = st.builds(
    LoadParams,
    context_length=optional(NUMBERS),
    gpu_layers=optional(NUMBERS),
    threads=optional(NUMBERS),
    prompt_threads=optional(NUMBERS),
    batch=NUMBERS,
    micro_batch=optional(NUMBERS),
    main_device=optional(NUMBERS),
    tensor_split=st.lists(REALS, max_size=20).map(tuple),
    rope_factor=REALS,
    rope_base=REALS,
    adapters=st.lists(st.builds(Adapter, st.text(), REALS), max_size=3).map(tuple),
)


@given(WILD)
def test_whatever_is_asked_stays_within_its_bounds(params: LoadParams) -> None:
    sound = bounded(params)
    for field in fields(LoadParams):
        value = getattr(sound, field.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert field.metadata["low"] <= value <= field.metadata["high"]
            assert isinstance(value, float) is isinstance(field.default, float)
    assert settled_micro_batch(sound) <= sound.batch
    assert all(math.isfinite(share) and share >= 0 for share in sound.tensor_split)
    assert all(math.isfinite(adapter.scale) for adapter in sound.adapters)
    assert bounded(sound) == sound


def test_a_hundred_thousand_threads_become_as_many_as_ggml_can_have() -> None:
    assert bounded(LoadParams(threads=100_000)).threads == 512


def test_a_split_of_nothing_is_none() -> None:
    assert bounded(LoadParams(tensor_split=(0.0, 0.0))).tensor_split == ()


@given(WILD)
def test_through_json_and_back(params: LoadParams) -> None:
    sound = bounded(params)
    assert load_params_from_dict(json.loads(json.dumps(asdict(sound)))) == sound


def test_what_another_version_knows_is_left_out() -> None:
    assert load_params_from_dict({"batch": 256, "hyperdrive": True}) == LoadParams(batch=256)


@pytest.mark.parametrize(
    ("name", "value"),
    [("key_type", "q9_9"), ("value_type", "q4_K"), ("flash_attention", "perhaps"),
     ("rope_scaling", "longrope")],
)  # fmt: skip
def test_an_unknown_word_is_refused(name: str, value: str) -> None:
    with pytest.raises(LoadSettingsRefused, match=value) as raised:
        check(replace(LoadParams(), **{name: value}))
    assert "It is one of" in raised.value.detail


@pytest.mark.parametrize("value_type", ["q8_0", "q4_0", "iq4_nl"])
def test_small_values_need_flash_attention(value_type: str) -> None:
    check(LoadParams(value_type=value_type))
    check(LoadParams(value_type=value_type, flash_attention="on"))
    with pytest.raises(LoadSettingsRefused, match="flash attention"):
        check(LoadParams(value_type=value_type, flash_attention="off"))


def test_small_keys_do_not() -> None:
    check(LoadParams(key_type="q4_0", flash_attention="off"))


def test_too_many_adapters_are_refused() -> None:
    check(LoadParams(adapters=(Adapter("a"),) * MOST_ADAPTERS))
    with pytest.raises(LoadSettingsRefused, match="too many"):
        check(LoadParams(adapters=(Adapter("a"),) * (MOST_ADAPTERS + 1)))


def test_a_template_of_many_megabytes_is_refused() -> None:
    with pytest.raises(LoadSettingsRefused, match="too long"):
        check(LoadParams(template="x" * 5_000_000))


def test_blocks_must_be_filled() -> None:
    assert is_possible("q8_0", 64)
    assert not is_possible("q8_0", 80)
    assert is_possible("bf16", 80)
    assert is_possible(AUTOMATIC, 0)


def test_the_plan_of_a_load() -> None:
    params = LoadParams(1000, key_type="q8_0", micro_batch=256, full_window_cache=True)
    plan = plan_of(params, 8192)
    assert (plan.context_length, plan.key_type, plan.value_type) == (1024, "q8_0", "f16")
    assert (plan.batch, plan.flash, plan.full_window) == (256, True, True)
    assert plan_of(LoadParams(), 2048).context_length == 2048
    assert plan_of(LoadParams(), 2048).batch == 512
    assert plan_of(LoadParams(batch=256), 2048).batch == 256


def test_every_choice_and_number_is_described() -> None:
    for field in fields(LoadParams):
        assert field.metadata["label"]
        assert field.metadata["help"].endswith(".")
    assert set(CACHE_TYPES) < set(LoadParams.__dataclass_fields__["key_type"].metadata["choices"])
