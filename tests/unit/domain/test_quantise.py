"""What a model can become: which types are worth offering, and what the file is called."""

from __future__ import annotations

import pytest

from app.domain.fit import LayerShape, ModelShape
from app.domain.quantise import (
    RECOMMENDED,
    TARGETS,
    is_shard_name,
    result_name,
    shape_with,
    worth_offering,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/m/Tiny-F16.gguf", "Tiny-Q4_K_M.gguf"),
        ("/m/Tiny.bf16.GGUF", "Tiny.Q4_K_M.gguf"),
        ("/m/Tiny.gguf", "Tiny-Q4_K_M.gguf"),
        ("C:\\m\\Tiny-F16-00001-of-00003.gguf", "Tiny-Q4_K_M.gguf"),
        ("/m/Q8_0-fan-F32-it.gguf", "Q8_0-fan-Q4_K_M-it.gguf"),
        ("/m/sha256-abcdef", "sha256-abcdef-Q4_K_M.gguf"),
    ],
)
def test_the_name_of_a_result(path: str, name: str):
    assert result_name(path, "Q4_K_M") == name


def test_only_what_becomes_smaller_is_offered_and_nothing_twice():
    sizes = [("F16", 1000), ("Q8_0", 531), ("Q6_K", 531), ("Q5_K_M", 400), ("Q4_K_M", 405)]
    assert worth_offering(sizes, 1000) == [("Q8_0", 531), ("Q5_K_M", 400)]
    assert worth_offering(sizes, 300) == []


def test_a_full_file_of_32_bits_may_become_one_of_16():
    assert worth_offering([("BF16", 500), ("F16", 500), ("Q8_0", 270)], 1000)[0] == ("BF16", 500)


def test_the_recommended_type_is_one_of_them():
    assert RECOMMENDED in TARGETS


def test_the_shape_of_a_smaller_one():
    layers = (LayerShape(64, 64, weights_bytes=400),) * 2
    shape = ModelShape(1000, layers, 8192, 0, 100, 64, 1, 64, 256, output_bytes=200)
    smaller = shape_with(shape, 250)
    assert (smaller.weights_bytes, smaller.output_bytes) == (250, 50)
    assert [layer.weights_bytes for layer in smaller.layers] == [100, 100]
    assert smaller.layers[0].key == 64


def test_names_of_parts():
    assert is_shard_name("Tiny-00001-of-00002.gguf")
    assert not is_shard_name("Tiny-2-of-3.gguf")
