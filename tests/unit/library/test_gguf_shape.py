"""What a header tells about memory: worked figures, and files that tell little or nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.fit import ContextPlan, LayerShape, ModelShape, estimate
from app.domain.localmodel import LocalModel
from app.library.gguf_header import Header, read_header
from app.library.gguf_shape import shape_of
from app.library.model_file import inspect_file
from tests.helpers.gguf_files import GgufFile, Tensor, Typed, starter_file, tiny_file
from tests.helpers.known_models import (
    F16,
    KNOWN_MODELS,
    LLAMA_3B,
    LLAMA_4_SCOUT,
    LLAMA_70B,
    Q4_K,
    KnownModel,
)

GB = 10**9


def header_of(file: GgufFile, folder: Path) -> tuple[Header, int]:
    path = file.write_hollow(folder / "a.gguf")
    size = path.stat().st_size
    with path.open("rb") as opened:
        return read_header(opened, size, "a.gguf"), size


def shape_told(folder: Path, family: str, **entries: Any) -> ModelShape:
    told = {
        "block_count": 4,
        "embedding_length": 64,
        "attention.head_count": 4,
        "context_length": 1024,
        **{key.replace("__", "."): value for key, value in entries.items()},
    }
    file = GgufFile(
        {
            "general.architecture": family,
            **{f"{family}.{key}": value for key, value in told.items() if value is not None},
        },
        [Tensor("token_embd.weight", (64, 100))],
    )
    header, size = header_of(file, folder)
    shape = shape_of((header,), size)
    assert shape is not None
    return shape


def slides(shape: ModelShape) -> str:
    return "".join("s" if layer.sliding else "f" for layer in shape.layers)


def recurs(shape: ModelShape) -> str:
    return "".join("r" if layer.state else "a" if layer.key else "-" for layer in shape.layers)


# ------------------------------------------------------------- the figures that people know


@pytest.mark.parametrize(
    ("known", "matrix_type", "gigabytes"),
    [
        (LLAMA_3B, Q4_K, 2),
        (LLAMA_70B, Q4_K, 40),
        (LLAMA_70B, F16, 140),
        (LLAMA_4_SCOUT, Q4_K, 60),
    ],
    ids=lambda value: value.name if isinstance(value, KnownModel) else str(value),
)
def test_worked_figures(
    known: KnownModel, matrix_type: int, gigabytes: int, tmp_path: Path
) -> None:
    header, size = header_of(known.file(matrix_type=matrix_type), tmp_path)
    shape = shape_of((header,), size)
    assert shape is not None
    assert shape.weights_bytes == pytest.approx(gigabytes * GB, rel=0.08)


def test_the_starter_model() -> None:
    shape = inspect_file(str(starter_file()))[0].shape
    assert shape is not None
    assert shape.layers == (LayerShape(192, 192, weights_bytes=2_216_448),) * 30
    assert (shape.output_bytes, shape.head_width) == (30_083_328, 64)
    assert (shape.vocabulary, shape.width, shape.inner) == (49_152, 576, 1536)
    assert shape.trained_context == 8192
    found = estimate(shape, ContextPlan(8192))
    assert found.cache_bytes == 180 * 1024 * 1024


def test_shards_count_together(tmp_path: Path) -> None:
    found = sharded(tmp_path)
    assert found.shape is not None
    assert found.shape.weights_bytes == 2 * 128


def sharded(folder: Path) -> LocalModel:
    for number in (0, 1):
        path = folder / f"a-0000{number + 1}-of-00002.gguf"
        tiny_file(path, split__no=number, split__count=2)
    return inspect_file(str(folder / "a-00001-of-00002.gguf"))[0]


# ----------------------------------------------------------------------------------- layers


def test_heads_of_each_layer(tmp_path: Path) -> None:
    shape = shape_told(tmp_path, "llama", attention__head_count_kv=[4, 2, 0, 1])
    assert [layer.key for layer in shape.layers] == [64, 32, 0, 16]
    assert [layer.value for layer in shape.layers] == [64, 32, 0, 16]


def test_widths_of_heads_where_they_are_told(tmp_path: Path) -> None:
    shape = shape_told(
        tmp_path,
        "gemma4",
        attention__key_length=128,
        attention__value_length=96,
        attention__key_length_swa=32,
        attention__value_length_swa=32,
        attention__sliding_window=8,
        attention__sliding_window_pattern=[True, False, True, False],
        attention__shared_kv_layers=1,
    )
    assert [(layer.key, layer.value) for layer in shape.layers] == [
        (128, 128), (512, 384), (128, 128), (0, 0),
    ]  # fmt: skip
    assert slides(shape) == "sfsf"


def test_layers_that_guess_ahead_keep_nothing(tmp_path: Path) -> None:
    assert len(shape_told(tmp_path, "glm4moe", nextn_predict_layers=1).layers) == 3


@pytest.mark.parametrize(
    ("family", "entries", "expected"),
    [
        ("gemma2", {}, "sfsf"),
        ("gemma3", {}, "ffff"),
        ("gemma3", {"attention.sliding_window": 8}, "ssss"),
        ("gemma3", {"attention.sliding_window": 8, "attention.sliding_window_pattern": 2}, "sfsf"),
        ("cohere2", {"attention.sliding_window": 8}, "sssf"),
        ("cohere2moe", {"attention.sliding_window": 8}, "fsss"),
        ("gpt-oss", {"attention.sliding_window": 8}, "sfsf"),
        ("llama4", {}, "sssf"),
        ("llama4", {"attention.sliding_window": 0}, "ffff"),
        ("exaone4", {}, "ffff"),
        ("smallthinker", {"attention.sliding_window": 8}, "fsss"),
        ("step35", {"attention.sliding_window": 8}, "ffff"),
        ("phi3", {"attention.sliding_window": 8}, "ffff"),
        ("llama", {"attention.sliding_window": 8}, "ffff"),
    ],
)
def test_sliding_layers(
    family: str, entries: dict[str, int], expected: str, tmp_path: Path
) -> None:
    assert slides(shape_told(tmp_path, family, **entries)) == expected


def test_the_window_of_a_family_that_fixes_it(tmp_path: Path) -> None:
    assert shape_told(tmp_path, "llama4", attention__sliding_window=5).window == 8192
    assert shape_told(tmp_path, "gemma2", attention__sliding_window=5).window == 5
    assert shape_told(tmp_path, "llama", attention__sliding_window=5).window == 0


SSM = {"ssm.conv_kernel": 4, "ssm.inner_size": 128, "ssm.state_size": 16, "ssm.group_count": 1}


@pytest.mark.parametrize(
    ("family", "entries", "expected"),
    [
        ("mamba", {}, "rrrr"),
        ("jamba", {"attention.head_count_kv": [0, 0, 2, 0]}, "rrar"),
        ("nemotron_h", {"attention.head_count_kv": [0, 0, 2, 0],
                        "feed_forward_length": [0, 9, 0, 0]}, "r-ar"),
        ("qwen3next", {}, "rrra"),
        ("qwen3next", {"full_attention_interval": 2}, "rara"),
        ("qwen35", {"attention.recurrent_layers": [True, False, False, True]}, "raar"),
        ("llama", {}, "aaaa"),
    ],
)  # fmt: skip
def test_recurrent_layers(
    family: str, entries: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    assert recurs(shape_told(tmp_path, family, **SSM, **entries)) == expected


def test_what_recurrent_layers_keep(tmp_path: Path) -> None:
    def state(family: str, **entries: Any) -> int:
        return shape_told(tmp_path, family, **entries).layers[0].state

    assert state("mamba2", **SSM) == 3 * (128 + 2 * 16) + 16 * 128
    assert state("rwkv6", wkv__head_size=16, token_shift_count=2) == 64 * (2 + 16)
    assert state("lfm2", attention__head_count_kv=[0, 1, 0, 1], shortconv__l_cache=3) == 128
    kimi = {"kda.head_dim": 8, "ssm.conv_kernel": 4, "attention.head_count_kv": [0, 0, 0, 1]}
    assert state("kimi-linear", **kimi) == 3 * 3 * 4 * 8 + 8 * 8 * 4
    assert state("minimax-01") == 16 * 16 * 4


def test_attention_and_recurrence_side_by_side(tmp_path: Path) -> None:
    layer = shape_told(tmp_path, "falcon-h1", **SSM).layers[0]
    assert layer.key
    assert layer.state


def test_latent_attention_with_a_sparse_index(tmp_path: Path) -> None:
    latent = {
        "attention.key_length_mla": 24,
        "attention.key_length": 72,
        "attention.head_count_kv": 1,
        "attention.indexer.key_length": 16,
    }
    layer = shape_told(tmp_path, "deepseek32", **latent).layers[0]
    assert (layer.key, layer.value) == (88, 0)


# ------------------------------------------------------------------------- odd or empty headers


@pytest.mark.parametrize(
    "change",
    [
        {"llama__block_count": None},
        {"llama__block_count": 0},
        {"llama__block_count": 100_000},
        {"llama__block_count": "two"},
        {"llama__embedding_length": None},
        {"llama__embedding_length": Typed("i32", -5)},
    ],
)
def test_too_little_is_no_shape(change: dict[str, Any], tmp_path: Path) -> None:
    assert inspect_file(str(tiny_file(tmp_path / "a.gguf", **change)))[0].shape is None


def test_nonsense_is_taken_as_untold(tmp_path: Path) -> None:
    nonsense = {
        "attention.head_count": "many",
        "attention.key_length": -1.5,
        "attention.head_count_kv": [1.5, 2.5],
        "expert_used_count": Typed("i32", -3),
        "feed_forward_length": [],
    }
    shape = shape_told(tmp_path, "llama", **nonsense)
    assert shape.layers == (LayerShape(),) * 4
    assert estimate(shape, ContextPlan(512)).total_bytes > 0


def test_a_tensor_of_unknown_type_counts_by_the_file(tmp_path: Path) -> None:
    file = GgufFile(
        {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 32},
        [Tensor("a", (32,), type_id=99, nbytes=64)],
    )
    header, size = header_of(file, tmp_path)
    shape = shape_of((header,), size)
    assert shape is not None
    assert shape.weights_bytes == size


def test_every_known_model_has_a_shape(tmp_path: Path) -> None:
    for known in KNOWN_MODELS:
        header, size = header_of(known.file(), tmp_path)
        shape = shape_of((header,), size)
        assert shape is not None
        assert len(shape.layers) == known.sizes.layers
        assert shape.vocabulary == known.sizes.vocabulary
