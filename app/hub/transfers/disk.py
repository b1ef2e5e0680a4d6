"""What transfers do with the disk: reserve, publish, remove; and its refusals in sentences."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import time
from pathlib import Path

from app.domain.errors import FileTooLarge, FolderUnusable, NoSpace, TransferError

SPARE = 512 << 20
"""Bytes that stay free for everything else on the computer."""
_LARGEST_ON_FAT = (1 << 32) - 1
"""Bytes of a file on FAT32."""
_MSDOS_SUPER_MAGIC = 0x4D44
"""Linux, statfs(2)."""
_PATIENCE = 5.0
"""Seconds: virus scanners on Windows hold a new file for a moment."""


def translated(error: OSError, path: Path) -> TransferError:
    """The sentence for what the system says about a file of a transfer."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(
            "The disk is full, so the download is paused.",
            f"{path.parent}: {error.strerror}",
            "Make room and resume it: what has come is kept.",
        )
    if error.errno == errno.EFBIG:
        return _too_large(f"{path.parent}: {error.strerror}")
    return FolderUnusable(
        "The folder for models cannot be written.",
        f"{path}: {error.strerror}",
        "Check that the disk is connected and that Lamplight may write there, then resume.",
    )


def check_room(folder: Path, needed: int, promised: int) -> None:
    """Raise `NoSpace` unless `needed` bytes fit; `promised` are for other transfers."""
    free = shutil.disk_usage(folder).free
    lacking = needed + promised + SPARE - free
    if needed and lacking > 0:
        raise NoSpace(
            f"The disk has no room for it: {_gigabytes(lacking)} more are needed.",
            f"{folder}: {free:,} bytes are free, {needed:,} are to come, {promised:,} are promised "
            f"to other downloads, {SPARE:,} stay free",
            "Make room, or choose a smaller variant, then resume.",
        )


def check_largest(folder: Path, largest: int) -> None:
    """Raise `FileTooLarge` where the disk is known to hold no file of so many bytes.

    Others than Linux say so when the part file is made so long, before the first byte as well.
    """
    if largest > _LARGEST_ON_FAT and _kind_of_disk(folder) == _MSDOS_SUPER_MAGIC:
        raise _too_large(f"{folder}: {largest:,} bytes, at most {_LARGEST_ON_FAT:,} are possible")


def reserve(descriptor: int, size: int) -> bool:
    """Make the file `size` bytes long; True: the disk has set them aside. Raises `OSError`.

    Not `os.posix_fallocate`: where the file system cannot reserve, glibc writes every block.
    """
    if sys.platform == "linux" and _fallocate(descriptor, size):
        return True
    os.truncate(descriptor, size)
    # Windows sets aside what it makes a file long; others only note the length.
    return sys.platform == "win32"


def is_set_aside(part: Path, size: int) -> bool:
    """Whether a disk has set the room for a part file aside, in an earlier run perhaps."""
    found = part.stat()
    blocks = getattr(found, "st_blocks", None)
    return (found.st_size if blocks is None else blocks * 512) >= size


def publish(part: Path, final: Path) -> None:
    """Give a finished part its name, in one step, and on disk on return. Raises `OSError`."""
    final.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            os.replace(part, final)
            break
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """New names are on disk too. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fallocate(descriptor: int, size: int) -> bool:
    """Linux's own call; False where the file system does not know it. Raises `OSError`."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if call is None or not size:
        return False
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if call(descriptor, 0, 0, size) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINTR):
        return False
    raise OSError(code, os.strerror(code))


def _kind_of_disk(folder: Path) -> int:
    """`f_type` of Linux's statfs, which is its first field; 0 elsewhere. Raises `OSError`."""
    if sys.platform != "linux":
        return 0
    call = getattr(ctypes.CDLL(None, use_errno=True), "statfs64", None)
    if call is None:
        return 0
    # More than the 120 bytes of any of its shapes.
    found = (ctypes.c_long * 64)()
    if call(os.fsencode(folder), found) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found[0]


def _too_large(detail: str) -> FileTooLarge:
    return FileTooLarge(
        "The disk cannot hold a file this large.",
        detail,
        "It is formatted with an old file system (FAT32, at most 4 GB for a file). Choose a "
        "folder on another disk, or a smaller variant.",
    )


def _gigabytes(nbytes: int) -> str:
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 1e8 else f"{max(1, round(nbytes / 1e6))} MB"
