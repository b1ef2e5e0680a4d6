"""The formulas' own laws; tests/unit/engine/test_fit_formula.py holds them against llama.cpp."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fit import (
    CACHE_TYPES,
    ContextPlan,
    Fit,
    FitEstimate,
    FitRecord,
    LayerShape,
    MeasuredSizes,
    ModelShape,
    Verdict,
    estimate,
    largest_context,
    learned_factor,
    verdict_of,
)

MIB = 1024 * 1024
GIB = 1024 * MIB

LAYERS = st.builds(
    LayerShape,
    key=st.integers(0, 64).map(lambda n: 64 * n),
    value=st.integers(0, 64).map(lambda n: 64 * n),
    sliding=st.booleans(),
    state=st.integers(0, 1_000_000),
)
SHAPES = st.builds(
    ModelShape,
    weights_bytes=st.integers(0, 10**12),
    layers=st.lists(LAYERS, max_size=8).map(tuple),
    trained_context=st.integers(0, 1_000_000),
    window=st.integers(0, 8192),
    vocabulary=st.integers(1, 300_000),
    width=st.integers(1, 16_384),
    heads=st.integers(0, 128),
    query=st.integers(0, 16_384),
    inner=st.integers(0, 65_536),
    experts_used=st.integers(0, 16),
    recurrent=st.integers(0, 16_384),
    convolved=st.integers(0, 16_384),
)
PLANS = st.builds(
    ContextPlan,
    context_length=st.integers(64, 1_000_000),
    key_type=st.sampled_from(sorted(CACHE_TYPES)),
    value_type=st.sampled_from(sorted(CACHE_TYPES)),
    batch=st.integers(1, 4096),
    flash=st.booleans(),
    sequences=st.integers(1, 16),
    outputs=st.integers(1, 512),
)


def shape(*layers: LayerShape, window: int = 0) -> ModelShape:
    return ModelShape(
        weights_bytes=100 * MIB,
        layers=layers,
        trained_context=8192,
        window=window,
        vocabulary=32_000,
        width=1024,
        heads=16,
        query=1024,
        inner=4096,
    )


def records(*ratios: float) -> list[FitRecord]:
    return [
        FitRecord(
            "a.gguf", 1, 1, ContextPlan(512), FitEstimate(0, 0, 0, 1000),
            MeasuredSizes(512, 0, 0, round(1000 * ratio)),
        )
        for ratio in ratios
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ the laws


@given(SHAPES, PLANS, st.integers(1, 100_000))
def test_a_longer_context_never_takes_less(model: ModelShape, plan: ContextPlan, more: int) -> None:
    longer = replace(plan, context_length=plan.context_length + more)
    assert estimate(model, longer).total_bytes >= estimate(model, plan).total_bytes


@given(SHAPES, PLANS)
def test_more_conversations_never_take_less(model: ModelShape, plan: ContextPlan) -> None:
    more = replace(plan, sequences=plan.sequences + 1)
    assert estimate(model, more).total_bytes >= estimate(model, plan).total_bytes


@given(SHAPES, PLANS)
def test_flash_attention_never_takes_more(model: ModelShape, plan: ContextPlan) -> None:
    with_it, without = replace(plan, flash=True), replace(plan, flash=False)
    assert estimate(model, with_it).total_bytes <= estimate(model, without).total_bytes


@given(SHAPES, PLANS)
def test_smaller_numbers_take_less(model: ModelShape, plan: ContextPlan) -> None:
    sizes = [
        estimate(model, replace(plan, key_type=kind, value_type=kind)).cache_bytes
        for kind in ("f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
    ]
    assert sizes == sorted(sizes, reverse=True)


@given(SHAPES, PLANS)
def test_the_whole_is_the_sum_of_its_parts(model: ModelShape, plan: ContextPlan) -> None:
    found = estimate(model, plan)
    parts = (found.weights_bytes, found.cache_bytes, found.state_bytes, found.compute_bytes)
    assert found.total_bytes == sum(parts)
    assert min(parts) >= 0


@given(SHAPES, st.integers(0, 10**12), st.integers(256, 1_000_000))
def test_the_largest_context_fits_and_the_next_does_not(
    model: ModelShape, free: int, most: int
) -> None:
    longest = largest_context(
        lambda length: estimate(model, ContextPlan(length)).total_bytes <= free, most
    )
    assert 0 <= longest <= most
    if longest:
        assert estimate(model, ContextPlan(longest)).total_bytes <= free
    if longest + 256 <= most:
        assert estimate(model, ContextPlan(longest + 256)).total_bytes > free


# --------------------------------------------------------------------------------- the figures


def test_a_cache_holds_key_and_value_of_each_layer() -> None:
    found = estimate(shape(*[LayerShape(1024, 1024)] * 32), ContextPlan(8192))
    assert found.cache_bytes == GIB


def test_lengths_go_in_steps() -> None:
    model = shape(LayerShape(64, 64))
    assert estimate(model, ContextPlan(257)).cache_bytes == 512 * 128 * 2


def test_a_sliding_layer_keeps_its_window_and_one_batch() -> None:
    model = shape(LayerShape(64, 64, sliding=True), LayerShape(64, 64), window=1024)
    alone, shared = (ContextPlan(32_768, sequences=count) for count in (1, 4))
    assert estimate(model, alone).cache_bytes == (32_768 + 1024 + 512) * 128 * 2
    assert estimate(model, shared).cache_bytes == (32_768 + 4 * 1024 + 512) * 128 * 2
    assert estimate(model, ContextPlan(512)).cache_bytes == 2 * 512 * 128 * 2


def test_latent_attention_keeps_no_values() -> None:
    found = estimate(shape(LayerShape(key=576)), ContextPlan(1024))
    assert found.cache_bytes == 1024 * 576 * 2


def test_a_recurrent_layer_takes_the_same_for_any_length() -> None:
    model = shape(LayerShape(state=1000))
    plans = (ContextPlan(length, sequences=1) for length in (512, 65_536))
    short, long = (estimate(model, plan).context_bytes for plan in plans)
    assert short == long == 4000
    assert estimate(model, ContextPlan(512, sequences=4)).state_bytes == 16_000


def test_without_flash_attention_values_are_as_wide_as_the_widest() -> None:
    model = shape(LayerShape(64, 64), LayerShape(64, 256), LayerShape(state=5))
    found = estimate(model, ContextPlan(256, flash=False))
    assert found.cache_bytes == 256 * (2 * 64 + 2 * 256) * 2


def test_the_factor_corrects_the_computation_only() -> None:
    model = shape(LayerShape(64, 64, state=7))
    plain, more = estimate(model, ContextPlan(512)), estimate(model, ContextPlan(512), 1.2)
    assert more.compute_bytes == round(1.2 * plain.compute_bytes)
    assert replace(more, compute_bytes=0) == replace(plain, compute_bytes=0)


# --------------------------------------------------------------------------------- the verdict


@pytest.mark.parametrize(
    ("needed", "free", "expected"),
    [
        (1 * GIB, 16 * GIB, Verdict.FITS),
        (14 * GIB, 16 * GIB, Verdict.FITS),
        (14 * GIB + 1, 16 * GIB, Verdict.TIGHT),
        (16 * GIB, 16 * GIB, Verdict.TIGHT),
        (16 * GIB + 1, 16 * GIB, Verdict.TOO_LARGE),
        (800 * MIB, 1 * GIB, Verdict.TIGHT),
        (0, 0, Verdict.TIGHT),
    ],
)
def test_an_eighth_is_to_spare(needed: int, free: int, expected: Verdict) -> None:
    assert verdict_of(needed, free) is expected


def test_what_was_measured_goes_before_what_is_expected() -> None:
    fit = Fit(ContextPlan(512), FitEstimate(10, 0, 0, 0), MeasuredSizes(512, GIB, 0, 0), GIB // 2)
    assert fit.verdict is Verdict.TOO_LARGE
    assert replace(fit, measured=None).needed_bytes == 10


# ---------------------------------------------------------------------------------- learning


def test_nothing_known_is_no_correction() -> None:
    assert learned_factor([]) == 1.0
    assert learned_factor(records(0.0)) == 1.0


def test_the_median_is_learned() -> None:
    assert learned_factor(records(1.1, 1.0, 9.0)) == 1.1


def test_only_the_last_ones_count() -> None:
    assert learned_factor(records(*[1.1] * 20, *[0.9] * 100)) == 1.1


@pytest.mark.parametrize(("ratio", "factor"), [(0.1, 0.8), (5.0, 1.3)])
def test_it_is_bounded(ratio: float, factor: float) -> None:
    assert learned_factor(records(ratio)) == factor
