"""Where layers lie and what fits, on machines that only these lists have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fit import MEMORY, LayerShape, ModelShape, Verdict, estimate, worst
from app.domain.load_params import LoadParams, plan_of
from app.domain.placement import (
    Device,
    DeviceKind,
    Resident,
    Room,
    fitted,
    make_room,
    needs_of,
    place,
    room_of,
)

GIB = 1024**3
LAYERS = 32


def model(
    *, layer_bytes: int = GIB // 8, head_width: int = 128, layers: int = LAYERS
) -> ModelShape:
    """Like a model of 8 billion parameters at 4 bits: 4 GiB and some, of which a half for words."""
    return ModelShape(
        weights_bytes=layers * layer_bytes + GIB // 2,
        layers=(LayerShape(1024, 1024, weights_bytes=layer_bytes),) * layers,
        trained_context=131_072,
        window=0,
        vocabulary=128_000,
        width=4096,
        heads=32,
        query=4096,
        inner=14_336,
        output_bytes=GIB // 4,
        head_width=head_width,
    )


def card(number: int, free: float, kind: DeviceKind = DeviceKind.GRAPHICS) -> Device:
    total = round(max(free, 24) * GIB)
    return Device(f"CUDA{number}", "A card", "CUDA", kind, round(free * GIB), total)


CPU = Device("CPU", "A processor", "CPU", DeviceKind.PROCESSOR, 16 * GIB, 16 * GIB)


def room(*cards: Device, memory: float = 32) -> Room:
    return Room(round(memory * GIB), cards)


def layers_of(params: LoadParams, where: Room, shape: ModelShape | None = None) -> list[int]:
    """How many layers each place has, the processor's first."""
    shape = shape or model()
    plan = plan_of(params, shape.trained_context)
    return [share.layers for share in place(shape, params, plan, where)]


# ----------------------------------------------------------------------------- where layers lie


def test_without_a_card_all_is_in_memory() -> None:
    shape = model()
    (share,) = place(shape, LoadParams(), plan_of(LoadParams(), 0), room())
    assert (share.place, share.layers) == (MEMORY, LAYERS + 1)
    assert share.total_bytes == estimate(shape, plan_of(LoadParams(), 0)).total_bytes


def test_one_card_takes_all_but_the_input() -> None:
    rest, there = place(model(), LoadParams(), plan_of(LoadParams(), 0), room(card(0, 24)))
    assert (rest.layers, there.layers) == (0, LAYERS + 1)
    # What is neither in a layer nor makes words: the embedding.
    assert rest.weights_bytes == GIB // 4
    assert rest.context_bytes == 0


def test_layers_are_dealt_out_by_free_memory() -> None:
    assert layers_of(LoadParams(), room(card(0, 20), card(1, 10))) == [0, 22, 11]


def test_layers_are_dealt_out_as_wished() -> None:
    cards = room(card(0, 20), card(1, 20))
    assert layers_of(LoadParams(tensor_split=(3.0, 1.0)), cards) == [0, 25, 8]
    assert layers_of(LoadParams(tensor_split=(1.0,)), cards) == [0, 33]


def test_the_last_layers_are_the_ones_that_go() -> None:
    assert layers_of(LoadParams(gpu_layers=10), room(card(0, 20))) == [23, 10]
    assert layers_of(LoadParams(gpu_layers=0), room(card(0, 20))) == [33]


def test_one_card_alone() -> None:
    shares = place(
        model(), LoadParams(main_device=1), plan_of(LoadParams(), 0), room(card(0, 20), card(1, 20))
    )
    assert [share.place for share in shares] == [MEMORY, "CUDA1"]


@given(
    st.integers(0, 40),
    st.lists(st.floats(0.5, 80), max_size=4),
    st.lists(st.floats(0, 10), max_size=4),
)
def test_nothing_is_lost_on_the_way(layers: int, free: list[float], split: list[float]) -> None:
    shape, params = model(), LoadParams(gpu_layers=layers, tensor_split=tuple(split))
    plan = plan_of(params, 0)
    shares = place(shape, params, plan, room(*(card(n, gib) for n, gib in enumerate(free))))
    whole = estimate(shape, plan)
    assert sum(share.layers for share in shares) == LAYERS + 1
    assert sum(share.weights_bytes for share in shares) == whole.weights_bytes
    assert sum(share.context_bytes for share in shares) == whole.context_bytes


def test_integrated_cards_are_used_where_there_is_no_other() -> None:
    shared = card(0, 20, DeviceKind.SHARED)
    assert room_of(GIB, [CPU, shared], {}).devices == (shared,)
    assert room_of(GIB, [CPU, shared, card(1, 8)], {}).devices == (card(1, 8),)


def test_what_makes_way_gives_back_but_never_more_than_there_is() -> None:
    (device,) = room_of(GIB, [card(0, 20)], {"CUDA0": 2 * GIB}).devices
    assert device.free_bytes == 22 * GIB
    (device,) = room_of(GIB, [card(0, 20)], {"CUDA0": 9 * GIB}).devices
    assert device.free_bytes == 24 * GIB


# -------------------------------------------------------------------------------- what fits


def fit_of(params: LoadParams, where: Room, shape: ModelShape | None = None) -> Verdict:
    shape = shape or model()
    return worst(place(shape, params, plan_of(params, shape.trained_context), where))


def test_all_goes_to_a_card_with_room() -> None:
    found = fitted(model(), LoadParams(), room(card(0, 24)))
    assert (found.context_length, found.key_type, found.gpu_layers) == (8192, "f16", LAYERS + 1)


def test_a_smaller_cache_comes_before_a_shorter_context() -> None:
    # 4.5 GiB of weights and buffers; the cache of 8,192 tokens is 1 GiB in 16 bits.
    found = fitted(model(), LoadParams(), room(card(0, 6.0)))
    assert (found.context_length, found.key_type, found.value_type) == (8192, "q8_0", "q8_0")
    assert found.gpu_layers == LAYERS + 1


def test_a_shorter_context_comes_before_the_processor() -> None:
    found = fitted(model(), LoadParams(), room(card(0, 5.5)))
    assert found.context_length is not None
    assert found.context_length < 8192
    assert found.gpu_layers == LAYERS + 1


def test_as_many_layers_as_fit_on_a_small_card() -> None:
    where = room(card(0, 4))
    found = fitted(model(), LoadParams(), where)
    assert found.gpu_layers is not None
    assert 0 < found.gpu_layers < LAYERS
    assert found.context_length == 8192
    assert fit_of(found, where) is Verdict.FITS
    assert fit_of(replace(found, gpu_layers=found.gpu_layers + 1), where) is not Verdict.FITS


def test_a_card_without_room_takes_nothing() -> None:
    assert fitted(model(), LoadParams(), room(card(0, 0.2))).gpu_layers == 0


def test_two_cards_take_what_one_cannot() -> None:
    found = fitted(model(), LoadParams(), room(card(0, 4), card(1, 4)))
    assert found.gpu_layers == LAYERS + 1


def test_what_is_wished_is_never_changed() -> None:
    wish = LoadParams(context_length=32_768, key_type="f32", value_type="f16", gpu_layers=3)
    assert fitted(model(), wish, room(card(0, 2), memory=1)) == wish


def test_a_wished_context_may_get_a_smaller_cache() -> None:
    found = fitted(model(), LoadParams(context_length=32_768), room(memory=8.5))
    assert (found.context_length, found.key_type) == (32_768, "q8_0")


def test_heads_that_fill_no_blocks_keep_16_bits() -> None:
    found = fitted(model(head_width=80), LoadParams(), room(memory=6.5))
    assert (found.key_type, found.value_type) == ("f16", "f16")


def test_without_flash_attention_values_keep_16_bits() -> None:
    found = fitted(model(), LoadParams(flash_attention="off"), room(memory=6.5))
    assert found.value_type == "f16"


def test_a_processor_alone_does_without_flash_attention() -> None:
    chosen = fitted(model(), LoadParams(), room())
    assert (chosen.flash_attention, chosen.micro_batch) == ("off", 256)
    many = replace(model(), heads=64)
    assert fitted(many, LoadParams(), room()).micro_batch == 128


def test_graphics_processors_choose_for_themselves() -> None:
    assert fitted(model(), LoadParams(), room(card(0, 24))).flash_attention == "auto"


def test_a_long_context_is_worth_flash_attention() -> None:
    """All pairs of tokens would take some gigabytes."""
    chosen = fitted(model(), LoadParams(context_length=131_072), room(memory=64))
    assert chosen.flash_attention == "auto"


@pytest.mark.parametrize(
    "wished",
    [
        LoadParams(flash_attention="on"),
        LoadParams(value_type="q8_0"),
        LoadParams(flash_attention="off", micro_batch=512),
    ],
)
def test_what_is_wished_of_attention_stays(wished: LoadParams) -> None:
    chosen = fitted(model(), wished, room())
    assert chosen.flash_attention == wished.flash_attention
    assert chosen.micro_batch == wished.micro_batch


def test_a_micro_batch_that_is_wished_stays() -> None:
    """With plain attention where it is cheap for so many, else with flash attention."""
    small = replace(model(), heads=9)
    for tokens, attention in ((128, "off"), (512, "off"), (2048, "auto")):
        chosen = fitted(small, LoadParams(batch=2048, micro_batch=tokens), room())
        assert (chosen.micro_batch, chosen.flash_attention) == (tokens, attention)


def test_an_automatic_micro_batch_is_never_more_than_the_batch() -> None:
    small = replace(model(), heads=9)
    assert fitted(small, LoadParams(batch=128), room()).micro_batch == 128


def test_where_nothing_fits_the_least_is_tried() -> None:
    found = fitted(model(), LoadParams(), room(memory=1))
    assert (found.context_length, found.key_type) == (2048, "q8_0")


@given(st.floats(0.1, 64), st.lists(st.floats(0.1, 48), max_size=3))
def test_if_anything_fits_then_what_is_chosen_does(memory: float, free: list[float]) -> None:
    where = room(*(card(n, gib) for n, gib in enumerate(free)), memory=memory)
    least = LoadParams(context_length=2048, key_type="q8_0", value_type="q8_0", gpu_layers=0)
    chosen = fitted(model(), LoadParams(), where)
    if fit_of(least, where) is Verdict.FITS:
        assert fit_of(chosen, where) is Verdict.FITS


# -------------------------------------------------------------------------------- who makes way


def resident(path: str, gib: float, used_at: float = 0, *, busy: bool = False) -> Resident:
    return Resident(path, {MEMORY: round(gib * GIB)}, busy, used_at)


def test_nobody_goes_while_there_is_room() -> None:
    plan = make_room({MEMORY: 2 * GIB}, {MEMORY: 8 * GIB}, [resident("a", 4)])
    assert (plan.unload, plan.enough) == ((), True)


def test_the_one_used_longest_ago_goes_first_and_no_more_than_must() -> None:
    loaded = [resident("a", 4, 3), resident("b", 4, 1), resident("c", 4, 2)]
    plan = make_room({MEMORY: 6 * GIB}, {MEMORY: 4 * GIB}, loaded)
    assert (plan.unload, plan.enough) == (("b",), True)


def test_a_busy_one_never_goes() -> None:
    loaded = [resident("a", 4, 1, busy=True), resident("b", 1, 2)]
    plan = make_room({MEMORY: 6 * GIB}, {MEMORY: 2 * GIB}, loaded)
    assert (plan.unload, plan.enough) == (("b",), False)


def test_each_place_counts_for_itself() -> None:
    on_card = Resident("card", {MEMORY: GIB, "CUDA0": 6 * GIB}, False, 2)
    plan = make_room(
        {MEMORY: GIB, "CUDA0": 8 * GIB},
        {MEMORY: 20 * GIB, "CUDA0": 6 * GIB},
        [resident("memory", 8, 1), on_card],
    )
    assert plan.enough
    # Nothing is missing where the other one lies.
    assert plan.unload == ("card",)


@pytest.mark.parametrize(("budget", "goes"), [(8, ()), (7, ("a",)), (1, ("a",))])
def test_a_budget_counts_all_models_together(budget: int, goes: tuple[str, ...]) -> None:
    # Free memory is no matter then.
    plan = make_room({MEMORY: 4 * GIB}, {MEMORY: 0}, [resident("a", 4)], budget * GIB)
    assert plan.unload == goes


def test_needs_are_told_by_place() -> None:
    shares = place(model(), LoadParams(), plan_of(LoadParams(), 0), room(card(0, 24)))
    assert [name for name, _ in needs_of(shares)] == [MEMORY, "CUDA0"]
    assert dict(needs_of(shares))["CUDA0"] == shares[1].total_bytes
