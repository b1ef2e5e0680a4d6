"""From GGUF headers to what decides how much memory a model takes.

Which layers keep what follows llama.cpp's `create_memory` and `llama_hparams` (src/llama-model.cpp,
src/llama-hparams.cpp); the defaults of each family its src/models/*.cpp, as vendored by
llama-cpp-python 0.3.36. tests/unit/engine/test_fit_formula.py compares the outcome with llama.cpp's
own figures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.domain.fit import LayerShape, ModelShape
from app.library.gguf_families import (
    ALL_RECURRENT,
    ALWAYS_SLIDING,
    ATTENTION_EVERY,
    FIRST_SHARED_LAYER,
    RECURRENT_WITHOUT_HEADS,
    SLIDING,
)
from app.library.gguf_header import Header

MOST_LAYERS: Final = 1_024
"""llama.cpp refuses more than 512."""
_IN_LAYER: Final = re.compile(r"blk\.(\d{1,5})\.")
_EMBEDDING: Final = "token_embd.weight"


def shape_of(headers: Sequence[Header], file_bytes: int) -> ModelShape | None:
    """The shape of a model by the headers of all its shards; None where they tell too little."""
    told = _Told(headers[0])
    if not 0 < told.count("block_count") <= MOST_LAYERS or not told.count("embedding_length"):
        return None
    weights, output = _weights_by_layer(headers)
    layers = tuple(
        replace(layer, weights_bytes=weights.get(number, 0))
        for number, layer in enumerate(_layers(told))
    )
    experts = told.largest("expert_used_count")
    inner = max(
        told.largest("feed_forward_length"),
        experts * _expert_width(told),
        told.largest("expert_shared_feed_forward_length"),
    )
    return ModelShape(
        weights_bytes=_weights_bytes(headers, file_bytes),
        layers=layers,
        trained_context=told.count("context_length"),
        window=_window(told) if any(layer.sliding for layer in layers) else 0,
        vocabulary=_vocabulary(headers, told),
        width=told.count("embedding_length"),
        heads=told.largest("attention.head_count"),
        query=told.largest("attention.head_count") * _head_width(told, "key", sliding=False),
        inner=_dense_or_experts(told, inner, experts),
        experts_used=experts,
        recurrent=_recurrent_width(told) if any(layer.state for layer in layers) else 0,
        convolved=_convolved(told),
        output_bytes=output,
        head_width=_head_width(told, "key", sliding=False),
    )


class _Told:
    """The header's entries of its own family, with the family's name left out."""

    def __init__(self, header: Header) -> None:
        self._entries = header.entries
        architecture = header.entries.get("general.architecture")
        self.family = architecture if isinstance(architecture, str) else ""

    def has(self, key: str) -> bool:
        """Whether the header says anything about it."""
        return f"{self.family}.{key}" in self._entries

    def count(self, key: str, default: int = 0) -> int:
        """A whole number of at least 0; the first of a list."""
        return next(iter(self.counts(key)), default)

    def largest(self, key: str) -> int:
        """The largest of the layers'."""
        return max(self.counts(key), default=0)

    def counts(self, key: str) -> tuple[int, ...]:
        """One number, or one for each layer; bools become 0 and 1."""
        value = self._entries.get(f"{self.family}.{key}")
        values = value if isinstance(value, tuple) else (value,)
        return tuple(int(item) for item in values if isinstance(item, int) and item >= 0)

    def per_layer(self, key: str, count: int, default: Sequence[int] = ()) -> tuple[int, ...]:
        """One number for each of `count` layers."""
        values = self.counts(key) or tuple(default)
        if len(values) == 1:
            return values * count
        return (values + (0,) * count)[:count]


# ---------------------------------------------------------------------------------- layers


def _layers(told: _Told) -> tuple[LayerShape, ...]:
    # The layers behind these guess further tokens ahead and are not used for that here.
    count = max(0, told.count("block_count") - told.count("nextn_predict_layers"))
    heads = told.per_layer("attention.head_count", count)
    kv_heads = told.per_layer("attention.head_count_kv", count, heads)
    recurrent = _recurrent(told, kv_heads)
    sliding = _sliding(told, count)
    with_cache = _with_cache(told, count, recurrent)
    state = _state(told)
    return tuple(
        LayerShape(
            key=_key(told, kv_heads[layer], sliding[layer]) if with_cache[layer] else 0,
            value=_value(told, kv_heads[layer], sliding[layer]) if with_cache[layer] else 0,
            sliding=sliding[layer] and with_cache[layer] and kv_heads[layer] > 0,
            state=state if recurrent[layer] else 0,
        )
        for layer in range(count)
    )


def _recurrent(told: _Told, kv_heads: Sequence[int]) -> list[bool]:
    count = len(kv_heads)
    if told.family in ALL_RECURRENT or told.family == "falcon-h1":
        return [True] * count
    if told.family in RECURRENT_WITHOUT_HEADS:
        feeding = told.per_layer("feed_forward_length", count)
        # Nemotron's feed-forward layers stand alone: they keep nothing.
        alone = told.family.startswith("nemotron_h")
        return [
            not heads and not (alone and inner)
            for heads, inner in zip(kv_heads, feeding, strict=True)
        ]
    if told.family in ATTENTION_EVERY:
        if told.has("attention.recurrent_layers"):
            return [
                bool(told_so) for told_so in told.per_layer("attention.recurrent_layers", count)
            ]
        every = told.count("full_attention_interval") or ATTENTION_EVERY[told.family]
        return [(layer + 1) % every != 0 for layer in range(count)]
    return [False] * count


def _with_cache(told: _Told, count: int, recurrent: Sequence[bool]) -> list[bool]:
    if told.family == "falcon-h1":
        return [True] * count
    own = count - told.count("attention.shared_kv_layers")
    own = min(own, FIRST_SHARED_LAYER.get(told.family, count))
    return [layer < own and not recurrent[layer] for layer in range(count)]


def _key(told: _Told, kv_heads: int, sliding: bool) -> int:
    key = kv_heads * _head_width(told, "key", sliding=sliding)
    if key and _is_latent(told):
        # Sparse attention keeps a small key beside, by which it chooses.
        key += told.count("attention.indexer.key_length")
    return key


def _value(told: _Told, kv_heads: int, sliding: bool) -> int:
    # Of latent attention only the key is kept: the value is a part of it.
    return 0 if _is_latent(told) else kv_heads * _head_width(told, "value", sliding=sliding)


def _is_latent(told: _Told) -> bool:
    return told.count("attention.key_length_mla") > 0


def _head_width(told: _Told, what: str, *, sliding: bool) -> int:
    heads = told.count("attention.head_count")
    by_width = told.count("embedding_length") // heads if heads else 0
    everywhere = told.count(f"attention.{what}_length", by_width)
    return told.count(f"attention.{what}_length_swa", everywhere) if sliding else everywhere


# ----------------------------------------------------------------------------- sliding layers


def _sliding(told: _Told, count: int) -> list[bool]:
    family = SLIDING.get(told.family)
    if family is None or not _window(told) or family.only_layers not in (0, count):
        return [False] * count
    pattern = told.counts("attention.sliding_window_pattern")
    if len(pattern) > 1:
        return [bool(slides) for slides in (pattern + (0,) * count)[:count]]
    every = pattern[0] if pattern else family.every
    if every == 0:
        return [bool(pattern)] * count
    if family.first:
        return [layer % every != 0 for layer in range(count)]
    return [layer % every < every - 1 for layer in range(count)]


def _window(told: _Told) -> int:
    family = SLIDING.get(told.family)
    if family is None:
        return 0
    said = told.count("attention.sliding_window")
    if told.has("attention.sliding_window") and not said:
        return 0
    if family.fixed:
        return family.window if said or told.family in ALWAYS_SLIDING else 0
    return said or family.window


# --------------------------------------------------------------------------- recurrent layers


def _state(told: _Told) -> int:
    """Elements that a recurrent layer keeps of a sequence."""
    width = told.count("embedding_length")
    if told.has("wkv.head_size"):
        return width * (told.count("token_shift_count", 2) + told.count("wkv.head_size"))
    if told.has("shortconv.l_cache"):
        return width * max(0, told.count("shortconv.l_cache") - 1)
    heads = told.count("attention.head_count")
    kernel = told.count("ssm.conv_kernel")
    if told.has("kda.head_dim"):
        head = told.count("kda.head_dim")
        return 3 * (kernel - 1 if kernel else 3) * heads * head + head * head * heads
    if told.family == "minimax-01":
        return _head_width(told, "key", sliding=False) ** 2 * heads
    inner = told.count("ssm.inner_size")
    return max(0, kernel - 1) * _convolved(told) + told.count("ssm.state_size") * inner


def _convolved(told: _Told) -> int:
    groups = 2 * told.count("ssm.group_count") * told.count("ssm.state_size")
    return told.count("ssm.inner_size") + groups if told.has("ssm.inner_size") else 0


def _recurrent_width(told: _Told) -> int:
    return told.count("ssm.inner_size") or told.count("embedding_length")


# --------------------------------------------------------------------------------- the whole


def _expert_width(told: _Told) -> int:
    return told.largest("expert_feed_forward_length") or told.largest("feed_forward_length")


def _dense_or_experts(told: _Told, widest: int, experts: int) -> int:
    """A model of experts alone says a dense width too, which nothing in it has."""
    if experts and not told.count("leading_dense_block_count"):
        return experts * _expert_width(told)
    return widest


def _vocabulary(headers: Sequence[Header], told: _Told) -> int:
    """By the embedding's own size: what the tokeniser lists may be padded in it."""
    for header in headers:
        for tensor in header.tensors:
            if tensor.name == _EMBEDDING:
                return tensor.elements // told.count("embedding_length")
    return told.count("vocab_size")


def _weights_bytes(headers: Sequence[Header], file_bytes: int) -> int:
    sizes = [tensor.nbytes for header in headers for tensor in header.tensors]
    known = [size for size in sizes if size is not None]
    # A type that is not in our table: the files hold little beside the weights.
    return sum(known) if len(known) == len(sizes) else file_bytes


def _weights_by_layer(headers: Sequence[Header]) -> tuple[Counter[int], int]:
    """Bytes of the tensors of each layer, and of those that make words of the last one.

    Where a model has no matrix of its own for that, it uses the embedding's, in a copy if need be.
    """
    layers: Counter[int] = Counter()
    output = embedding = 0
    for header in headers:
        for tensor in header.tensors:
            nbytes = tensor.nbytes or 0
            if match := _IN_LAYER.match(tensor.name):
                layers[int(match[1])] += nbytes
            elif tensor.name.startswith("output"):
                output += nbytes
            elif tensor.name == _EMBEDDING:
                embedding = nbytes
    has_matrix = output > embedding // 2
    return layers, output if has_matrix else output + embedding
