"""The log of llama.cpp turned into errors; the lines are llama.cpp's own (release of 0.3.36)."""

from __future__ import annotations

import pytest

from app.domain import errors
from app.engine.refusal import classify, classify_context

LOADING = "llama_model_load: error loading model: "
LAST = "llama_model_load_from_file_impl: failed to load model"

CASES: list[tuple[str, type[errors.AppError]]] = [
    (LOADING + "unknown model architecture: 'nova'", errors.ArchitectureUnknown),
    (LOADING + "missing tensor 'token_embd.weight'", errors.FileDamaged),
    (
        LOADING + "tensor 'blk.0.ffn_up.weight' data is not within the file bounds, model is "
        "corrupted or incomplete",
        errors.FileDamaged,
    ),
    (LOADING + "key not found in model: llama.context_length", errors.FileDamaged),
    ("gguf_init_from_file_ptr: failed to read tensor info", errors.FileDamaged),
    ("gguf_init_from_reader: invalid magic characters: 'PK??', expected 'GGUF'", errors.NotGguf),
    (
        LOADING + "CLIP cannot be used as main model, use it with --mmproj instead",
        errors.NotAChatModel,
    ),
    (
        LOADING + "llama_model_loader: failed to load GGUF split from a-00002-of-00002.gguf",
        errors.ShardMissing,
    ),
    (LOADING + "unable to allocate CUDA0 buffer", errors.OutOfMemory),
    ("something new entirely", errors.LoadRefused),
]


@pytest.mark.parametrize(("line", "case"), CASES, ids=[case.__name__ for _, case in CASES])
def test_each_reason_has_its_error(line: str, case: type[errors.AppError]) -> None:
    error = classify("/models/a.gguf", ["llama_model_loader: loaded meta data", line, LAST])
    assert type(error) is case
    assert error.title.endswith(".")
    assert error.remedy


def test_the_architecture_is_named() -> None:
    error = classify("a.gguf", [LOADING + "unknown model architecture: 'nova'"])
    assert "“nova”" in error.detail


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("llama_model_loader: - kv   1:    general.type str              = adapter", "adapter"),
        ("llama_model_loader: - kv   1:    general.type str              = mmproj", "image"),
        (
            "llama_model_loader: loaded meta data with 3 key-value pairs and 0 tensors from a.gguf",
            "vocabulary",
        ),
    ],
)
def test_the_header_tells_what_else_a_file_is(line: str, what: str) -> None:
    error = classify("a.gguf", [line, LOADING + "missing tensor 'token_embd.weight'"])
    assert isinstance(error, errors.NotAChatModel)
    assert what in error.detail


def test_an_empty_log_is_no_crash() -> None:
    assert isinstance(classify("a.gguf", []), errors.LoadRefused)


def test_a_context_without_memory() -> None:
    log = ["llama_init_from_model: failed to initialize the context: failed to allocate buffer"]
    assert isinstance(classify_context("a.gguf", log), errors.OutOfMemory)
    assert isinstance(classify_context("a.gguf", ["what?"]), errors.LoadRefused)
