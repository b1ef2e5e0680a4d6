"""The GGUF reader: what it reads, and that it refuses everything else with a typed error."""

from __future__ import annotations

import io
import os
import random
import struct
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import FileDamaged, GgufFormUnknown, ModelFileError
from app.library import gguf_window
from app.library.gguf_header import Header, SkippedArray, read_header
from app.library.model_file import inspect_file
from tests.helpers.gguf_files import (
    LLAMA_ENTRIES,
    GgufFile,
    Tensor,
    Typed,
    encode_entry,
    starter_file,
)

MUTATIONS = 300
SLOW = 3.0
"""Seconds: far above what one header needs on a busy machine, far below a hang."""


def read(data: bytes) -> Header:
    """Read from memory."""
    return read_header(io.BytesIO(data), len(data), "x.gguf")


def refusal(data: bytes) -> ModelFileError:
    """The error that reading gives."""
    with pytest.raises(ModelFileError) as caught:
        read(data)
    return caught.value


@pytest.fixture(scope="module")
def starter_header() -> bytes:
    """The starter model's header and the first of its weights."""
    with starter_file().open("rb") as file:
        return file.read(2_000_000)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "",
        "é漢😀",
        True,
        7,
        0.5,
        Typed("u8", 255),
        Typed("i8", -1),
        Typed("u16", 65535),
        Typed("i16", -2),
        Typed("i32", -3),
        Typed("u64", 1 << 60),
        Typed("i64", -(1 << 60)),
        Typed("f64", 0.1),
    ],
)
def test_every_scalar_type_is_read(value: Any) -> None:
    header = read(GgufFile({"key": value}).to_bytes())
    assert header.entries == {"key": value.value if isinstance(value, Typed) else value}


@pytest.mark.parametrize("version", [2, 3])
def test_versions_2_and_3_are_read(version: int) -> None:
    assert read(GgufFile(version=version).to_bytes()).version == version


def test_short_arrays_are_kept_and_long_ones_counted() -> None:
    entries = {
        "numbers": list(range(5)),
        "words": ["a", "", "c"],
        "empty": [],
        "many numbers": list(range(2_000)),
        "many words": ["w" * (index % 40) for index in range(30_000)],
        "after": "all",
    }
    found = read(GgufFile(entries).to_bytes()).entries
    assert found == {
        "numbers": (0, 1, 2, 3, 4),
        "words": ("a", "", "c"),
        "empty": (),
        "many numbers": SkippedArray(2_000),
        "many words": SkippedArray(30_000),
        "after": "all",
    }


def test_the_window_slides_over_entries_larger_than_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_window, "_CHUNK", 16)
    entries = {
        "long": "x" * 1_000,
        "words": ["w" * (index % 50) for index in range(3_000)],
        "numbers": list(range(3_000)),
        "last": 5,
    }
    found = read(GgufFile(entries).to_bytes()).entries
    assert found["long"] == "x" * 1_000
    assert found["words"] == SkippedArray(3_000)
    assert found["last"] == 5


def test_tensors_have_their_sizes_and_places() -> None:
    tensors = [
        Tensor("a", (64, 3), type_id=2, nbytes=108),
        Tensor("b", (5,)),
        Tensor("c", (256, 2, 2), type_id=12, nbytes=576),
    ]
    data = GgufFile(tensors=tensors).to_bytes()
    header = read(data)
    assert [(t.name, t.elements, t.nbytes, t.offset) for t in header.tensors] == [
        ("a", 192, 108, 0),
        ("b", 5, 20, 128),
        ("c", 1024, 576, 160),
    ]
    assert header.data_end == header.data_offset + 160 + 576 == len(data)


def test_a_tensor_of_an_unknown_type_has_no_size() -> None:
    tensors = [Tensor("new", (32,), type_id=999, nbytes=64), Tensor("known", (8,))]
    header = read(GgufFile(tensors=tensors).to_bytes())
    assert [tensor.nbytes for tensor in header.tensors] == [None, 32]


def test_text_that_is_no_utf8_is_replaced() -> None:
    data = GgufFile({"key": "ab"}).to_bytes().replace(b"ab", b"a\xff")
    assert read(data).entries["key"] == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("version", "case", "words"),
    [
        (1, GgufFormUnknown, "no longer supported"),
        (4, GgufFormUnknown, "does not know yet"),
        (0x02000000, GgufFormUnknown, "another kind of processor"),
        (0x03000000, GgufFormUnknown, "another kind of processor"),
        (0x12345678, FileDamaged, "damaged"),
    ],
)
def test_other_versions_are_refused(version: int, case: type[Exception], words: str) -> None:
    error = refusal(GgufFile(version=version).to_bytes())
    assert type(error) is case
    assert words in error.title


def with_entry(raw: bytes) -> bytes:
    """A header with one entry in raw form."""
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + raw + bytes(64)


def raw_entry(type_id: int, rest: bytes) -> bytes:
    """An entry named `key` of any type and content."""
    return struct.pack("<Q", 3) + b"key" + struct.pack("<I", type_id) + rest


def with_tensor(shape: tuple[int, ...], type_id: int = 0, offset: int = 0) -> bytes:
    """A header with one tensor of any description."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Q", 1) + b"t"
    sizes = b"".join(struct.pack("<Q", size) for size in shape)
    return head + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", type_id, offset)


CONTRADICTIONS = {
    "too many entries": b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 20),
    "too many tensors": b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0),
    "unknown value type": with_entry(raw_entry(99, b"")),
    "array of arrays": with_entry(raw_entry(9, struct.pack("<IQ", 9, 1))),
    "string of 2^60 bytes": with_entry(raw_entry(8, struct.pack("<Q", 1 << 60))),
    "list of 2^60 texts": with_entry(raw_entry(9, struct.pack("<IQ", 8, 1 << 60))),
    "list of 2^60 numbers": with_entry(raw_entry(9, struct.pack("<IQ", 4, 1 << 60))),
    "huge text in a list": with_entry(
        raw_entry(9, struct.pack("<IQ", 8, 2_000) + struct.pack("<Q", 1 << 50))
    ),
    "key twice": b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + encode_entry("k", 1) * 2,
    "alignment 0": GgufFile({"general.alignment": 0}).to_bytes(),
    "alignment 3": GgufFile({"general.alignment": 3}).to_bytes(),
    "alignment 2^31": GgufFile({"general.alignment": 1 << 31}).to_bytes(),
    "alignment in words": GgufFile({"general.alignment": "32"}).to_bytes(),
    "five dimensions": with_tensor((1, 1, 1, 1, 1)),
    "dimension 0": with_tensor((0,)),
    "dimension 2^33": with_tensor((1 << 33,)),
    "rows that fill no blocks": with_tensor((33,), type_id=2),
    "tensor at the wrong place": with_tensor((32,), offset=32),
    "tensor off the grid": with_tensor((32,), offset=1),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_damage(case: str) -> None:
    error = refusal(CONTRADICTIONS[case])
    assert type(error) is FileDamaged
    assert error.detail
    assert error.remedy


def test_lists_of_texts_share_one_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_window, "MAX_ARRAY_STRINGS", 5)
    assert read(GgufFile({"a": ["x"] * 3, "b": ["y"] * 2}).to_bytes())
    assert (
        "list of 3 texts" in refusal(GgufFile({"a": ["x"] * 3, "b": ["y"] * 3}).to_bytes()).detail
    )


def test_truncation_anywhere_in_a_small_file_is_typed() -> None:
    whole = GgufFile(LLAMA_ENTRIES).header()
    end = whole.rstrip(b"\0")
    for length in range(24, len(end)):
        error = refusal(whole[:length])
        assert type(error) is FileDamaged, length
        assert f"{length:,} of at least" in error.detail


def test_a_file_that_shrinks_while_it_is_read_is_cut_short() -> None:
    data = GgufFile(LLAMA_ENTRIES).to_bytes()
    with pytest.raises(FileDamaged, match="incomplete"):
        read_header(io.BytesIO(data[:100]), len(data), "x.gguf")


def test_mutations_give_facts_or_typed_errors(starter_header: bytes, tmp_path: Path) -> None:
    """300 seeded mutations of a real header, half of them near the start."""
    random_source = random.Random(20260727)
    path = tmp_path / "mutated.gguf"
    outcomes: Counter[str] = Counter()
    for number in range(MUTATIONS):
        data = bytearray(starter_header)
        reach = 1_780_000 if number % 2 else 2_000
        for _ in range(random_source.randint(1, 8)):
            data[random_source.randrange(4, reach)] = random_source.randrange(256)
        path.write_bytes(data)
        # The weights are a hole in the file: nobody looks at them here.
        os.truncate(path, starter_file().stat().st_size)
        began = time.perf_counter()
        outcomes[outcome_of(path)] += 1
        assert time.perf_counter() - began < SLOW
    assert outcomes["read"] > 20
    assert outcomes[FileDamaged.kind] > 100
    assert "no sentence" not in outcomes


def outcome_of(path: Path) -> str:
    """`read`, or the kind of the refusal, which must have its sentences."""
    try:
        inspect_file(str(path))
    except ModelFileError as error:
        return error.kind if error.title and error.remedy else "no sentence"
    return "read"


def test_mutations_of_a_whole_small_file_pass_or_are_refused(tmp_path: Path) -> None:
    """Here the weights are there, so that many mutations pass."""
    whole = GgufFile().to_bytes()
    random_source = random.Random(7)
    path = tmp_path / "mutated.gguf"
    outcomes: set[str] = set()
    for _ in range(MUTATIONS):
        data = bytearray(whole)
        data[random_source.randrange(4, len(data))] = random_source.randrange(256)
        path.write_bytes(data)
        outcomes.add(outcome_of(path))
    assert {"read", FileDamaged.kind, GgufFormUnknown.kind} <= outcomes
    assert "no sentence" not in outcomes


def test_a_real_header_is_read_quickly(starter_header: bytes) -> None:
    times: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        header = read(starter_header)
        times.append(time.perf_counter() - began)
        assert header.entries["tokenizer.ggml.tokens"] == SkippedArray(49_152)
    # 10 ms in peace; the gguf package needs 2 s for the same.
    assert min(times) < 0.5
