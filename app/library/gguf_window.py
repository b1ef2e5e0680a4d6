"""Reading a GGUF header in order, through a window that slides over the file.

Not mapped into memory: a mapped file that shrinks kills the process (SIGBUS), and on Windows it
could not be deleted. Everything that is read is bounded before it is read.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final, TypeAlias

from app.library import refusals

MAX_STRING_BYTES: Final = 64 << 20
MAX_HEADER_BYTES: Final = 1 << 30
MAX_ARRAY_STRINGS: Final = 4_000_000
"""Strings in all arrays together: a real vocabulary has up to 300,000, twice with its merges."""

_CHUNK: Final = 1 << 20
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")

Scalar: TypeAlias = int | float | bool | str


class Window:
    """A part of the file in memory, moving forward."""

    def __init__(self, file: BinaryIO, file_bytes: int, name: str) -> None:
        self._file = file
        self._file_bytes = file_bytes
        self._buffer = b""
        self._at = 0
        """Position in the buffer."""
        self._start = 0
        """Position of the buffer in the file."""
        self.name = name
        self.strings_left = MAX_ARRAY_STRINGS

    @property
    def position(self) -> int:
        """Bytes from the start of the file."""
        return self._start + self._at

    def u32(self) -> int:
        """Read an unsigned number of four bytes."""
        return int(self.scalar(_U32))

    def u64(self) -> int:
        """Read an unsigned number of eight bytes."""
        return int(self.scalar(_U64))

    def scalar(self, form: struct.Struct) -> int | float | bool:
        """Read one value of a fixed size."""
        self._hold(form.size)
        (value,) = form.unpack_from(self._buffer, self._at)
        self._at += form.size
        return value

    def scalars(self, form: struct.Struct, count: int) -> tuple[Scalar, ...]:
        """Read a row of numbers."""
        nbytes = form.size * count
        self._hold(nbytes)
        row = self._buffer[self._at : self._at + nbytes]
        self._at += nbytes
        return tuple(value for (value,) in form.iter_unpack(row))

    def string(self, limit: int = MAX_STRING_BYTES) -> str:
        """Read a length and that many bytes of UTF-8; what is no UTF-8 is replaced."""
        length = self.u64()
        if length > limit:
            raise refusals.damaged(self.name, f"Its header holds a text of {length:,} bytes.")
        self._hold(length)
        raw = self._buffer[self._at : self._at + length]
        self._at += length
        return raw.decode("utf-8", "replace")

    def skip(self, nbytes: int) -> None:
        """Go past bytes without reading them."""
        self._check(nbytes)
        self._at += nbytes
        if self._at > len(self._buffer):
            self._start += self._at
            self._at = 0
            self._buffer = b""
            self._file.seek(self._start)

    def skip_strings(self, count: int) -> None:
        """Go past strings; a loop over locals, because a vocabulary has hundreds of thousands."""
        unpack = _U64.unpack_from
        while count:
            self._hold(8)
            buffer, at = self._buffer, self._at
            last = len(buffer) - 8
            while count and at <= last:
                (length,) = unpack(buffer, at)
                if length > MAX_STRING_BYTES:
                    raise refusals.damaged(
                        self.name, f"Its header holds a text of {length:,} bytes."
                    )
                at += 8 + length
                count -= 1
            past = at - self._at
            self.skip(past)

    def _check(self, nbytes: int) -> None:
        end = self.position + nbytes
        if end > MAX_HEADER_BYTES:
            raise refusals.damaged(self.name, "Its header is larger than 1 GiB.")
        if end > self._file_bytes:
            raise refusals.cut_short(self.name, self._file_bytes, end, at_least=True)

    def _hold(self, nbytes: int) -> None:
        """Have that many bytes in the buffer."""
        if self._at + nbytes <= len(self._buffer):
            return
        self._check(nbytes)
        rest = self._buffer[self._at :]
        self._start += self._at
        self._at = 0
        self._buffer = rest + self._file.read(max(_CHUNK, nbytes - len(rest)))
        if len(self._buffer) < nbytes:
            # The file became shorter after its size was asked.
            there = self._start + len(self._buffer)
            raise refusals.cut_short(self.name, there, self._start + nbytes, at_least=True)
