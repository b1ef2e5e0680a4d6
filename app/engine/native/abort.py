"""A flag that stops a running `llama_decode` from another thread."""

from __future__ import annotations

import ctypes
import os

from app.engine.native.bindings import lib


def _strlen() -> ctypes.c_void_p:
    """The address of the C library's `strlen`."""
    library = ctypes.CDLL("msvcrt") if os.name == "nt" else ctypes.CDLL(None)
    return ctypes.cast(library.strlen, ctypes.c_void_p)


ABORT_CALLBACK = ctypes.cast(_strlen(), lib.ggml_abort_callback)
"""`strlen`, used as `bool (*)(void *)`: of an empty string 0, go on; of "\\x01" 1, stop.

ggml asks after each of the graph's nodes (some 900 a token for a small model). A Python callback
would take the interpreter's lock each time and slow down decoding; this one is three instructions.
"""


class LoadStopped(Exception):
    """A load was cancelled by its flag."""


class AbortFlag:
    """Down when made; stays up once raised, until whoever obeys it lowers it."""

    def __init__(self) -> None:
        self._bytes = ctypes.create_string_buffer(2)

    def raise_(self) -> None:
        """Stop what runs under this flag; from any thread, never waits."""
        self._bytes[0] = 1

    def lower(self) -> None:
        """Take it down again: for the thread that obeys it, while nothing runs under it."""
        self._bytes[0] = 0

    @property
    def is_raised(self) -> bool:
        """Whether somebody wants the work to stop."""
        return self._bytes[0] != b"\x00"

    @property
    def address(self) -> int:
        """Where the flag lies; the flag must outlive every use of it."""
        return ctypes.addressof(self._bytes)
