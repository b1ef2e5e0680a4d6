"""A tiny model with a recurrent state instead of a cache of tokens: it cannot go back."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path
from typing import Any

from tests.helpers.gguf_files import GgufFile, Tensor, Typed

WIDTH, INNER, STATE, CONVOLUTION, RANK = 32, 64, 16, 4, 2


def recurrent_babbler(path: Path) -> Path:
    """Write a Mamba model of one layer that llama.cpp loads in milliseconds; it babbles bytes."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    entries: dict[str, Any] = {
        "general.architecture": "mamba",
        "general.name": "Recurrent babbler",
        "mamba.context_length": 512,
        "mamba.block_count": 1,
        "mamba.embedding_length": WIDTH,
        "mamba.feed_forward_length": 0,
        "mamba.attention.head_count": 0,
        "mamba.attention.layer_norm_rms_epsilon": 1e-5,
        "mamba.ssm.conv_kernel": CONVOLUTION,
        "mamba.ssm.inner_size": INNER,
        "mamba.ssm.state_size": STATE,
        "mamba.ssm.time_step_rank": RANK,
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
    chance = random.Random(11)
    shapes = {
        "token_embd.weight": (WIDTH, vocabulary),
        "output_norm.weight": (WIDTH,),
        "output.weight": (WIDTH, vocabulary),
        "blk.0.attn_norm.weight": (WIDTH,),
        "blk.0.ssm_in.weight": (WIDTH, 2 * INNER),
        "blk.0.ssm_conv1d.weight": (CONVOLUTION, INNER),
        "blk.0.ssm_conv1d.bias": (INNER,),
        "blk.0.ssm_x.weight": (INNER, RANK + 2 * STATE),
        "blk.0.ssm_dt.weight": (RANK, INNER),
        "blk.0.ssm_dt.bias": (INNER,),
        "blk.0.ssm_a": (STATE, INNER),
        "blk.0.ssm_d": (INNER,),
        "blk.0.ssm_out.weight": (INNER, WIDTH),
    }
    return [
        # A state that decays, or it would grow without bounds.
        Tensor(name, shape, data=_noise(chance, math.prod(shape), -2 if "ssm_a" in name else -1))
        for name, shape in shapes.items()
    ]


def _noise(chance: random.Random, count: int, lowest: float) -> bytes:
    highest = -0.5 if lowest < -1 else 1.0
    return struct.pack(f"<{count}f", *(chance.uniform(lowest, highest) for _ in range(count)))
