"""Opening a path as a LoRA adapter: whether it is one, and of which model family.

llama.cpp checks the same (`llama_adapter_lora_init_impl` in its src/llama-adapter.cpp), but a
caller that overlooks its answer ends the process; and its words are for developers.
"""

from __future__ import annotations

from app.domain.errors import LoadSettingsRefused
from app.library.gguf_header import Header
from app.library.model_file import name_of, open_header

_REMEDY = "Take it out of the model's settings, or choose the file of a LoRA adapter in GGUF form."


def require_adapter(path: str, architecture: str) -> None:
    """Raise `LoadSettingsRefused` or a `ModelFileError` case if this is no LoRA adapter for models
    of the architecture."""
    name = name_of(path)
    _, header = open_header(path)
    if _text(header, "general.type") != "adapter" or _text(header, "adapter.type") != "lora":
        raise LoadSettingsRefused(f"“{name}” is not a LoRA adapter.", "", _REMEDY)
    made_for = _text(header, "general.architecture")
    if made_for != architecture:
        raise LoadSettingsRefused(
            f"The adapter “{name}” was made for another model.",
            f"It changes models of the family “{made_for}”, and this one is “{architecture}”.",
            "Take it out of the model's settings, or choose an adapter for this model.",
        )


def _text(header: Header, key: str) -> str:
    value = header.entries.get(key)
    return value if isinstance(value, str) else ""
