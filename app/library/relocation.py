"""Moving Lamplight's own folder: every file keeps its place below it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from app.domain.library_errors import FolderRefused, LibraryBusy
from app.domain.transfer import STAGING
from app.library.file_work import Passed, make_folder, place_files, require_space


def relocate(old: str, new: str, passed: Passed) -> dict[str, str]:
    """Move what lies below `old` to `new`; where each file lies now, by where it lay.

    Ended in between, each file is whole in one of the two. A file whose place is taken stays.
    Raises `FolderRefused`, `LibraryBusy` while anything is downloaded, `LibraryNoSpace`.
    """
    _require_apart(old, new)
    if _names_in(os.path.join(old, STAGING)):
        raise LibraryBusy(
            "The folder can't be moved while a download has not ended.",
            "",
            "Let the downloads finish, or remove them, and move the folder then.",
        )
    make_folder(new)
    files = list(_files_below(old))
    if os.stat(old).st_dev != os.stat(new).st_dev:
        require_space(files, new)
    moved: dict[str, str] = {}
    for source in files:
        target = os.path.join(new, os.path.relpath(source, old))
        if not os.path.lexists(target):
            make_folder(os.path.dirname(target))
            place_files((source,), (target,), move=True, passed=passed)
            moved[source] = target
    _remove_empty(old)
    return moved


def total_below(folder: str) -> int:
    """Bytes of all files below a folder."""
    return sum(os.path.getsize(path) for path in _files_below(folder))


def _require_apart(old: str, new: str) -> None:
    ends = [os.path.join(os.path.realpath(path), "") for path in (old, new)]
    if ends[0].startswith(ends[1]) or ends[1].startswith(ends[0]):
        raise FolderRefused(
            "The folder for models can't be moved there.",
            f"{new} and {old} lie within each other.",
            "Choose a folder that lies elsewhere.",
        )


def _files_below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != STAGING)
        for name in sorted(names):
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove_empty(folder: str) -> None:
    """The folders that have become empty; the outermost stays, it may be the profile's own."""
    for parent, _, _ in os.walk(folder, topdown=False):
        if parent != folder and not _names_in(parent):
            os.rmdir(parent)
