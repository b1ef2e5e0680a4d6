"""What the calculation says for one moment of a machine, without asking anybody again."""

from __future__ import annotations

from dataclasses import replace

from app.domain.fit import LayerShape, MeasuredSizes, ModelShape, Verdict
from app.domain.fit_inputs import FitInputs
from app.domain.load_params import LoadParams
from app.domain.placement import Device, DeviceKind, Room

GB = 10**9
SHAPE = ModelShape(
    40 * GB,
    tuple(LayerShape(1024, 1024, weights_bytes=GB // 2) for _ in range(78)),
    131_072,
    0,
    128_256,
    8192,
    64,
    8192,
    28_672,
    output_bytes=GB,
    head_width=128,
)
CARD = Device("CUDA0", "A card", "CUDA", DeviceKind.GRAPHICS, 20 * GB, 24 * GB)
BESIDE_A_CARD = FitInputs(SHAPE, 131_072, Room(64 * GB, (CARD,)), 64 * GB)


def wish(length: int | None = None) -> LoadParams:
    return LoadParams(context_length=length, key_type="f16", value_type="f16")


def test_a_longer_context_takes_layers_from_the_card() -> None:
    short, long = (BESIDE_A_CARD.fit(wish(length)) for length in (4096, 65_536))
    assert short.verdict is long.verdict is Verdict.FITS
    assert 0 < long.shares[1].layers < short.shares[1].layers


def test_the_largest_context_may_move_layers_to_the_processor() -> None:
    """With as many layers on the card as the usual context leaves, less would fit."""
    largest = BESIDE_A_CARD.largest_context(wish())
    assert BESIDE_A_CARD.fit(wish(largest)).verdict is not Verdict.TOO_LARGE
    assert BESIDE_A_CARD.fit(wish(largest)).shares[1].layers < 20
    fixed = replace(wish(), gpu_layers=BESIDE_A_CARD.fitted(wish()).gpu_layers)
    assert BESIDE_A_CARD.largest_context(fixed) < largest


def test_what_was_measured_is_told_for_its_plan_alone() -> None:
    plan = BESIDE_A_CARD.fit(wish(4096)).plan
    sizes = MeasuredSizes(4096, 40 * GB, GB, GB)
    known = replace(BESIDE_A_CARD, measured=((plan, sizes),))
    assert known.fit(wish(4096)).measured == sizes
    assert known.fit(wish(8192)).measured is None
