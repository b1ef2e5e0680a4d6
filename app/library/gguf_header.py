"""The header of a GGUF file, read in order and in pieces, never the weights.

Format: ggml's docs/gguf.md; what is refused follows `gguf_init_from_file` of llama.cpp. Raises only
`ModelFileError` cases; an `OSError` of the file passes through for the caller to translate.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from app.library import refusals
from app.library.gguf_types import TENSOR_LAYOUTS
from app.library.gguf_window import Scalar, Window

MAGIC: Final = b"GGUF"
PREFIX_BYTES: Final = 24
"""Magic, version, number of tensors, number of entries."""

MAX_ENTRIES: Final = 65_536
MAX_TENSORS: Final = 1_000_000
MAX_KEY_BYTES: Final = 65_535
MAX_TENSOR_NAME_BYTES: Final = 1_024
MAX_DIMENSIONS: Final = 4
MAX_DIMENSION: Final = 1 << 32
MAX_ALIGNMENT: Final = 1 << 20
LONGEST_KEPT_ARRAY: Final = 1_024
"""Longer arrays (the vocabulary) are counted, not kept."""

_DEFAULT_ALIGNMENT: Final = 32
_STRING: Final = 8
_ARRAY: Final = 9
_SCALARS: Final[dict[int, struct.Struct]] = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """An array too long to keep."""

    count: int


Value: TypeAlias = Scalar | tuple[Scalar, ...] | SkippedArray


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies and how large it is."""

    name: str
    type_id: int
    elements: int
    offset: int
    """Bytes from the start of the tensor data."""
    nbytes: int | None
    """None: a type that is not in our table."""


@dataclass(frozen=True, slots=True)
class Header:
    """Everything before the weights."""

    version: int
    entries: dict[str, Value]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    """Where the tensor data begins, in bytes from the start of the file."""
    data_end: int
    """Where the last tensor of a known type ends."""


def read_header(file: BinaryIO, file_bytes: int, name: str) -> Header:
    """Read the header of an open file that begins with `GGUF`; `name` is for the sentences."""
    window = Window(file, file_bytes, name)
    window.skip(len(MAGIC))
    version = _version(window.u32(), name)
    tensor_count = window.u64()
    entry_count = window.u64()
    if tensor_count > MAX_TENSORS or entry_count > MAX_ENTRIES:
        raise refusals.damaged(
            name, f"It claims {tensor_count:,} tensors and {entry_count:,} header entries."
        )
    entries = _entries(window, entry_count)
    alignment = _alignment(entries, name)
    tensors = tuple(_tensor(window) for _ in range(tensor_count))
    _check_places(tensors, alignment, name)
    data_offset = _padded(window.position, alignment)
    ends = [tensor.offset + (tensor.nbytes or 0) for tensor in tensors]
    return Header(version, entries, tensors, data_offset, data_offset + max(ends, default=0))


def _version(version: int, name: str) -> int:
    if version in (2, 3):
        return version
    if version == 1:
        raise refusals.old_version(name, version)
    if version & 0xFFFF == 0:
        raise refusals.big_endian(name)
    if version > 100:
        raise refusals.damaged(name, f"It claims version {version:,} of the format.")
    raise refusals.newer_version(name, version)


def _entries(window: Window, count: int) -> dict[str, Value]:
    entries: dict[str, Value] = {}
    for _ in range(count):
        key = window.string(MAX_KEY_BYTES)
        if key in entries:
            raise refusals.damaged(window.name, f"Its header says “{key[:80]}” twice.")
        kind = window.u32()
        entries[key] = _array(window) if kind == _ARRAY else _scalar(window, kind)
    return entries


def _scalar(window: Window, kind: int) -> Scalar:
    if kind == _STRING:
        return window.string()
    return window.scalar(_form(window, kind))


def _form(window: Window, kind: int) -> struct.Struct:
    form = _SCALARS.get(kind)
    if form is None:
        raise refusals.damaged(window.name, f"Its header holds a value of unknown type {kind:,}.")
    return form


def _array(window: Window) -> tuple[Scalar, ...] | SkippedArray:
    kind = window.u32()
    count = window.u64()
    if kind == _STRING:
        return _string_array(window, count)
    form = _form(window, kind)
    if count > LONGEST_KEPT_ARRAY:
        window.skip(form.size * count)
        return SkippedArray(count)
    return window.scalars(form, count)


def _string_array(window: Window, count: int) -> tuple[Scalar, ...] | SkippedArray:
    window.strings_left -= count
    if window.strings_left < 0:
        raise refusals.damaged(window.name, f"Its header claims a list of {count:,} texts.")
    if count > LONGEST_KEPT_ARRAY:
        window.skip_strings(count)
        return SkippedArray(count)
    return tuple(window.string() for _ in range(count))


def _alignment(entries: dict[str, Value], name: str) -> int:
    alignment = entries.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment.bit_count() != 1 or alignment > MAX_ALIGNMENT:
        raise refusals.damaged(name, "Its header gives an impossible alignment.")
    return alignment


def _tensor(window: Window) -> TensorInfo:
    name = window.string(MAX_TENSOR_NAME_BYTES)
    dimensions = window.u32()
    if dimensions > MAX_DIMENSIONS:
        raise refusals.damaged(window.name, f"A tensor claims {dimensions:,} dimensions.")
    shape = [window.u64() for _ in range(dimensions)]
    if any(not 0 < size <= MAX_DIMENSION for size in shape):
        raise refusals.damaged(window.name, "A tensor claims an impossible size.")
    type_id = window.u32()
    offset = window.u64()
    elements = 1
    for size in shape:
        elements *= size
    row = shape[0] if shape else 1
    return TensorInfo(name, type_id, elements, offset, _nbytes(window, type_id, elements, row))


def _nbytes(window: Window, type_id: int, elements: int, row: int) -> int | None:
    layout = TENSOR_LAYOUTS.get(type_id)
    if layout is None:
        return None
    if row % layout.block:
        raise refusals.damaged(
            window.name, f"A tensor's rows of {row:,} do not fill blocks of {layout.block}."
        )
    return elements // layout.block * layout.nbytes


def _check_places(tensors: tuple[TensorInfo, ...], alignment: int, name: str) -> None:
    """Tensors follow one another without gaps, as llama.cpp demands."""
    expected: int | None = 0
    for tensor in tensors:
        if tensor.offset % alignment or expected not in (None, tensor.offset):
            raise refusals.damaged(name, "Its tensors do not lie where they must.")
        # After a tensor of unknown type nobody can tell where the next one must begin.
        expected = (
            None if tensor.nbytes is None else _padded(tensor.offset + tensor.nbytes, alignment)
        )


def _padded(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment
