"""Opening a path as a model: what it is, its shards, and whether all of it is there."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.domain.errors import AppError
from app.domain.localmodel import GgufFacts, LocalModel
from app.library import refusals
from app.library.gguf_facts import facts_of, kind_of, refuse, split_of, split_tensor_count
from app.library.gguf_header import MAGIC, PREFIX_BYTES, Header, read_header
from app.library.gguf_shape import shape_of

SHARD: Final = re.compile(
    r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})(?P<end>\.gguf)$", re.IGNORECASE
)
_NAMELESS: Final = re.compile(r"^(model|ggml-model|sha256-|[0-9a-f]{16})", re.IGNORECASE)
_OTHER_KINDS: Final = (
    (b"version https://git-lfs", "only a note saying where the model is kept (a Git LFS pointer)"),
    (b"PK\x03\x04", "a ZIP archive (or a PyTorch file)"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"tjgg", "a model in an old format (GGJT)"),
    (b"fmgg", "a model in an old format (GGMF)"),
    (b"lmgg", "a model in an old format (GGML)"),
    (b"\x89HDF", "a Keras or HDF5 file"),
)
_SNIFFED_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class FileStamp:
    """By which a file is taken to be unchanged."""

    path: str
    size: int
    mtime_ns: int


def inspect_file(path: str) -> tuple[LocalModel, tuple[FileStamp, ...]]:
    """Read the headers of a model and of its shards; raises `ModelFileError` cases."""
    path = os.path.abspath(path)
    stamp, header = open_header(path)
    number, total = split_of(header)
    name = name_of(path)
    if number >= total:
        raise refusals.damaged(name, f"It says that it is part {number + 1:,} of {total:,}.")
    paths = shard_paths(path, total)
    opened = [(stamp, header) if shard == path else open_header(shard) for shard in paths]
    stamps = tuple(stamp for stamp, _ in opened)
    return model_of(stamps, tuple(header for _, header in opened), name), stamps


def model_of(stamps: tuple[FileStamp, ...], headers: tuple[Header, ...], name: str) -> LocalModel:
    """The chat model that all the shards together are; raises `ModelFileError` cases.

    `name` is for sentences.
    """
    refuse(kind_of(headers[0], name, sum(len(header.tensors) for header in headers)), name)
    return described(stamps, headers, name)


def described(stamps: tuple[FileStamp, ...], headers: tuple[Header, ...], name: str) -> LocalModel:
    """What all the shards together hold, whatever it is for; raises `ModelFileError` cases."""
    paths = tuple(stamp.path for stamp in stamps)
    _check_shards(paths, headers)
    for stamp, header in zip(stamps, headers, strict=True):
        if header.data_end > stamp.size:
            raise refusals.cut_short(name_of(stamp.path), stamp.size, header.data_end)
    facts = facts_of(headers, sum(stamp.size for stamp in stamps), name)
    return LocalModel(
        path=paths[0],
        label=_label(paths[0], facts),
        facts=facts,
        mtime_ns=stamps[0].mtime_ns,
        shape=shape_of(headers, facts.file_bytes),
    )


def name_of(path: str) -> str:
    """The file's name for a person; bytes in it that are no text become question marks."""
    name = os.path.basename(path) or path
    return name.encode("utf-8", "replace").decode()


def stamp_of(path: str) -> FileStamp:
    """Size and time of a readable file; raises `ModelFileError` cases."""
    name = name_of(path)
    try:
        status = os.stat(path)
    except OSError as error:
        raise translate_os_error(error, name) from error
    except ValueError as error:
        # A path with a null character, or with one that the file system cannot write.
        raise refusals.missing(name) from error
    if stat.S_ISDIR(status.st_mode):
        raise refusals.folder(name)
    if not stat.S_ISREG(status.st_mode):
        raise refusals.not_a_file(name)
    return FileStamp(path, status.st_size, status.st_mtime_ns)


def translate_os_error(error: OSError, name: str) -> AppError:
    """The case for what the system said about a file."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return refusals.missing(name)
    if isinstance(error, IsADirectoryError):
        return refusals.folder(name)
    if isinstance(error, PermissionError):
        return refusals.not_permitted(name)
    return refusals.unreadable(name, error.strerror or "")


def shard_paths(path: str, total: int) -> tuple[str, ...]:
    """All files of the model, the first one first; raises `ShardMissing`."""
    if total == 1:
        return (path,)
    folder, name = os.path.split(path)
    match = SHARD.match(name)
    if match is None or int(match["total"]) != total:
        raise refusals.shard_renamed(name, total)
    names = [
        f"{match['stem']}-{number:05d}-of-{total:05d}{match['end']}"
        for number in range(1, total + 1)
    ]
    present = _names_in(folder, name)
    for number, shard in enumerate(names, start=1):
        if shard not in present:
            raise refusals.shard_missing(name, shard, number, total)
    return tuple(os.path.join(folder, shard) for shard in names)


def _names_in(folder: str, name: str) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError as error:
        raise translate_os_error(error, name) from error


def open_header(path: str) -> tuple[FileStamp, Header]:
    """Read the header of one GGUF file, whatever it is of; raises `ModelFileError` cases."""
    name = name_of(path)
    stamp = stamp_of(path)
    if stamp.size == 0:
        raise refusals.empty(name)
    try:
        # Unbuffered: the reader has its own window, and a buffer would be read in vain.
        with open(path, "rb", buffering=0) as file:
            return stamp, header_in(file, stamp.size, name)
    except OSError as error:
        raise translate_os_error(error, name) from error


def header_in(file: BinaryIO, file_bytes: int, name: str) -> Header:
    """The header of an open file, or why it is none; an `OSError` passes through."""
    start = file.read(_SNIFFED_BYTES)
    _refuse_other_formats(start, name)
    if file_bytes < PREFIX_BYTES:
        raise refusals.cut_short(name, file_bytes, PREFIX_BYTES, at_least=True)
    file.seek(0)
    return read_header(file, file_bytes, name)


def _refuse_other_formats(start: bytes, name: str) -> None:
    if start.startswith(MAGIC):
        return
    if start.startswith(MAGIC[::-1]):
        raise refusals.big_endian(name)
    if MAGIC.startswith(start):
        raise refusals.cut_short(name, len(start), PREFIX_BYTES, at_least=True)
    raise refusals.not_gguf(name, _kind_of(start))


def _kind_of(start: bytes) -> str:
    for beginning, kind in _OTHER_KINDS:
        if start.startswith(beginning):
            return kind
    if start[8:10] == b'{"':
        return "a model in the safetensors format"
    if not start.strip(b"\0"):
        return "filled with zeros, as an unfinished download is"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "text" if _is_text(start) else "some other kind of file"


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last letter may have been cut by reading only the beginning.
        if error.start < len(start) - 3:
            return False
        text = start[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\f\ufeff" for letter in text)


def _check_shards(paths: tuple[str, ...], headers: tuple[Header, ...]) -> None:
    if len(paths) == 1:
        return
    for number, (path, header) in enumerate(zip(paths, headers, strict=True)):
        if split_of(header) != (number, len(paths)):
            raise refusals.damaged(
                name_of(path), "It is not the part of the model that its name says."
            )
    told = split_tensor_count(headers[0])
    found = sum(len(header.tensors) for header in headers)
    if told and told != found:
        raise refusals.damaged(name_of(paths[0]), f"Its parts hold {found:,} of {told:,} tensors.")


def _label(path: str, facts: GgufFacts) -> str:
    """The file's own name, by which its owner knows it, unless it names nothing."""
    name = name_of(path)
    shard = SHARD.match(name)
    stem = shard["stem"] if shard else os.path.splitext(name)[0]
    return facts.name if facts.name and _NAMELESS.match(stem) else stem
