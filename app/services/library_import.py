"""Where models that are added go, and what of them is added at all."""

from __future__ import annotations

import os
import re

from app.domain.library import LibraryEntry, Origin, Told, WorkProgress
from app.domain.library_errors import NotOurs

IMPORTED = "imported"
"""The author of what was added by hand, in the folder of models."""
APPLICATION_NAMES = {
    Origin.HUGGING_FACE: "Hugging Face's cache",
    Origin.LM_STUDIO: "LM Studio",
    Origin.OLLAMA: "Ollama",
    Origin.JAN: "Jan",
    Origin.GPT4ALL: "GPT4All",
    Origin.LLAMA_CPP: "llama.cpp's cache",
}
_REPO = re.compile(r"^(?!\.+/)[\w.-]+/(?!\.+$)[\w.-]+$")
_UNSAFE = re.compile(r'\s*[\x00-\x1f<>:"/\\|?*]+\s*')
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_LONGEST = 120


def target_folder(own: str, entry: LibraryEntry) -> str:
    """`AUTHOR/REPO` below the own folder where that is known, else a folder of its own name."""
    if _REPO.match(entry.source):
        return os.path.join(own, *entry.source.split("/"))
    return os.path.join(own, IMPORTED, safe_name(entry.name))


def target_names(entry: LibraryEntry) -> tuple[str, ...]:
    """The names of its files there: their own, but for blobs, which have none."""
    names: list[str] = []
    for path in entry.files:
        name = os.path.basename(path)
        if not name.lower().endswith(".gguf"):
            stem = safe_name(entry.name)
            name = f"mmproj-{stem}.gguf" if path == entry.projector else f"{stem}.gguf"
        names.append(name)
    return tuple(names)


def safe_name(text: str) -> str:
    """A text as a file name that every system takes."""
    name = _UNSAFE.sub("-", text).strip(" .-")[:_LONGEST].rstrip(" .")
    return f"_{name}" if not name or _RESERVED.match(name) else name


def not_ours(name: str, origin: Origin) -> NotOurs:
    """Why a file is not removed from here, and where it is."""
    title = f"“{name}” is not Lamplight's to remove."
    if origin is Origin.STARTER:
        return NotOurs(title, "It came with the installation.", "It is small and may stay.")
    if origin is Origin.CHOSEN:
        return NotOurs(
            title,
            "It lies in a folder of yours that Lamplight only looks at.",
            "Remove it in your file manager, or take its folder out of the model folders.",
        )
    if origin is Origin.OPENED:
        return NotOurs(
            title,
            "It is used where it lies.",
            "Take it out of the list of models, or remove it in your file manager.",
        )
    who = APPLICATION_NAMES[origin]
    return NotOurs(title, f"It belongs to {who}.", f"Remove it in {_REMOVE_WITH[origin]}.")


_REMOVE_WITH = {
    Origin.HUGGING_FACE: "a terminal with “hf cache”, or delete its folder in the cache",
    Origin.LM_STUDIO: "LM Studio, under My Models",
    Origin.OLLAMA: "Ollama, with “ollama rm”",
    Origin.JAN: "Jan, under Settings, Model Providers",
    Origin.GPT4ALL: "GPT4All, under Models",
    Origin.LLAMA_CPP: "your file manager, in llama.cpp's cache",
}


def share(told: Told, before: int, total: int) -> Told:
    """Tells the progress of a part as that of the whole; bytes."""
    return lambda progress: told(WorkProgress(before + progress.done_bytes, total, progress.name))
