"""llama_cpp's low-level bindings, the only import of that library.

Its annotations name pointer types that ctypes never returns (a pointer comes as a plain `int`), so
`lib` is untyped here and the classes around it are typed instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.engine.native.openmp import waiting_briefly

with waiting_briefly():
    import llama_cpp
    from llama_cpp import llama_cpp as _bindings

lib: Any = _bindings

VERSION = llama_cpp.__version__
"""Of the Python package; llama.cpp has its own."""

LIBRARY_FOLDER = Path(llama_cpp.__file__).parent / "lib"
"""Where the shared libraries lie."""
