"""Reading, copying and moving whole files: with progress, ended at any moment, never half done."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from app.domain.library_errors import FolderRefused, LibraryError, LibraryNoSpace
from app.library.model_file import name_of, translate_os_error

_BLOCK: Final = 1 << 20
_SPARE: Final = 512 << 20
"""Bytes that are left free on a disk."""
_UNFINISHED: Final = ".lamplight-part"

Passed: TypeAlias = Callable[[int, str], None]
"""Told how many more bytes of which file are done; raises to end the work."""


def sha256_of(path: str, passed: Passed) -> str:
    """In lower-case hex; raises `ModelFileError` cases."""
    digest = hashlib.sha256()
    name = name_of(path)
    try:
        with open(path, "rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                passed(len(block), name)
    except OSError as error:
        raise translate_os_error(error, name) from error
    return digest.hexdigest()


def place_files(
    sources: Sequence[str], targets: Sequence[str], *, move: bool, passed: Passed
) -> None:
    """Give the files of a model new places, where nothing is yet; the first file comes last, so
    that it is never there without the others.

    Moved within one disk they only get other names. Otherwise they are copied, and what was to be
    moved is deleted when all copies are on the disk. Ended or failing, no copy is left.
    """
    pairs = list(zip(sources, targets, strict=True))[::-1]
    if move and _renamed(pairs, passed):
        return
    require_space(sources, os.path.dirname(targets[0]))
    made: list[str] = []
    try:
        for source, target in pairs:
            _copy(source, target, passed)
            made.append(target)
    except BaseException:
        for target in made:
            os.unlink(target)
        raise
    if move:
        for source, _ in pairs:
            _delete(source)


def require_space(sources: Sequence[str], folder: str) -> None:
    """Raise `LibraryNoSpace` where the folder's disk has no room for copies of these files."""
    needed = sum(os.path.getsize(path) for path in sources) + _SPARE
    free = free_bytes(folder)
    if free and free < needed:
        raise LibraryNoSpace(
            "There is not enough space on the disk.",
            f"{needed / 1e9:.1f} GB are needed in {folder}, and {free / 1e9:.1f} GB are free.",
            "Make room, choose another folder for models, or use the file where it is.",
        )


def free_bytes(folder: str) -> int:
    """On the disk of a folder, or of the nearest one above it that is there; 0: nobody can tell."""
    while folder and not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def make_folder(folder: str) -> None:
    """Have a folder that can be written to; raises `FolderRefused`."""
    probe = os.path.join(folder, f"{_UNFINISHED}-{os.getpid()}")
    try:
        os.makedirs(folder, exist_ok=True)
        # Only writing tells: a disk can be mounted read-only, permissions can be more than bits.
        with open(probe, "wb"):
            os.unlink(probe)
    except OSError as error:
        raise FolderRefused(
            "This folder can't be used for models.",
            f"{folder}: {error.strerror}",
            "Choose another folder, or allow Lamplight to write to this one.",
        ) from error


def translate_work_error(error: OSError, name: str) -> LibraryError:
    """What the system said while a file was written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LibraryNoSpace(
            "The disk is full.", f"“{name}” could not be written.", "Make room, then try again."
        )
    return LibraryError(
        f"“{name}” could not be put in its place.",
        error.strerror or "",
        "Check that its folders can be read and written, then try again.",
    )


def _renamed(pairs: Sequence[tuple[str, str]], passed: Passed) -> bool:
    """Whether all could simply be given another name; if not, none was."""
    done: list[tuple[str, str]] = []
    try:
        for source, target in pairs:
            size = os.path.getsize(source)
            os.rename(source, target)
            done.append((source, target))
            passed(size, name_of(target))
    except OSError as error:
        for source, target in done:
            os.rename(target, source)
        if error.errno == errno.EXDEV or (sys.platform == "win32" and error.winerror == 17):
            return False
        raise translate_work_error(error, name_of(pairs[0][0])) from error
    return True


def _copy(source: str, target: str, passed: Passed) -> None:
    name = name_of(target)
    unfinished = f"{target}{_UNFINISHED}"
    try:
        with open(source, "rb", buffering=0) as old, open(unfinished, "wb", buffering=0) as new:
            while block := old.read(_BLOCK):
                _write(new.fileno(), block)
                passed(len(block), name)
            os.fsync(new.fileno())
        shutil.copystat(source, unfinished)
        os.rename(unfinished, target)
    except OSError as error:
        _forget(unfinished)
        raise translate_work_error(error, name) from error
    except BaseException:
        _forget(unfinished)
        raise


def _write(handle: int, block: bytes) -> None:
    """All of it: a disk that is nearly full takes a part."""
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _delete(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise translate_work_error(error, name_of(path)) from error


def _forget(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
