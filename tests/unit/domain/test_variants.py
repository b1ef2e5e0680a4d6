"""Which files of a repository belong together."""

from __future__ import annotations

import pytest

from app.domain.hub import RepoDetails, RepoFile, RepoSummary, Variant
from app.domain.variants import find_variant, grouped, quality_of, quantisation_in


def files(*paths: str) -> list[RepoFile]:
    """Each later one is larger."""
    return [RepoFile(path, 1000 + number) for number, path in enumerate(paths)]


def names(variants: tuple[Variant, ...]) -> list[list[str]]:
    return [[file.path for file in variant.files] for variant in variants]


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("Qwen3-1.7B-Q4_K_M.gguf", "Q4_K_M"),
        ("gemma-3-4b-it-UD-Q5_K_XL.gguf", "UD-Q5_K_XL"),
        ("model.q8_0.gguf", "Q8_0"),
        ("tiny-iq2_xxs.gguf", "IQ2_XXS"),
        ("BF16/Big-BF16", "BF16"),
        ("gpt-oss-20b-MXFP4_MOE.gguf", "MXFP4_MOE"),
        ("F16-experiment-Q6_K.gguf", "Q6_K"),
        ("plain.gguf", ""),
        ("EQ4_K_Mx.gguf", ""),
    ],
)
def test_the_quantisation_stands_in_the_name(name: str, quantisation: str):
    assert quantisation_in(name) == quantisation


def test_variants_come_from_small_to_large():
    found = grouped(files("m-Q2_K.gguf", "m-Q8_0.gguf", "m-Q4_K_M.gguf"))
    assert [variant.quantisation for variant in found.variants] == ["Q2_K", "Q8_0", "Q4_K_M"]
    assert find_variant(found.variants, "q8_0") is found.variants[1]
    assert find_variant(found.variants, "Q5_0") is None


def test_shards_are_one_variant_in_their_order():
    found = grouped(
        files(
            "Q8_0/m-Q8_0-00002-of-00003.gguf",
            "Q8_0/m-Q8_0-00003-of-00003.gguf",
            "Q8_0/m-Q8_0-00001-of-00003.gguf",
        )
    )
    (variant,) = found.variants
    assert [file.path[-19:-14] for file in variant.files] == ["00001", "00002", "00003"]
    assert variant.path == "Q8_0/m-Q8_0-00001-of-00003.gguf"
    assert variant.size_bytes == 3003
    assert found.incomplete == ()


def test_a_set_that_lacks_a_shard_is_no_variant():
    found = grouped(files("m-Q4_0-00001-of-00002.gguf", "m-Q4_0-00001-of-00003.gguf"))
    assert found.variants == ()
    assert found.incomplete == ("m-Q4_0", "m-Q4_0")


def test_projectors_are_companions_the_best_first():
    found = grouped(files("m-Q4_K_M.gguf", "mmproj-F32.gguf", "mmproj-m-F16.gguf"))
    assert names(found.variants) == [["m-Q4_K_M.gguf"]]
    assert [file.path for file in found.projectors] == ["mmproj-m-F16.gguf", "mmproj-F32.gguf"]
    details = RepoDetails(RepoSummary("a/b"), "c" * 40, found.variants, found.projectors)
    item = details.item(found.variants[0])
    assert [file.path for file in item] == ["m-Q4_K_M.gguf", "mmproj-m-F16.gguf"]


def test_what_is_no_model_is_left_out():
    found = grouped(
        files(
            "README.md", "m.gguf.part1of2", "imatrix.gguf", "mtp-m.gguf", "M.GGUF", "x.safetensors"
        )
    )
    assert names(found.variants) == [["M.GGUF"]]


@pytest.mark.parametrize(
    ("better", "worse"), [("Q8_0", "Q4_K_M"), ("Q5_K_M", "Q3_K_S"), ("UD-Q4_K_XL", "IQ1_S")]
)
def test_quality_is_told_in_words(better: str, worse: str):
    assert quality_of(better)
    assert quality_of(worse)
    assert quality_of(better) != quality_of(worse)
    assert quality_of("") == ""
