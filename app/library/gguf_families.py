"""Model families whose layers do not all keep the same, as llama.cpp knows them.

Source: src/models/*.cpp (`load_arch_hparams`) and `create_memory` in src/llama-model.cpp, as
vendored by llama-cpp-python 0.3.36.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sliding:
    """A family's sliding layers where its file does not tell them."""

    every: int
    """One layer in so many sees everything; 0: only the file can tell."""
    first: bool = False
    """That layer is the first of each group, not the last."""
    window: int = 0
    """Where the file has none; 0: then no layer slides."""
    fixed: bool = False
    """`window` holds whatever the file says."""
    only_layers: int = 0
    """Only the model with so many layers slides."""


SLIDING: Final[dict[str, Sliding]] = {
    "afmoe": Sliding(4),
    "cohere2": Sliding(4),
    "cohere2moe": Sliding(4, first=True),
    "dots3note": Sliding(0),
    "exaone-moe": Sliding(4, window=128),
    "exaone4": Sliding(4, window=4096, only_layers=64),
    "gemma2": Sliding(2, window=4096),
    "gemma3": Sliding(6),
    "gemma3n": Sliding(5),
    "gemma4": Sliding(0),
    "gpt-oss": Sliding(2),
    "granite_swa": Sliding(0),
    "laguna": Sliding(4, first=True),
    "lfm2": Sliding(1 << 30),
    "lfm2moe": Sliding(1 << 30),
    "llama4": Sliding(4, window=8192, fixed=True),
    "maple": Sliding(0),
    "mellum": Sliding(4),
    "mimo2": Sliding(0),
    "muse-glimmer": Sliding(4),
    "olmo2": Sliding(4),
    "plamo3": Sliding(8),
    "smallthinker": Sliding(4, first=True, window=4096, fixed=True),
    "spark2_5": Sliding(0),
    "step35": Sliding(0),
}
ALWAYS_SLIDING: Final = frozenset({"llama4"})
"""Families whose window holds unless the file says 0."""

ALL_RECURRENT: Final = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
RECURRENT_WITHOUT_HEADS: Final = frozenset(
    {
        "bailingmoe3",
        "glm5-next",
        "granitehybrid",
        "jamba",
        "kimi-k3",
        "kimi-linear",
        "lfm2",
        "lfm2moe",
        "nemotron_h",
        "nemotron_h_moe",
        "plamo2",
    }
)
ATTENTION_EVERY: Final = {
    "minimax-01": 8,
    "qwen35": 4,
    "qwen35moe": 4,
    "qwen3next": 4,
    "qwen4exp": 4,
}
FIRST_SHARED_LAYER: Final = {"gemma3n": 20}
