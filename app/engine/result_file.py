"""A file that is made beside its final place and appears there whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import shutil
import sys
import time
from pathlib import Path

import psutil

from app.domain.library_errors import QuantiseRefused, ResultExists, ResultUnwritable

SPARE = 512 << 20
"""Bytes that stay free for everything else on the computer."""
_PART = re.compile(r"^\.lamplight-(\d+)-\d+\.part$")
_PATIENCE = 5.0
"""Seconds: virus scanners on Windows hold a new file for a moment."""
_numbers = itertools.count(1)


class ResultFile:
    """The part file of one result, on the same volume. Every method blocks, and raises
    `QuantiseError` cases."""

    def __init__(self, final: str, source: str, *, replace: bool) -> None:
        # A link stays a link: what it points to is replaced.
        self._final = Path(os.path.realpath(final))
        self._source = source
        self._replace = replace
        self.part = self._final.parent / f".lamplight-{os.getpid()}-{next(_numbers)}.part"

    @property
    def final(self) -> str:
        """Where the result appears."""
        return str(self._final)

    def begin(self, expected_bytes: int) -> None:
        """Make the part file, where there is room for it, and nothing in its way."""
        self._require_free_name()
        try:
            self._final.parent.mkdir(parents=True, exist_ok=True)
            _sweep(self._final.parent)
            self._require_room(expected_bytes)
            self.part.touch(exist_ok=False)
        except OSError as error:
            raise self._translated(error) from error

    def publish(self) -> None:
        """Give the finished part its name; on return it is on disk."""
        self._require_free_name()
        deadline = time.monotonic() + _PATIENCE
        try:
            while True:
                try:
                    os.replace(self.part, self._final)
                    break
                except PermissionError:
                    if sys.platform != "win32" or time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
            _sync_folder(self._final.parent)
        except OSError as error:
            raise self._translated(error) from error

    def discard(self) -> None:
        """Remove what was written; does nothing once it is published."""
        with contextlib.suppress(OSError):
            self.part.unlink(missing_ok=True)

    def _require_free_name(self) -> None:
        if self._final.is_dir():
            raise ResultUnwritable(
                f"“{self._final.name}” is a folder.", "", "Give the smaller model another name."
            )
        if self._final.exists() and os.path.samefile(self._final, self._source):
            raise QuantiseRefused(
                "The smaller model cannot take the place of the file that it is made from.",
                str(self._final),
                "Give it another name.",
            )
        if self._final.exists() and not self._replace:
            raise ResultExists(
                f"There is a “{self._final.name}” already.",
                str(self._final.parent),
                "Choose another name or folder, or have it replaced.",
            )

    def _require_room(self, expected_bytes: int) -> None:
        free = shutil.disk_usage(self._final.parent).free
        lacking = expected_bytes + SPARE - free
        if lacking > 0:
            raise ResultUnwritable(
                f"The disk has no room for it: {_size(lacking)} more are needed.",
                f"{self._final.parent}: {free:,} bytes are free, the result takes about "
                f"{expected_bytes:,}, {SPARE:,} stay free",
                "Make room, choose a smaller type, or choose a folder on another disk.",
            )

    def _translated(self, error: OSError) -> ResultUnwritable:
        detail = f"{self._final.parent}: {error.strerror}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ResultUnwritable(
                "The disk is full.", detail, "Make room, or choose a folder on another disk."
            )
        return ResultUnwritable(
            "The folder for the smaller model cannot be written.",
            detail,
            "Choose another folder, or check that Lamplight may write there.",
        )


def _sweep(folder: Path) -> None:
    """Remove parts of processes that are no more: killed, or cut off from power."""
    for path in folder.iterdir():
        match = _PART.match(path.name)
        if match and not psutil.pid_exists(int(match[1])):
            with contextlib.suppress(OSError):
                path.unlink()


def _sync_folder(folder: Path) -> None:
    """New names are on disk too. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 1e8 else f"{max(1, round(nbytes / 1e6))} MB"
