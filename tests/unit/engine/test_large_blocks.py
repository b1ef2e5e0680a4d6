"""That large blocks of memory are returned, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TRY = """
import ctypes
from app.engine.native import system
system.start()
library = ctypes.CDLL(None)
if not hasattr(library, "mallinfo2"):
    raise SystemExit(5)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
BYTES_IN_LARGE = 4

class Account(ctypes.Structure):
    _fields_ = [(str(place), ctypes.c_size_t) for place in range(10)]

library.mallinfo2.restype = Account

def in_large_blocks():
    return getattr(library.mallinfo2(), str(BYTES_IN_LARGE))

size = 24 * 1024 * 1024
before = in_large_blocks()
for _ in range(3):
    block = library.malloc(size)
    assert in_large_blocks() - before >= size
    library.free(block)
    assert in_large_blocks() == before
"""


def test_large_blocks_go_back_to_the_system_each_time() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=60, check=False
    )
    if ran.returncode == 5:
        pytest.skip("another C library than glibc")
    assert ran.returncode == 0, ran.stderr
