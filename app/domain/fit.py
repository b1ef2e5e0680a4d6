"""How much memory a model takes, told from its header, and whether that fits.

The formulas follow llama.cpp (as vendored by llama-cpp-python 0.3.36): what the caches hold is
exact (src/llama-kv-cache.cpp, llama-kv-cache-iswa.cpp, llama-memory-recurrent.cpp); the buffers of
the computation are the largest of a few places in the graph, found by measuring. docs/FIT.md has
the errors. All sizes are bytes unless a name says otherwise.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

CACHE_TYPES: dict[str, tuple[int, int]] = {
    "f32": (1, 4),
    "f16": (1, 2),
    "bf16": (1, 2),
    "q8_0": (32, 34),
    "q5_1": (32, 24),
    "q5_0": (32, 22),
    "q4_1": (32, 20),
    "q4_0": (32, 18),
    "iq4_nl": (32, 18),
}
"""Elements of a block and its bytes, for each type that a cache can have."""

_CELLS = 256
"""llama.cpp makes caches in steps of so many tokens."""
_FLOAT = 4

AUTOMATIC_MOST = 8192
"""Tokens; see `LoadParams.context_length`."""

LEARNED_FROM = 20
"""How many of the last loads tell what to expect of the next."""
_LOWEST_FACTOR, _HIGHEST_FACTOR = 0.8, 1.3

MEMORY = ""
"""The name of the machine's own memory among the places where a model may lie."""

_SPARE_SHARE = 8
_LEAST_SPARE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LayerShape:
    """What one layer keeps, in elements: of each token it sees, and of each sequence."""

    key: int = 0
    value: int = 0
    sliding: bool = False
    """It sees only the last tokens, as many as the model's window."""
    state: int = 0
    """Of 4 bytes each; a recurrent layer's, whatever the length of the context."""
    weights_bytes: int = 0
    """Of the tensors that lie where the layer is computed."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What the formulas need of a header. Widths are elements of one token."""

    weights_bytes: int
    layers: tuple[LayerShape, ...]
    trained_context: int
    window: int
    """Tokens that sliding layers see; 0 where there are none."""
    vocabulary: int
    width: int
    heads: int
    query: int
    """Of all heads together, of the widest layer."""
    inner: int
    """Of the widest feed-forward part; of all experts that a token meets together."""
    experts_used: int = 0
    recurrent: int = 0
    """What a recurrent layer computes with."""
    convolved: int = 0
    """What its convolution sees."""
    output_bytes: int = 0
    """Of the tensors that turn the last layer into words."""
    head_width: int = 0
    """Elements of one head's key; 0 where heads differ or nothing is told."""


SEQUENCES = 8
"""Conversations that the engine answers side by side or keeps warm, in one cache."""
SEQUENCES_WHERE_DEAR = 2
"""The same where each takes memory of its own: a sliding window, a recurrent state."""
DRAFTED = 8
"""Tokens of a batch that are guessed beforehand and looked at together."""


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """How a context is to be made."""

    context_length: int
    key_type: str = "f16"
    value_type: str = "f16"
    batch: int = 512
    """Tokens that are computed at once (llama.cpp's n_ubatch)."""
    flash: bool = True
    """Flash attention, without which the weights of all pairs of tokens are held."""
    sequences: int = 0
    """Conversations that share the cache; 0: as many as the engine takes for the model."""
    outputs: int = 0
    """Tokens of a batch whose successors are asked for, at least one for each conversation; 0: as
    many as the engine takes."""
    full_window: bool = False
    """Sliding layers keep the whole context too (llama.cpp's swa_full)."""


@dataclass(frozen=True, slots=True)
class FitEstimate:
    """Where the memory goes."""

    weights_bytes: int
    cache_bytes: int
    state_bytes: int
    compute_bytes: int

    @property
    def context_bytes(self) -> int:
        """All that grows with the context or the number of conversations."""
        return self.cache_bytes + self.state_bytes

    @property
    def total_bytes(self) -> int:
        """All together."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class MeasuredSizes:
    """What llama.cpp itself says that a model takes."""

    context_length: int
    weights_bytes: int
    context_bytes: int
    compute_bytes: int

    @property
    def total_bytes(self) -> int:
        """All together."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class FitRecord:
    """What was expected of a load, and what came; of a file as it was at this size and time."""

    path: str
    file_bytes: int
    mtime_ns: int
    plan: ContextPlan
    predicted: FitEstimate
    """By the formula alone, without what earlier loads taught."""
    measured: MeasuredSizes


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of memory of this machine."""

    total: int
    available: int
    mapped_is_available: bool = False
    """Pages of files that are mapped into memory count as available (as Linux counts)."""


class Verdict(StrEnum):
    """Whether something fits into memory."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True)
class Share:
    """What a model takes of one place."""

    place: str
    """A device's name, or `MEMORY`."""
    layers: int
    """The output counts as one."""
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    free_bytes: int

    @property
    def total_bytes(self) -> int:
        """All together."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes

    @property
    def verdict(self) -> Verdict:
        """Whether that fits there."""
        return verdict_of(self.total_bytes, self.free_bytes)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model would take, against what is free."""

    plan: ContextPlan
    expected: FitEstimate
    measured: MeasuredSizes | None
    """What it took before, or in a dry run, with the same plan."""
    free_bytes: int
    """Of memory, together with what the loaded models would give back."""
    shares: tuple[Share, ...] = ()
    """What it takes of each place, where a graphics processor has a part of it."""
    draft_bytes: int = 0
    """What its draft model takes, wherever that lies; by the formula, and beside all the above."""

    @property
    def needed_bytes(self) -> int:
        """The best figure there is."""
        own = self.measured.total_bytes if self.measured else self.expected.total_bytes
        return own + self.draft_bytes

    @property
    def verdict(self) -> Verdict:
        """Whether that fits, at every place."""
        if self.shares:
            return worst(self.shares)
        return verdict_of(self.needed_bytes, self.free_bytes)


def worst(shares: Sequence[Share]) -> Verdict:
    """Whether a model fits at all its places."""
    order = (Verdict.TOO_LARGE, Verdict.TIGHT, Verdict.FITS)
    return min((share.verdict for share in shares), key=order.index)


def estimate(shape: ModelShape, plan: ContextPlan, factor: float = 1.0) -> FitEstimate:
    """What a model will take; `factor` corrects the part that is no exact sum."""
    plan = _settled(shape, plan)
    state = plan.sequences * _FLOAT * sum(layer.state for layer in shape.layers)
    return FitEstimate(
        weights_bytes=shape.weights_bytes,
        cache_bytes=sum(layer_bytes(shape, plan)) - state,
        state_bytes=state,
        compute_bytes=round(factor * _compute_bytes(shape, plan)),
    )


def sequences_for(*, dear: bool) -> int:
    """Conversations in one cache, which take memory of their own each where they are `dear`."""
    return SEQUENCES_WHERE_DEAR if dear else SEQUENCES


def _settled(shape: ModelShape, plan: ContextPlan) -> ContextPlan:
    """The plan with what the engine chooses by itself."""
    dear = bool(shape.window) or any(layer.state for layer in shape.layers)
    sequences = plan.sequences or sequences_for(dear=dear)
    return replace(plan, sequences=sequences, outputs=plan.outputs or sequences + DRAFTED)


def spare_of(free: int) -> int:
    """What should be left over of `free` bytes, for other programs and for what is not foreseen."""
    return max(_LEAST_SPARE, free // _SPARE_SHARE)


def verdict_of(needed: int, free: int) -> Verdict:
    """Whether `needed` bytes fit into `free` ones; without some to spare it is tight."""
    if needed > free:
        return Verdict.TOO_LARGE
    return Verdict.FITS if needed <= free - spare_of(free) else Verdict.TIGHT


def largest_context(fits: Callable[[int], bool], most: int) -> int:
    """The longest context of at most `most` tokens that `fits`.

    In steps of 256 tokens (or `most` itself); 0 where not even the shortest fits.
    """
    if fits(most):
        return most
    low, high = 0, most // _CELLS
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle * _CELLS):
            low = middle
        else:
            high = middle - 1
    return low * _CELLS


def learned_factor(records: Sequence[FitRecord]) -> float:
    """By how much the computation's buffers differ here: the median of the last records.

    `records` has the newest first. 1.0 where nothing is known; bounded, so that odd loads cannot
    make the estimate useless.
    """
    ratios = [
        record.measured.compute_bytes / record.predicted.compute_bytes
        for record in records[:LEARNED_FROM]
        if record.measured.compute_bytes > 0 and record.predicted.compute_bytes > 0
    ]
    if not ratios:
        return 1.0
    return min(_HIGHEST_FACTOR, max(_LOWEST_FACTOR, statistics.median(ratios)))


def automatic_length(trained: int) -> int:
    """The context that a model gets for which none is wished; `trained` is 0 where unknown."""
    return min(trained, AUTOMATIC_MOST) if trained else AUTOMATIC_MOST


def padded(tokens: int) -> int:
    """Up to the next step in which caches are made."""
    return -(-tokens // _CELLS) * _CELLS


def _cells(shape: ModelShape, plan: ContextPlan) -> tuple[int, int]:
    """Tokens that a full cache and a sliding one have room for."""
    full = padded(plan.context_length)
    if plan.full_window:
        return full, full
    window = shape.window * plan.sequences + _batch(plan)
    return full, padded(min(full, window))


def _batch(plan: ContextPlan) -> int:
    return min(plan.batch, plan.context_length)


def layer_bytes(shape: ModelShape, plan: ContextPlan) -> list[int]:
    """What each layer keeps of the context, its recurrent state among it."""
    plan = _settled(shape, plan)
    full, sliding = _cells(shape, plan)
    # Without flash attention values lie transposed, in tensors as wide as the widest layer's.
    widest = 0 if plan.flash else max((layer.value for layer in shape.layers), default=0)
    kept: list[int] = []
    for layer in shape.layers:
        cells = sliding if layer.sliding else full
        value = widest if layer.value and not plan.flash else layer.value
        token = packed(layer.key, plan.key_type) + packed(value, plan.value_type)
        kept.append(cells * token + plan.sequences * _FLOAT * layer.state)
    return kept


def packed(elements: int, cache_type: str) -> int:
    """Bytes of so many elements of a cache of this type."""
    block, nbytes = CACHE_TYPES[cache_type]
    return -(-elements // block) * nbytes


def _compute_bytes(shape: ModelShape, plan: ContextPlan) -> int:
    """The buffers of the computation.

    The allocator reuses what is no longer needed, so only the fullest moment counts: the output,
    the feed-forward part, attention, or a recurrent layer.
    """
    tokens = _batch(plan)
    row = _FLOAT * tokens
    residual = row * shape.width
    outputs = min(tokens, max(plan.outputs, plan.sequences))
    state = plan.sequences * _FLOAT * max((layer.state for layer in shape.layers), default=0)
    moments = [
        _FLOAT * outputs * shape.vocabulary + 2 * residual,
        _masks(shape, plan) + _in_layer(shape, row),
        5 * row * shape.recurrent + row * shape.convolved + 2 * residual + state,
    ]
    if not plan.flash and any(layer.key for layer in shape.layers):
        pairs = row * padded(plan.context_length)
        moments.append(shape.heads * pairs + 2 * _masks(shape, plan) + 5 * residual)
    return max(moments) + _FLOAT * shape.vocabulary * plan.sequences


def _in_layer(shape: ModelShape, row: int) -> int:
    """The fullest moment within a layer, beside its masks."""
    residual, inner = row * shape.width, row * shape.inner
    moments = [3 * inner + 4 * residual, 4 * row * shape.query + 4 * residual]
    if shape.experts_used:
        moments.append(2 * shape.experts_used * residual + inner + 3 * residual)
    return max(moments)


def _masks(shape: ModelShape, plan: ContextPlan) -> int:
    """Which token sees which, in 16 bits, for each kind of cache."""
    full, sliding = _cells(shape, plan)
    kinds = {layer.sliding for layer in shape.layers if layer.key}
    return 2 * _batch(plan) * sum(sliding if kind else full for kind in kinds)
