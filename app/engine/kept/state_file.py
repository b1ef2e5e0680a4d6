"""The file of one state: which tokens it holds and how they were read, then llama.cpp's own bytes.

    8 bytes  magic, with the version of this form
    u32 u32  bytes of the facts, number of tokens
    u64 u32  bytes of the state, its CRC-32
    u32      CRC-32 of all of the head but this number
    …        facts (JSON), tokens (i32), state

Numbers are in this machine's byte order: the file is of no use elsewhere. A CRC finds what a disk
does to a file (llama.cpp would abort over such bytes) at 1.6 GB a second; somebody who may write
into the folder may do anything else in it as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np

from app.engine.kept.folder import PART
from app.engine.native.context import StateBytes

Tokens: TypeAlias = "array[int]"
"""Of type code `i`, llama.cpp's own."""

_MAGIC = b"LLstate1"
_HEAD = struct.Struct("=8sIIQI")
_CRC = struct.Struct("=I")
_CHUNK = 4 * 1024 * 1024
_MOST_FACTS = 4096
_MOST_TOKENS = 1 << 24


class Damaged(Exception):
    """Not a sound state file of this version."""


@dataclass(frozen=True, slots=True)
class Facts:
    """How a state came about."""

    tokens: Tokens
    """What it holds, in order."""
    read_from: int
    read_to: int
    """See `app.engine.cells.Cells`."""
    first: int
    """The first position that it still has: above 0 with a sliding window or a recurrent state."""
    reading: float
    """Tokens a second at which this machine read such a prompt; 0 if not known."""


@dataclass(frozen=True, slots=True)
class _Head:
    facts: Facts
    state_bytes: int
    state_crc: int


def write(path: Path, facts: Facts, state: StateBytes, wanted: Callable[[], bool]) -> bool:
    """Write the file, whole or not at all; False if it was not `wanted` any more meanwhile.

    Raises `OSError`, and then nothing is left of it.
    """
    part = path.with_suffix(PART)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_encoded(facts, state))
            for start in range(0, state.size, _CHUNK):
                if not wanted():
                    break
                file.write(state[start : start + _CHUNK].data)
        if wanted():
            # Not forced to the disk: what a power cut spoils, the checksums find.
            os.replace(part, path)
            return True
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    part.unlink(missing_ok=True)
    return False


def read_facts(path: Path) -> tuple[Facts, int]:
    """What it holds, and the bytes of its state; raises `Damaged` or `OSError`."""
    with path.open("rb") as file:
        head = _read_head(file)
        whole = file.tell() + head.state_bytes
        if os.fstat(file.fileno()).st_size != whole:
            raise Damaged(f"{path.name} is cut short")
    return head.facts, head.state_bytes


def read_state(path: Path) -> StateBytes:
    """Its state, checked; raises `Damaged` or `OSError`."""
    with path.open("rb", buffering=0) as file:
        head = _read_head(file)
        state: StateBytes = np.empty(head.state_bytes, np.uint8)
        crc = 0
        for start in range(0, head.state_bytes, _CHUNK):
            chunk = state[start : start + _CHUNK].data
            if file.readinto(chunk) != len(chunk):
                raise Damaged(f"{path.name} is cut short")
            # Chunk by chunk, while it is in the processor's cache.
            crc = zlib.crc32(chunk, crc)
    if crc != head.state_crc:
        raise Damaged(f"{path.name} does not match its checksum")
    return state


def _encoded(facts: Facts, state: StateBytes) -> bytes:
    """Everything before the state."""
    told = json.dumps(
        {
            "read_from": facts.read_from,
            "read_to": facts.read_to,
            "first": facts.first,
            "reading": facts.reading,
        }
    ).encode()
    tokens = facts.tokens.tobytes()
    head = _HEAD.pack(_MAGIC, len(told), len(facts.tokens), state.size, zlib.crc32(state.data))
    return b"".join((head, _CRC.pack(zlib.crc32(head + told + tokens)), told, tokens))


def _read_head(file: BinaryIO) -> _Head:
    raw = file.read(_HEAD.size + _CRC.size)
    if len(raw) != _HEAD.size + _CRC.size:
        raise Damaged("a head that is cut short")
    fixed = raw[: _HEAD.size]
    magic, told_bytes, count, state_bytes, state_crc = _HEAD.unpack(fixed)
    if magic != _MAGIC or told_bytes > _MOST_FACTS or not 0 < count <= _MOST_TOKENS:
        raise Damaged("not a state of this version")
    tokens = array("i")
    rest = file.read(told_bytes + count * tokens.itemsize)
    if _CRC.unpack(raw[_HEAD.size :]) != (zlib.crc32(fixed + rest),):
        raise Damaged("a head that does not match its checksum")
    tokens.frombytes(rest[told_bytes:])
    told = json.loads(rest[:told_bytes])
    facts = Facts(tokens, told["read_from"], told["read_to"], told["first"], told["reading"])
    return _Head(facts, state_bytes, state_crc)
