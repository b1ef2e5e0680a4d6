"""Where a model's layers lie, and what fits: the choices that are left automatic.

Which layer goes to which graphics processor follows llama.cpp (`load_tensors` in its
src/llama-model.cpp): the last layers, the output among them, are dealt out in order by the shares
of the devices, and the input stays with the processor. The caches of a layer lie where it does;
each place that computes needs buffers. All sizes are bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from app.domain.fit import (
    MEMORY,
    ContextPlan,
    ModelShape,
    Share,
    Verdict,
    automatic_length,
    estimate,
    layer_bytes,
    spare_of,
    verdict_of,
    worst,
)
from app.domain.load_params import (
    AUTOMATIC,
    LoadParams,
    bounded,
    is_plain,
    is_possible,
    plan_of,
)

SHORTEST_AUTOMATIC = 2048
"""Tokens: an automatic context is not made shorter than this in order to fit."""
_SMALLER_CACHE = "q8_0"
"""Half of f16, and hardly to be told from it; what takes less is for people to choose."""


_PLAIN_BATCHES = (256, 128)
"""Tokens that are computed at once without flash attention; the first that fits."""
_PLAIN_ATTENTION_MOST = 192 * 1024 * 1024
"""What the computation may take more without flash attention."""


class DeviceKind(StrEnum):
    """Whose memory a device computes in."""

    PROCESSOR = "processor"
    GRAPHICS = "graphics"
    """A graphics processor with memory of its own."""
    SHARED = "shared"
    """A graphics processor in the machine's memory."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes, as llama.cpp lists it."""

    name: str
    """As in llama.cpp's log: `CPU`, `CUDA0`."""
    description: str
    backend: str
    """`CPU`, `CUDA`, `Metal`, `Vulkan` …"""
    kind: DeviceKind
    free_bytes: int
    total_bytes: int
    """0 where it does not tell."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is free: of the machine's memory, and of each graphics processor."""

    memory: int
    devices: tuple[Device, ...] = ()
    """The graphics processors; others are left out."""


def without(room: Room, taken: Mapping[str, int]) -> Room:
    """The room that is left when so many bytes of each place are taken."""
    return Room(
        max(0, room.memory - taken.get(MEMORY, 0)),
        tuple(
            replace(device, free_bytes=max(0, device.free_bytes - taken.get(device.name, 0)))
            for device in room.devices
        ),
    )


def room_of(memory: int, devices: Iterable[Device], gives_back: Mapping[str, int]) -> Room:
    """The room for a model, with what those that make way would give back (by place).

    As llama.cpp does, those that share the machine's memory are used only where there is none with
    memory of its own.
    """
    every = [device for device in devices if device.kind is not DeviceKind.PROCESSOR]
    own = [device for device in every if device.kind is DeviceKind.GRAPHICS]
    return Room(
        memory,
        tuple(
            replace(
                device,
                free_bytes=min(
                    device.free_bytes + gives_back.get(device.name, 0),
                    device.total_bytes or device.free_bytes,
                ),
            )
            for device in (own or every)
        ),
    )


def place(
    shape: ModelShape, params: LoadParams, plan: ContextPlan, room: Room, factor: float = 1.0
) -> tuple[Share, ...]:
    """What a model takes of each place: of the memory first, then of each device that is used.

    With `gpu_layers` automatic everything is on the devices, where there are any.
    """
    devices = _used_devices(params, room)
    whole = estimate(shape, plan, factor)
    count = len(shape.layers) + 1
    offloaded = min(count, params.gpu_layers if params.gpu_layers is not None else count)
    if not devices or offloaded <= 0:
        context, weights = whole.context_bytes, whole.weights_bytes
        return (Share(MEMORY, count, weights, context, whole.compute_bytes, room.memory),)
    kept, weights = _kept(shape, plan), _layer_weights(shape)
    homes = _homes(count, offloaded, _shares(params, devices))
    shares: list[Share] = []
    for number, device in enumerate(devices):
        mine = [layer for layer, home in enumerate(homes) if home == number]
        if mine:
            shares.append(
                Share(
                    device.name,
                    len(mine),
                    sum(weights[layer] for layer in mine),
                    sum(kept[layer] for layer in mine),
                    whole.compute_bytes,
                    device.free_bytes,
                )
            )
    rest = Share(
        MEMORY,
        homes.count(None),
        max(0, shape.weights_bytes - sum(share.weights_bytes for share in shares)),
        sum(kept[layer] for layer, home in enumerate(homes) if home is None),
        whole.compute_bytes,
        room.memory,
    )
    return (rest, *shares)


def _kept(shape: ModelShape, plan: ContextPlan) -> list[int]:
    """Bytes of the context that lie where each layer does; the output keeps none."""
    return [*layer_bytes(shape, plan), 0]


def _layer_weights(shape: ModelShape) -> list[int]:
    """Bytes of the weights of each layer, the output's among them."""
    return [*(layer.weights_bytes for layer in shape.layers), shape.output_bytes]


def needs_of(shares: Sequence[Share]) -> tuple[tuple[str, int], ...]:
    """Bytes by place, for whoever has to make room."""
    return tuple((share.place, share.total_bytes) for share in shares)


def fitted(shape: ModelShape, wished: LoadParams, room: Room, factor: float = 1.0) -> LoadParams:
    """The wish with every automatic choice made so that it fits into the room, with a margin.

    In this order: the whole model on the graphics processors with the usual context; a smaller type
    for the cache; a shorter context; then as many layers as fit there. What is wished stays as it
    is, and where nothing fits the last of these is tried all the same. On the processor alone,
    attention is chosen last, by what is left.
    """
    wished = bounded(wished)
    found = _first_that_fits(shape, wished, room, factor)
    alone = found.gpu_layers == 0 or not _used_devices(found, room)
    return _with_plain_attention(shape, found, room, factor) if alone else found


def _first_that_fits(
    shape: ModelShape, wished: LoadParams, room: Room, factor: float
) -> LoadParams:
    choices = [
        replace(wished, context_length=length, key_type=key, value_type=value)
        for length in _lengths(shape, wished)
        for key, value in _types(shape, wished)
    ]
    devices = _used_devices(wished, room)
    if devices:
        for params in choices if wished.gpu_layers is None else ():
            if _fits(shape, _all_layers(shape, params), room, factor):
                return _all_layers(shape, params)
        # In part on the processor: a small context would not bring the rest back.
        choices = [_most_layers(shape, params, room, factor) for params in choices]
    return next((params for params in choices if _fits(shape, params, room, factor)), choices[-1])


def _with_plain_attention(
    shape: ModelShape, params: LoadParams, room: Room, factor: float
) -> LoadParams:
    """Without flash attention, if that is left automatic and there is memory for it.

    ggml's flash attention for processors is made for 64 tokens at once and more; a single one goes
    through the cache about three times as slowly as with plain attention (docs/FIT.md has the
    measurements), and single tokens are what writing is made of. What plain attention takes grows
    with the tokens that are computed at once, and few of them are read as fast as many; so unless
    their number is wished, it is chosen too.
    """
    if params.flash_attention != "auto":
        return params
    if not (is_plain(params.key_type) and is_plain(params.value_type)):
        return params
    most = _compute_bytes(shape, params, factor) + _PLAIN_ATTENTION_MOST
    wished = params.micro_batch
    for tokens in _PLAIN_BATCHES if wished is None else (wished,):
        plain = replace(params, flash_attention="off", micro_batch=min(tokens, params.batch))
        if _compute_bytes(shape, plain, factor) <= most and _fits(shape, plain, room, factor):
            return plain
    return params


def _compute_bytes(shape: ModelShape, params: LoadParams, factor: float) -> int:
    return estimate(shape, plan_of(params, shape.trained_context), factor).compute_bytes


def _all_layers(shape: ModelShape, params: LoadParams) -> LoadParams:
    return replace(params, gpu_layers=len(shape.layers) + 1)


def _most_layers(shape: ModelShape, params: LoadParams, room: Room, factor: float) -> LoadParams:
    """As many layers on the devices as fit there, if that number is not wished."""
    if params.gpu_layers is not None:
        return params
    devices = _used_devices(params, room)
    plan = plan_of(params, shape.trained_context)
    buffers = estimate(shape, plan, factor).compute_bytes
    taken = [
        kept + weights
        for kept, weights in zip(_kept(shape, plan), _layer_weights(shape), strict=True)
    ]
    shares = _shares(params, devices)

    def fit_there(count: int) -> bool:
        """As `place` would tell, without all that it tells besides: this is asked for each count
        while somebody drags a slider."""
        needs = [0] * len(devices)
        for layer, home in enumerate(_homes(len(taken), count, shares)):
            if home is not None:
                needs[home] += taken[layer]
        return all(
            verdict_of(need + buffers, device.free_bytes) is Verdict.FITS
            for need, device in zip(needs, devices, strict=True)
            if need
        )

    count = next((count for count in range(len(taken), 0, -1) if fit_there(count)), 0)
    return replace(params, gpu_layers=count)


def _fits(shape: ModelShape, params: LoadParams, room: Room, factor: float) -> bool:
    plan = plan_of(params, shape.trained_context)
    return worst(place(shape, params, plan, room, factor)) is Verdict.FITS


def _lengths(shape: ModelShape, wished: LoadParams) -> list[int]:
    if wished.context_length is not None:
        return [wished.context_length]
    usual = automatic_length(shape.trained_context)
    shorter = [length for length in (4096, SHORTEST_AUTOMATIC) if length < usual]
    return [usual, *shorter]


def _types(shape: ModelShape, wished: LoadParams) -> list[tuple[str, str]]:
    """Types of keys and values to try, the better ones first."""

    def settled(told: str, automatic: str) -> str:
        return automatic if told == AUTOMATIC else told

    pairs = [(settled(wished.key_type, "f16"), settled(wished.value_type, "f16"))]
    possible = wished.flash_attention != "off" and is_possible(_SMALLER_CACHE, shape.head_width)
    if possible and all(layer.value or not layer.key for layer in shape.layers):
        smaller = _SMALLER_CACHE
        pairs.append((settled(wished.key_type, smaller), settled(wished.value_type, smaller)))
    return list(dict.fromkeys(pairs))


# ------------------------------------------------------------------------------------- devices


def _used_devices(params: LoadParams, room: Room) -> tuple[Device, ...]:
    if params.gpu_layers == 0:
        return ()
    if params.main_device is not None:
        return room.devices[params.main_device : params.main_device + 1]
    return room.devices


def _shares(params: LoadParams, devices: Sequence[Device]) -> list[float]:
    """How the layers are dealt out: as wished, else by free memory."""
    split = params.tensor_split[: len(devices)]
    if params.main_device is None and any(split):
        return [*split, *[0.0] * (len(devices) - len(split))]
    return [float(device.free_bytes) or 1.0 for device in devices]


def _homes(count: int, offloaded: int, shares: Sequence[float]) -> list[int | None]:
    """The number of the device of each layer; None stays with the processor."""
    total = sum(shares)
    ends = [end / total for end in accumulate(shares)]
    first = count - offloaded
    return [
        None
        if layer < first
        else min(bisect_right(ends, (layer - first) / offloaded), len(ends) - 1)
        for layer in range(count)
    ]


# ------------------------------------------------------------------------------------ residents


@dataclass(frozen=True, slots=True)
class Resident:
    """A loaded model, as whoever has to make room sees it."""

    path: str
    holds: Mapping[str, int]
    """Bytes by place."""
    busy: bool
    used_at: float


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """What has to be unloaded so that another model finds room."""

    unload: tuple[str, ...]
    """Paths, in this order."""
    enough: bool
    """Whether there is room then; else only what is busy stands in the way, or nothing helps."""


def make_room(
    needs: Mapping[str, int],
    free: Mapping[str, int],
    residents: Sequence[Resident],
    budget: int = 0,
) -> MakeRoom:
    """Which idle models must go, those that were not used for longest first; never a busy one.

    `free` is what nobody holds. With a `budget` (bytes of all models together; 0: none) only that
    counts, else each place must keep something to spare.
    """
    there = dict(free)
    held = sum(sum(resident.holds.values()) for resident in residents)
    unload: list[str] = []

    def short() -> set[str]:
        """The places where room is missing."""
        if budget:
            return set(needs) if held + sum(needs.values()) > budget else set()
        return {name for name, needed in needs.items() if not _has_room(needed, there.get(name, 0))}

    idle = sorted((r for r in residents if not r.busy), key=lambda r: r.used_at)
    for resident in idle:
        missing = short()
        if not missing:
            break
        if not budget and not any(resident.holds.get(name) for name in missing):
            # It would give back nothing that is wanted.
            continue
        unload.append(resident.path)
        held -= sum(resident.holds.values())
        for name, nbytes in resident.holds.items():
            there[name] = there.get(name, 0) + nbytes
    return MakeRoom(tuple(unload), not short())


def _has_room(needed: int, free: int) -> bool:
    return needed <= free - spare_of(free)
