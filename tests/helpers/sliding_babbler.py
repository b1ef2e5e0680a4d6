"""A tiny model whose first layer sees a window of the last tokens, as Gemma's every other one."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path
from typing import Any

from tests.helpers.gguf_files import GgufFile, Tensor, Typed

WIDTH, INNER, HEADS, LAYERS = 32, 64, 2, 2
WINDOW = 64


def sliding_babbler(path: Path) -> Path:
    """Write a Gemma 2 of two layers that llama.cpp loads in milliseconds; it babbles bytes."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    entries: dict[str, Any] = {
        "general.architecture": "gemma2",
        "general.name": "Sliding babbler",
        "gemma2.context_length": 1024,
        "gemma2.block_count": LAYERS,
        "gemma2.embedding_length": WIDTH,
        "gemma2.feed_forward_length": INNER,
        "gemma2.attention.head_count": HEADS,
        "gemma2.attention.head_count_kv": HEADS,
        "gemma2.attention.key_length": WIDTH // HEADS,
        "gemma2.attention.value_length": WIDTH // HEADS,
        "gemma2.attention.layer_norm_rms_epsilon": 1e-5,
        "gemma2.attention.sliding_window": WINDOW,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": Typed("i32", [2, 3, 3, *[6] * 256]),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": "{% for m in messages %}{{ m.content }}\n{% endfor %}",
    }
    return GgufFile(entries, _tensors(len(tokens))).write(path)


def _tensors(vocabulary: int) -> list[Tensor]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (WIDTH, vocabulary),
        "output_norm.weight": (WIDTH,),
    }
    for layer in range(LAYERS):
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            shapes[f"blk.{layer}.{name}.weight"] = (WIDTH,)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{name}.weight"] = (WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            shapes[f"blk.{layer}.{name}.weight"] = (WIDTH, INNER)
        shapes[f"blk.{layer}.ffn_down.weight"] = (INNER, WIDTH)
    chance = random.Random(13)
    return [
        Tensor(name, shape, data=_noise(chance, math.prod(shape))) for name, shape in shapes.items()
    ]


def _noise(chance: random.Random, count: int) -> bytes:
    return struct.pack(f"<{count}f", *(chance.uniform(-1, 1) for _ in range(count)))
