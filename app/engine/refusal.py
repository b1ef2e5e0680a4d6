"""Why llama.cpp refused a file: it says so only in its log, in words meant for developers.

The library reads a file's header first and refuses most of these itself; the engine must not need
that. The phrases are those of llama.cpp's src/llama-model-loader.cpp, src/llama-model.cpp,
src/llama.cpp, src/llama-vocab.cpp and ggml/src/gguf.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from app.domain.errors import (
    AppError,
    ArchitectureUnknown,
    FileDamaged,
    FileMissing,
    FileUnreadable,
    LoadRefused,
    LoadSettingsRefused,
    NotAChatModel,
    NotGguf,
    NothingLoaded,
    OutOfMemory,
    ShardMissing,
)

_FETCH_AGAIN = "Download the file again, or choose another one."
_CHOOSE_CHAT = "Choose the file of a chat model."
_FREE_MEMORY = "Close other programs, choose a shorter context, or choose a smaller model."


def missing(name: str) -> FileMissing:
    """Nothing is there (any more)."""
    return FileMissing(
        f"“{name}” is not there.",
        "The file was moved, renamed or deleted, or its drive is not connected.",
        "Look for it at its new place and open it from there.",
    )


def unreadable(name: str) -> FileUnreadable:
    """A folder, or a file that the system refuses to read."""
    return FileUnreadable(
        f"“{name}” cannot be read.",
        "It is no ordinary file, or your user account may not read it.",
        "Choose a file, and give your user account the right to read it.",
    )


def not_chat(name: str, what: str) -> NotAChatModel:
    """Another kind of model; `what` completes "It is …"."""
    return NotAChatModel(f"“{name}” is not a chat model.", f"It is {what}.", _CHOOSE_CHAT)


def not_loaded(path: str) -> NothingLoaded:
    """Something was asked of a model that is not in memory."""
    return NothingLoaded(
        "The model is not loaded.", f"Asked for {path}.", "Load the model, then ask again."
    )


def out_of_memory(detail: str) -> OutOfMemory:
    """Not enough for weights, cache or buffers."""
    return OutOfMemory("There is not enough memory for this model.", detail, _FREE_MEMORY)


def bad_adapter(name: str, log: Sequence[str]) -> LoadSettingsRefused:
    """A file that is no LoRA adapter, or one of another model."""
    return LoadSettingsRefused(
        f"The adapter “{name}” cannot be used with this model.",
        _reason(log),
        "Take it out of the model's settings, or choose an adapter that was made for this model.",
    )


def bad_draft(name: str, reason: str) -> LoadSettingsRefused:
    """A file that is no model which could guess for this one."""
    return LoadSettingsRefused(
        f"The draft model “{name}” cannot be used with this model.",
        reason,
        "Take it out of the model's settings, or choose a small model of the same family.",
    )


def no_drafts() -> LoadSettingsRefused:
    """A model for which nothing can be guessed."""
    return LoadSettingsRefused(
        "This model cannot be used with a draft model.",
        "Its memory cannot go back by some words, as it must where a guess was wrong.",
        "Take the draft model out of the model's settings.",
    )


def damaged(name: str, reason: str) -> FileDamaged:
    """Cut short, or it contradicts itself."""
    return FileDamaged(f"“{name}” is damaged or incomplete.", reason, _FETCH_AGAIN)


def _unknown_architecture(name: str, reason: str) -> ArchitectureUnknown:
    family = re.search(r"'([^']*)'", reason)
    of = f" “{family[1]}”" if family else ""
    return ArchitectureUnknown(
        f"“{name}” belongs to a model family that this Lamplight cannot run yet.",
        f"Its architecture{of} is not known to this version of llama.cpp.",
        "Look for a newer Lamplight, or choose another model.",
    )


def _no_device(name: str, reason: str) -> LoadSettingsRefused:
    return LoadSettingsRefused(
        f"“{name}” is set to use a graphics processor that is not there.",
        reason,
        "Set “Only device” back to automatic in the model's settings.",
    )


def _shard_missing(name: str, reason: str) -> ShardMissing:
    return ShardMissing(
        f"A part of “{name}” is missing.",
        reason,
        "Put all parts of the model into one folder, then open the first one.",
    )


def _not_gguf(name: str, reason: str) -> NotGguf:
    return NotGguf(
        f"“{name}” is not a GGUF model file.",
        reason,
        "Choose a model in the GGUF format; the name of such a file ends in .gguf.",
    )


_CASES: tuple[tuple[str, Callable[[str, str], AppError]], ...] = (
    (r"unknown model architecture|unsupported model architecture", _unknown_architecture),
    (r"invalid value for main_gpu", _no_device),
    (r"CLIP cannot be used", lambda name, _: not_chat(name, "the image part of another model")),
    (r"failed to load GGUF split|split file|GGUF split", _shard_missing),
    (r"invalid magic|is GGUFv1|unsupported.*version", _not_gguf),
    (
        r"unable to allocate|failed to allocate|out of memory|bad_alloc|cudaMalloc",
        lambda _, reason: out_of_memory(reason),
    ),
    (
        r"missing tensor|not found|key not found|wrong (type|shape|number|array)|corrupted|"
        r"not within the file bounds|incomplete|invalid|failed to read|duplicated|"
        r"tensor '.*' has|error loading model|gguf_init_from",
        damaged,
    ),
)
"""Looked for in the reason and in the log, in this order."""


def classify(path: str, log: Sequence[str]) -> AppError:
    """The error for a load that came to nothing; `log` is what llama.cpp said meanwhile."""
    name = Path(path).name
    kind = _kind_told(name, log)
    if kind is not None:
        return kind
    reason = _reason(log)
    for pattern, case in _CASES:
        if re.search(pattern, reason):
            return case(name, reason)
    return LoadRefused(
        f"“{name}” could not be loaded.",
        reason,
        "Choose another file. The details may help whoever made this one.",
    )


def classify_context(name: str, log: Sequence[str]) -> AppError:
    """The error for a context that could not be made."""
    reason = _reason(log)
    if re.search(r"alloc|memory", reason):
        return out_of_memory(reason)
    if re.search(r"cache type|quantized V cache|cache types", reason):
        return LoadSettingsRefused(
            f"“{name}” cannot keep its context in the type that is set.",
            reason,
            "Set the key and value cache back to automatic in the model's settings.",
        )
    return LoadRefused(
        f"“{name}” could not be made ready.",
        reason,
        "Set a shorter context, or choose another model.",
    )


def _kind_told(name: str, log: Sequence[str]) -> NotAChatModel | None:
    """What the header says the file is, where that is no chat model (llama.cpp lists it)."""
    for line in log:
        kind = re.search(r"general\.type\s+str\s+= (\w+)", line)
        if kind and kind[1] in ("adapter", "mmproj", "imatrix"):
            what = {
                "adapter": "an adapter for another model",
                "mmproj": "the image part of another model",
            }
            return not_chat(name, what.get(kind[1], "a set of measurements"))
        if re.search(r"key-value pairs and 0 tensors", line):
            return not_chat(name, "a vocabulary without a model")
    return None


def _reason(log: Sequence[str]) -> str:
    """The line that names the cause: the last one that speaks of an error, without its origin."""
    telling = [line for line in log if re.search(r"error|fail|invalid|unable|cannot|unknown", line)]
    for line in reversed(telling):
        if not re.search(r"failed to load model\b", line):
            return re.sub(r"^\w+: (error loading model: )?", "", line)
    return log[-1] if log else ""
