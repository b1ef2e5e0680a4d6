"""One process owns a profile. The lock ends with the process, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from app.domain.errors import ProfileInUse, ProfileUnusable

_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
"""What the two systems' locks answer while another process holds it."""
_PROTECTED = (errno.EROFS, errno.EACCES, errno.EPERM)

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Windows locks bytes, and a locked byte can't be read: one beyond the process id."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class ProfileLock:
    """Held from `acquire` until `release` or the end of the process.

    The file stays: deleting it would let two processes hold two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Own the profile; raises `ProfileInUse` where another process does.

        A folder that nobody can write needs no owner: there nothing is locked. Raises
        `ProfileUnusable` where the disk knows no locks.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno in _PROTECTED:
                return
            raise self._unusable(error) from error
        try:
            _lock(descriptor)
        except OSError as error:
            owner = os.read(descriptor, 32)
            os.close(descriptor)
            if error.errno not in _TAKEN:
                raise self._unusable(error) from error
            raise self._in_use(owner) from error
        self._descriptor = descriptor
        self._sign(descriptor)

    def release(self) -> None:
        """Give the profile back; does nothing where it is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _sign(self, descriptor: int) -> None:
        """Only for the message to the next one: a full disk is no reason to give up the lock."""
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())

    def _in_use(self, owner: bytes) -> ProfileInUse:
        process = f"process {owner.decode()}" if owner.isdigit() else "another process"
        return ProfileInUse(
            "Lamplight is already running with this profile.",
            f"{self._path.parent}: {process}",
            "Use the window that is open, or start with another folder (--profile FOLDER).",
        )

    def _unusable(self, error: OSError) -> ProfileUnusable:
        return ProfileUnusable(
            "The profile folder can't be used.",
            f"{self._path}: {error.strerror}",
            "Choose another folder with --profile FOLDER.",
        )
