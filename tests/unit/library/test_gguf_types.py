"""Our tables against the llama.cpp that is installed."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from app.library.gguf_types import FILE_TYPES, TENSOR_LAYOUTS

llama_cpp = pytest.importorskip("llama_cpp")


def ggml() -> ctypes.CDLL:
    """The library that knows the tensor types."""
    names = {"darwin": "libggml-base.dylib", "win32": "ggml-base.dll"}
    folder = Path(llama_cpp.__file__).parent / "lib"
    library = ctypes.CDLL(str(folder / names.get(sys.platform, "libggml-base.so")))
    library.ggml_type_size.restype = ctypes.c_size_t
    library.ggml_blck_size.restype = ctypes.c_int64
    library.ggml_type_name.restype = ctypes.c_char_p
    return library


def test_tensor_layouts_are_those_of_ggml() -> None:
    library = ggml()
    for type_id, layout in TENSOR_LAYOUTS.items():
        assert library.ggml_type_name(type_id).decode().upper() == layout.name
        assert library.ggml_blck_size(type_id) == layout.block, layout
        assert library.ggml_type_size(type_id) == layout.nbytes, layout


def test_file_types_are_those_of_llama() -> None:
    prefixes = ("LLAMA_FTYPE_ALL_", "LLAMA_FTYPE_MOSTLY_")
    theirs = {
        getattr(llama_cpp, name): name.removeprefix(prefix)
        for name in dir(llama_cpp)
        for prefix in prefixes
        if name.startswith(prefix)
    }
    assert theirs == FILE_TYPES
