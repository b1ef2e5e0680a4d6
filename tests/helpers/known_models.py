"""Headers of models that people run, with their real dimensions and without their weights.

Tensor names and shapes are those that llama.cpp's src/models/*.cpp ask for; the files hold no
vocabulary, only its size, which is all that the memory depends on. Dimensions come from the models'
published configurations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.gguf_files import GgufFile, Tensor

F32, F16, Q8_0, Q4_K, Q6_K, MXFP4 = 0, 1, 8, 12, 14, 39
_BLOCKS = {F32: (1, 4), F16: (1, 2), Q8_0: (32, 34), Q4_K: (256, 144), Q6_K: (256, 210),
           MXFP4: (32, 17)}  # fmt: skip

Shapes = Iterator[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Sizes:
    """The dimensions that most families share."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    head: int
    """Width of a head's key and value."""

    @property
    def query(self) -> int:
        return self.heads * self.head

    @property
    def key(self) -> int:
        return self.kv_heads * self.head


@dataclass(frozen=True)
class KnownModel:
    """A header: what its file says, and its tensors' names and shapes."""

    name: str
    architecture: str
    sizes: Sizes
    tensors: Callable[[KnownModel], Shapes]
    entries: Mapping[str, Any]
    """Those of the architecture, without its name in front."""
    tied: bool = False
    """One tensor is both embedding and output."""
    expert_type: int = Q4_K
    norm: str = "layer_norm_rms_epsilon"

    def file(self, *, matrix_type: int = Q4_K) -> GgufFile:
        """The whole header; matrices are of `matrix_type`, with llama.cpp's usual exceptions."""
        sizes = self.sizes
        of_family: dict[str, Any] = {
            "context_length": 131_072,
            "embedding_length": sizes.width,
            "block_count": sizes.layers,
            "feed_forward_length": sizes.inner,
            "attention.head_count": sizes.heads,
            "attention.head_count_kv": sizes.kv_heads,
            "attention.key_length": sizes.head,
            "attention.value_length": sizes.head,
            f"attention.{self.norm}": 1e-5,
            "rope.dimension_count": sizes.head,
            "vocab_size": sizes.vocabulary,
            **self.entries,
        }
        entries = {
            "general.architecture": self.architecture,
            "general.name": self.name,
            "tokenizer.ggml.model": "no_vocab",
            **{f"{self.architecture}.{key}": value for key, value in of_family.items()},
        }
        return GgufFile(entries, [self._tensor(*pair, matrix_type) for pair in self._all()])

    def write(self, folder: Path, *, matrix_type: int = Q4_K) -> Path:
        """A file of full size that takes no room on the disk."""
        return self.file(matrix_type=matrix_type).write_hollow(folder / f"{self.name}.gguf")

    def _all(self) -> Shapes:
        yield "token_embd.weight", (self.sizes.width, self.sizes.vocabulary)
        if self.architecture == "lfm2":
            yield "token_embd_norm.weight", (self.sizes.width,)
        else:
            yield "output_norm.weight", (self.sizes.width,)
        if not self.tied:
            yield "output.weight", (self.sizes.width, self.sizes.vocabulary)
        yield from self.tensors(self)

    def _tensor(self, name: str, shape: tuple[int, ...], matrix_type: int) -> Tensor:
        type_id = self._type(name, shape, matrix_type)
        block, nbytes = _BLOCKS[type_id]
        if shape[0] % block:
            type_id, (block, nbytes) = Q8_0, _BLOCKS[Q8_0]
        return Tensor(name, shape, type_id, nbytes=math.prod(shape) // block * nbytes)

    def _type(self, name: str, shape: tuple[int, ...], matrix_type: int) -> int:
        small = len(shape) == 1 or shape[0] < 32 or "norm" in name or name.endswith(".bias")
        if small or "ssm_a" in name or "ffn_gate_inp" in name:
            return F32
        if matrix_type != Q4_K:
            return matrix_type
        if "_exps." in name:
            return self.expert_type
        # As Q4_K_M does: the ends, and every other layer's most sensitive matrices, are finer.
        layer = int(name.split(".")[1]) if name.startswith("blk.") else 0
        fine = not name.startswith("blk.") or (
            layer % 2 == 0 and any(part in name for part in ("attn_v.", "ffn_down"))
        )
        return Q6_K if fine else Q4_K


# --------------------------------------------------------------------------- parts of a layer


def _attention(layer: int, s: Sizes, *, query: int = 0) -> Shapes:
    yield f"blk.{layer}.attn_norm.weight", (s.width,)
    yield f"blk.{layer}.attn_q.weight", (s.width, query or s.query)
    yield f"blk.{layer}.attn_k.weight", (s.width, s.key)
    yield f"blk.{layer}.attn_v.weight", (s.width, s.key)
    yield f"blk.{layer}.attn_output.weight", (s.query, s.width)


def _feed_forward(layer: int, s: Sizes, *, norm: bool = True) -> Shapes:
    if norm:
        yield f"blk.{layer}.ffn_norm.weight", (s.width,)
    yield f"blk.{layer}.ffn_gate.weight", (s.width, s.inner)
    yield f"blk.{layer}.ffn_down.weight", (s.inner, s.width)
    yield f"blk.{layer}.ffn_up.weight", (s.width, s.inner)


def _experts(layer: int, width: int, count: int, inner: int, shared: int = 0) -> Shapes:
    yield f"blk.{layer}.ffn_norm.weight", (width,)
    yield f"blk.{layer}.ffn_gate_inp.weight", (width, count)
    yield f"blk.{layer}.ffn_gate_exps.weight", (width, inner, count)
    yield f"blk.{layer}.ffn_down_exps.weight", (inner, width, count)
    yield f"blk.{layer}.ffn_up_exps.weight", (width, inner, count)
    if shared:
        yield f"blk.{layer}.ffn_gate_shexp.weight", (width, shared)
        yield f"blk.{layer}.ffn_down_shexp.weight", (shared, width)
        yield f"blk.{layer}.ffn_up_shexp.weight", (width, shared)


def _query_key_norms(layer: int, s: Sizes) -> Shapes:
    yield f"blk.{layer}.attn_q_norm.weight", (s.head,)
    yield f"blk.{layer}.attn_k_norm.weight", (s.head,)


# ------------------------------------------------------------------------------ whole families


def _plain(known: KnownModel) -> Shapes:
    for layer in range(known.sizes.layers):
        yield from _attention(layer, known.sizes)
        yield from _feed_forward(layer, known.sizes)


def _qwen2(known: KnownModel) -> Shapes:
    s = known.sizes
    yield from _plain(known)
    for layer in range(s.layers):
        for part, size in (("q", s.query), ("k", s.key), ("v", s.key)):
            yield f"blk.{layer}.attn_{part}.bias", (size,)


def _qwen3(known: KnownModel) -> Shapes:
    yield from _plain(known)
    for layer in range(known.sizes.layers):
        yield from _query_key_norms(layer, known.sizes)


def _qwen3moe(known: KnownModel) -> Shapes:
    s = known.sizes
    for layer in range(s.layers):
        yield from _attention(layer, s)
        yield from _query_key_norms(layer, s)
        yield from _experts(
            layer, s.width, known.entries["expert_count"],
            known.entries["expert_feed_forward_length"],
        )  # fmt: skip


def _gemma(known: KnownModel) -> Shapes:
    s = known.sizes
    for layer in range(s.layers):
        yield from _attention(layer, s)
        yield from _feed_forward(layer, s)
        if known.architecture == "gemma3":
            yield from _query_key_norms(layer, s)
        yield f"blk.{layer}.post_attention_norm.weight", (s.width,)
        yield f"blk.{layer}.post_ffw_norm.weight", (s.width,)


def _gemma3n(known: KnownModel) -> Shapes:
    s, alternatives, per_layer, rank = known.sizes, 4, 256, 64
    yield "altup_proj.weight", (s.width, s.width, alternatives - 1)
    yield "altup_unembd_proj.weight", (s.width, s.width, alternatives - 1)
    yield "per_layer_token_embd.weight", (per_layer * s.layers, s.vocabulary)
    yield "per_layer_model_proj.weight", (s.width, per_layer * s.layers)
    yield "per_layer_proj_norm.weight", (per_layer,)
    yield from _gemma(known)
    for layer in range(s.layers):
        blk = f"blk.{layer}."
        yield from _query_key_norms(layer, s)
        yield blk + "inp_gate.weight", (s.width, per_layer)
        yield blk + "proj.weight", (per_layer, s.width)
        yield blk + "post_norm.weight", (s.width,)
        yield blk + "altup_correct_coef.weight", (alternatives, alternatives)
        yield blk + "altup_correct_scale.weight", (s.width,)
        yield blk + "altup_predict_coef.weight", (alternatives, alternatives**2)
        yield blk + "altup_router.weight", (s.width, alternatives)
        yield blk + "altup_router_norm.weight", (s.width,)
        yield blk + "laurel_l.weight", (s.width, rank)
        yield blk + "laurel_r.weight", (rank, s.width)
        yield blk + "laurel_post_norm.weight", (s.width,)


def _phi3(known: KnownModel) -> Shapes:
    s = known.sizes
    for layer in range(s.layers):
        yield f"blk.{layer}.attn_norm.weight", (s.width,)
        yield f"blk.{layer}.attn_qkv.weight", (s.width, s.query + 2 * s.key)
        yield f"blk.{layer}.attn_output.weight", (s.query, s.width)
        yield f"blk.{layer}.ffn_norm.weight", (s.width,)
        yield f"blk.{layer}.ffn_down.weight", (s.inner, s.width)
        yield f"blk.{layer}.ffn_up.weight", (s.width, 2 * s.inner)


def _command_r(known: KnownModel) -> Shapes:
    for layer in range(known.sizes.layers):
        yield from _attention(layer, known.sizes)
        yield from _feed_forward(layer, known.sizes, norm=False)


def _deepseek2(known: KnownModel) -> Shapes:
    s, told = known.sizes, known.entries
    latent, rope = told["attention.kv_lora_rank"], told["rope.dimension_count"]
    key, value = told["attention.key_length_mla"], told["attention.value_length_mla"]
    for layer in range(s.layers):
        blk = f"blk.{layer}."
        yield blk + "attn_norm.weight", (s.width,)
        yield blk + "attn_q.weight", (s.width, s.heads * key)
        yield blk + "attn_kv_a_mqa.weight", (s.width, latent + rope)
        yield blk + "attn_kv_a_norm.weight", (latent,)
        yield blk + "attn_k_b.weight", (key - rope, latent, s.heads)
        yield blk + "attn_v_b.weight", (latent, value, s.heads)
        yield blk + "attn_output.weight", (s.heads * value, s.width)
        if layer < told["leading_dense_block_count"]:
            yield from _feed_forward(layer, s)
        else:
            inner = told["expert_feed_forward_length"]
            shared = inner * told["expert_shared_count"]
            yield from _experts(layer, s.width, told["expert_count"], inner, shared)


def _gpt_oss(known: KnownModel) -> Shapes:
    s, count = known.sizes, known.entries["expert_count"]
    for layer in range(s.layers):
        blk = f"blk.{layer}."
        yield from _attention(layer, s)
        yield blk + "post_attention_norm.weight", (s.width,)
        for part, size in (("q", s.query), ("k", s.key), ("v", s.key), ("output", s.width)):
            yield blk + f"attn_{part}.bias", (size,)
        yield blk + "attn_sinks.weight", (s.heads,)
        experts = _experts(layer, s.width, count, s.inner)
        yield from (pair for pair in experts if "ffn_norm" not in pair[0])
        yield blk + "ffn_gate_inp.bias", (count,)
        for part, size in (("gate", s.inner), ("down", s.width), ("up", s.inner)):
            yield blk + f"ffn_{part}_exps.bias", (size, count)


def _llama4(known: KnownModel) -> Shapes:
    s, inner = known.sizes, known.entries["expert_feed_forward_length"]
    for layer in range(s.layers):
        yield from _attention(layer, s)
        yield from _experts(layer, s.width, known.entries["expert_count"], inner, inner)


def _mamba(known: KnownModel) -> Shapes:
    s, told = known.sizes, known.entries
    inner, state, rank = (
        told[f"ssm.{key}"] for key in ("inner_size", "state_size", "time_step_rank")
    )
    for layer in range(s.layers):
        blk = f"blk.{layer}."
        yield blk + "attn_norm.weight", (s.width,)
        yield blk + "ssm_in.weight", (s.width, 2 * inner)
        yield blk + "ssm_conv1d.weight", (told["ssm.conv_kernel"], inner)
        yield blk + "ssm_conv1d.bias", (inner,)
        yield blk + "ssm_x.weight", (inner, rank + 2 * state)
        yield blk + "ssm_dt.weight", (rank, inner)
        yield blk + "ssm_dt.bias", (inner,)
        yield blk + "ssm_a", (state, inner)
        yield blk + "ssm_d", (inner,)
        yield blk + "ssm_out.weight", (inner, s.width)


def _mamba2_part(layer: int, known: KnownModel, *, normed: bool = True) -> Shapes:
    told, blk = known.entries, f"blk.{layer}."
    inner, state, rank, groups = (
        told[f"ssm.{key}"] for key in ("inner_size", "state_size", "time_step_rank", "group_count")
    )
    convolved = inner + 2 * groups * state
    yield blk + "ssm_in.weight", (known.sizes.width, inner + convolved + rank)
    yield blk + "ssm_conv1d.weight", (told["ssm.conv_kernel"], convolved)
    yield blk + "ssm_conv1d.bias", (convolved,)
    yield blk + "ssm_dt.bias", (rank,)
    yield blk + "ssm_a", (1, rank)
    yield blk + "ssm_d", (1, rank)
    if normed:
        yield blk + "ssm_norm.weight", (inner // groups, groups)
    yield blk + "ssm_out.weight", (inner, known.sizes.width)


def _granite_hybrid(known: KnownModel) -> Shapes:
    s, told = known.sizes, known.entries
    for layer, kv_heads in enumerate(told["attention.head_count_kv"]):
        if kv_heads:
            yield from _attention(layer, s)
        else:
            yield f"blk.{layer}.attn_norm.weight", (s.width,)
            yield from _mamba2_part(layer, known)
        shared = told["expert_shared_feed_forward_length"]
        yield from _experts(layer, s.width, told["expert_count"], s.inner, shared)


def _falcon_h1(known: KnownModel) -> Shapes:
    for layer in range(known.sizes.layers):
        yield from _attention(layer, known.sizes)
        yield from _mamba2_part(layer, known, normed=False)
        for name, shape in _feed_forward(layer, known.sizes):
            # This family's norm has no ".weight" behind its name.
            yield (name.removesuffix(".weight") if "ffn_norm" in name else name), shape


def _lfm2(known: KnownModel) -> Shapes:
    s = known.sizes
    for layer, kv_heads in enumerate(known.entries["attention.head_count_kv"]):
        yield from _feed_forward(layer, s)
        if kv_heads:
            yield from _attention(layer, s)
            yield from _query_key_norms(layer, s)
        else:
            kernel = known.entries["shortconv.l_cache"]
            yield f"blk.{layer}.attn_norm.weight", (s.width,)
            yield f"blk.{layer}.shortconv.conv.weight", (kernel, s.width)
            yield f"blk.{layer}.shortconv.in_proj.weight", (s.width, 3 * s.width)
            yield f"blk.{layer}.shortconv.out_proj.weight", (s.width, s.width)


def _qwen35(known: KnownModel) -> Shapes:
    s, told = known.sizes, known.entries
    state, groups, rank = (
        told[f"ssm.{key}"] for key in ("state_size", "group_count", "time_step_rank")
    )
    value = state * rank
    convolved = 2 * state * groups + value
    for layer in range(s.layers):
        blk = f"blk.{layer}."
        yield blk + "post_attention_norm.weight", (s.width,)
        yield from _feed_forward(layer, s, norm=False)
        if (layer + 1) % 4 == 0:
            yield from _attention(layer, s, query=2 * s.query)
            yield from _query_key_norms(layer, s)
            continue
        yield blk + "attn_norm.weight", (s.width,)
        yield blk + "attn_qkv.weight", (s.width, convolved)
        yield blk + "attn_gate.weight", (s.width, value)
        yield blk + "ssm_conv1d.weight", (told["ssm.conv_kernel"], convolved)
        yield blk + "ssm_dt.bias", (rank,)
        yield blk + "ssm_a", (rank,)
        yield blk + "ssm_beta.weight", (s.width, rank)
        yield blk + "ssm_alpha.weight", (s.width, rank)
        yield blk + "ssm_norm.weight", (state,)
        yield blk + "ssm_out.weight", (value, s.width)


# ---------------------------------------------------------------------------------- the models


def _at(places: tuple[int, ...], value: int, count: int) -> list[int]:
    return [value if place in places else 0 for place in range(count)]


_MOE = "expert_feed_forward_length"

LLAMA_3B = KnownModel("Llama-3.2-3B", "llama", Sizes(3072, 28, 24, 8, 8192, 128_256, 128),
                      _plain, {}, tied=True)  # fmt: skip
LLAMA_8B = KnownModel("Llama-3.1-8B", "llama", Sizes(4096, 32, 32, 8, 14_336, 128_256, 128),
                      _plain, {})  # fmt: skip
LLAMA_70B = KnownModel("Llama-3.3-70B", "llama", Sizes(8192, 80, 64, 8, 28_672, 128_256, 128),
                       _plain, {})  # fmt: skip
LLAMA_4_SCOUT = KnownModel(
    "Llama-4-Scout-109B", "llama4", Sizes(5120, 48, 40, 8, 16_384, 202_048, 128), _llama4,
    {"expert_count": 16, "expert_used_count": 1, _MOE: 8192, "interleave_moe_layer_step": 1},
)  # fmt: skip

KNOWN_MODELS: tuple[KnownModel, ...] = (
    KnownModel("SmolLM2-1.7B", "llama", Sizes(2048, 24, 32, 32, 8192, 49_152, 64), _plain, {},
               tied=True),
    KnownModel("SmolLM3-3B", "smollm3", Sizes(2048, 36, 16, 4, 11_008, 128_256, 128), _plain, {},
               tied=True),
    LLAMA_3B,
    LLAMA_8B,
    KnownModel("Mistral-Nemo-12B", "llama", Sizes(5120, 40, 32, 8, 14_336, 131_072, 128), _plain,
               {}),
    KnownModel("Ministral-3-8B", "mistral3", Sizes(4096, 34, 32, 8, 14_336, 131_072, 128), _plain,
               {}),
    KnownModel("Qwen2.5-7B", "qwen2", Sizes(3584, 28, 28, 4, 18_944, 152_064, 128), _qwen2, {}),
    KnownModel("Qwen3-8B", "qwen3", Sizes(4096, 36, 32, 8, 12_288, 151_936, 128), _qwen3, {}),
    KnownModel("Qwen3-30B-A3B", "qwen3moe", Sizes(2048, 48, 32, 4, 6144, 151_936, 128), _qwen3moe,
               {"expert_count": 128, "expert_used_count": 8, _MOE: 768}),
    KnownModel("Qwen3.5-4B", "qwen35", Sizes(2560, 32, 16, 4, 9216, 248_320, 256), _qwen35,
               {"ssm.conv_kernel": 4, "ssm.inner_size": 4096, "ssm.state_size": 128,
                "ssm.time_step_rank": 32, "ssm.group_count": 16, "rope.dimension_count": 64,
                "rope.dimension_sections": [11, 11, 10, 0]}, tied=True),
    KnownModel("Gemma-2-9B", "gemma2", Sizes(3584, 42, 16, 8, 14_336, 256_000, 256), _gemma,
               {"attention.sliding_window": 4096}, tied=True),
    KnownModel("Gemma-3-4B", "gemma3", Sizes(2560, 34, 8, 4, 10_240, 262_144, 256), _gemma,
               {"attention.sliding_window": 1024}, tied=True),
    KnownModel("Gemma-3n-E4B", "gemma3n", Sizes(2048, 35, 8, 2, 16_384, 262_400, 256), _gemma3n,
               {"attention.sliding_window": 512}, tied=True),
    KnownModel("Phi-3-mini", "phi3", Sizes(3072, 32, 32, 32, 8192, 32_064, 96), _phi3,
               {"attention.sliding_window": 2047}),
    KnownModel("Command-R-35B", "command-r", Sizes(8192, 40, 64, 64, 22_528, 256_000, 128),
               _command_r, {"logit_scale": 0.0625}, tied=True, norm="layer_norm_epsilon"),
    KnownModel("DeepSeek-V2-Lite", "deepseek2", Sizes(2048, 27, 16, 1, 10_944, 102_400, 576),
               _deepseek2,
               {"attention.kv_lora_rank": 512, "attention.value_length": 512,
                "attention.key_length_mla": 192, "attention.value_length_mla": 128,
                "rope.dimension_count": 64, "leading_dense_block_count": 1, "expert_count": 64,
                "expert_used_count": 6, "expert_shared_count": 2, _MOE: 1408}),
    KnownModel("gpt-oss-20b", "gpt-oss", Sizes(2880, 24, 64, 8, 2880, 201_088, 64), _gpt_oss,
               {"expert_count": 32, "expert_used_count": 4, _MOE: 2880,
                "attention.sliding_window": 128}, expert_type=MXFP4),
    KnownModel("Mamba-2.8B", "mamba", Sizes(2560, 64, 0, 0, 0, 50_280, 0), _mamba,
               {"ssm.conv_kernel": 4, "ssm.inner_size": 5120, "ssm.state_size": 16,
                "ssm.time_step_rank": 160}, tied=True),
    KnownModel("Granite-4.0-H-Tiny", "granitehybrid", Sizes(1536, 40, 12, 4, 512, 100_352, 128),
               _granite_hybrid,
               {"attention.head_count_kv": _at((5, 15, 25, 35), 4, 40), "ssm.conv_kernel": 4,
                "ssm.inner_size": 3072, "ssm.state_size": 128, "ssm.time_step_rank": 48,
                "ssm.group_count": 1, "expert_count": 64, "expert_used_count": 6,
                "expert_shared_feed_forward_length": 1024}, tied=True),
    KnownModel("Falcon-H1-1.5B", "falcon-h1", Sizes(2048, 24, 8, 2, 4096, 65_537, 128), _falcon_h1,
               {"ssm.conv_kernel": 4, "ssm.inner_size": 3072, "ssm.state_size": 256,
                "ssm.time_step_rank": 48, "ssm.group_count": 1}),
    KnownModel("LFM2-1.2B", "lfm2", Sizes(2048, 16, 32, 8, 8192, 65_536, 64), _lfm2,
               {"attention.head_count_kv": _at((2, 5, 8, 10, 12, 14), 8, 16),
                "shortconv.l_cache": 3}, tied=True),
    LLAMA_4_SCOUT,
    LLAMA_70B,
)  # fmt: skip
"""Every memory layout that llama.cpp has for chat models of one sequence."""
