"""Why a file is not a chat model: one sentence and one remedy for each case."""

from __future__ import annotations

from app.domain.errors import (
    ArchitectureUnknown,
    FileDamaged,
    FileMissing,
    FileUnreadable,
    GgufFormUnknown,
    NotAChatModel,
    NotGguf,
    ShardMissing,
)

_CHOOSE_CHAT = "Choose the file of a chat model."
_FETCH_AGAIN = "Download the file again, or choose another one."


def missing(name: str) -> FileMissing:
    """Nothing is there."""
    return FileMissing(
        f"“{name}” is not there.",
        "The file was moved, renamed or deleted, or its drive is not connected.",
        "Look for it at its new place and open it from there.",
    )


def folder(name: str) -> FileUnreadable:
    """The path is a directory."""
    return FileUnreadable(
        f"“{name}” is a folder, not a model.",
        "",
        "Open the folder and choose the .gguf file in it.",
    )


def not_a_file(name: str) -> FileUnreadable:
    """The path is a pipe, a socket or a device."""
    return FileUnreadable(f"“{name}” is not an ordinary file.", "", _CHOOSE_CHAT)


def not_permitted(name: str) -> FileUnreadable:
    """The system forbids reading."""
    return FileUnreadable(
        f"You are not allowed to read “{name}”.",
        "",
        "Give your user account the right to read the file, or copy it to your own folder.",
    )


def unreadable(name: str, reason: str) -> FileUnreadable:
    """The system fails to read; `reason` in its own words."""
    return FileUnreadable(
        f"“{name}” cannot be read.",
        reason,
        "Check the drive that it lies on, or copy the file elsewhere and open the copy.",
    )


def empty(name: str) -> NotGguf:
    """0 bytes."""
    return NotGguf(
        f"“{name}” is empty.", "The file has no content: its download never began.", _FETCH_AGAIN
    )


def not_gguf(name: str, what: str) -> NotGguf:
    """Another kind of file; `what` completes "It is …"."""
    return NotGguf(
        f"“{name}” is not a GGUF model file.",
        f"It is {what}.",
        "Choose a model in the GGUF format; the name of such a file ends in .gguf.",
    )


def old_version(name: str, version: int) -> GgufFormUnknown:
    """GGUF version 1, which llama.cpp cannot read any more."""
    return GgufFormUnknown(
        f"“{name}” is written in an old form of GGUF that is no longer supported.",
        f"It has version {version} of the format; 2 and 3 can be read.",
        "Download a newer file of the same model.",
    )


def newer_version(name: str, version: int) -> GgufFormUnknown:
    """A GGUF version from the future."""
    return GgufFormUnknown(
        f"“{name}” is written in a form of GGUF that this Lamplight does not know yet.",
        f"It has version {version} of the format; 2 and 3 can be read.",
        "Look for a newer Lamplight, or choose another file.",
    )


def big_endian(name: str) -> GgufFormUnknown:
    """Made for processors with the other byte order."""
    return GgufFormUnknown(
        f"“{name}” is made for another kind of processor.",
        "Its numbers are stored in big-endian byte order.",
        "Choose the ordinary (little-endian) file of the same model.",
    )


def damaged(name: str, detail: str) -> FileDamaged:
    """The header contradicts itself or the rules of the format."""
    return FileDamaged(f"“{name}” is damaged.", detail, _FETCH_AGAIN)


def cut_short(name: str, there: int, needed: int, *, at_least: bool = False) -> FileDamaged:
    """The file ends too early; sizes in bytes. `at_least`: the true length is not known."""
    of = f"at least {needed:,}" if at_least else f"{needed:,}"
    return FileDamaged(
        f"“{name}” is incomplete.",
        f"It is cut short: {there:,} of {of} bytes are there.",
        "Finish the download or repeat it, or choose another file.",
    )


def made_for_ollama(name: str) -> ArchitectureUnknown:
    """Converted for Ollama's own engine, in a form that llama.cpp does not read."""
    return ArchitectureUnknown(
        f"“{name}” is made for Ollama's own engine.",
        "It has another form than the files of the same model for llama.cpp.",
        "Use it through Ollama, or download the same model from the page Models.",
    )


def vocabulary_only(name: str) -> NotAChatModel:
    """A file without weights."""
    return NotAChatModel(
        f"“{name}” holds only a vocabulary, not a whole model.",
        "It has no weights, so it cannot answer.",
        _CHOOSE_CHAT,
    )


def projector(name: str) -> NotAChatModel:
    """A vision or audio companion (`mmproj`)."""
    return NotAChatModel(
        f"“{name}” is a companion that lets another model see or hear.",
        "It cannot chat by itself.",
        "Choose the main file of the model; this one usually lies beside it.",
    )


def adapter(name: str) -> NotAChatModel:
    """A LoRA adapter or control vector."""
    return NotAChatModel(
        f"“{name}” is an adapter that changes another model.",
        "It cannot chat by itself.",
        "Choose the file of the model that it was made for.",
    )


def embedding(name: str) -> NotAChatModel:
    """A model that computes vectors or scores."""
    return NotAChatModel(
        f"“{name}” is a model for searching and comparing texts.",
        "It turns texts into numbers and cannot write answers.",
        _CHOOSE_CHAT,
    )


def no_text(name: str) -> NotAChatModel:
    """A model that makes sound or is otherwise no text model."""
    return NotAChatModel(f"“{name}” is not a model that writes text.", "", _CHOOSE_CHAT)


def shard_missing(name: str, absent: str, number: int, total: int) -> ShardMissing:
    """`absent`, part `number` of `total`, is not beside the others."""
    return ShardMissing(
        f"A part of “{name}” is missing.",
        f"The model is split into {total} files; number {number}, “{absent}”, is not beside "
        "the others.",
        "Put all parts into the same folder, with the names they were published under.",
    )


def shard_renamed(name: str, total: int) -> ShardMissing:
    """One of several parts whose name does not tell where the others are."""
    return ShardMissing(
        f"The other parts of “{name}” cannot be found.",
        f"The model is split into {total} files, and this one has lost its place in its name "
        f"(like “-00001-of-{total:05d}.gguf”).",
        "Give the files back the names they were published under.",
    )
