"""The folder of kept states: what lies in it, how much, and how it is cleared.

A file's name says which model can use it, which conversation it belongs to (as a hash, for nobody
who lists the folder to read) and which tokens it holds. So a conversation's files can be removed
without an engine, and the same state is never there twice. A file's time is that of its last use.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".state"
PART = ".part"

_LONGEST_WRITE = 600.0
"""Seconds: another engine host may write in this folder just now."""
_DIGITS = 16
"""Hexadecimal digits of each hash in a name."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where states are kept, and how many bytes together; 0: none, and what is there is removed."""

    folder: str
    most_bytes: int


class KeptFolder:
    """The files of a folder, which need not exist. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make it, for its owner alone, and remove what writers have left that were ended."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        long_ago = time.time() - _LONGEST_WRITE
        _remove(part for part in self.path.glob(f"*{PART}") if part.stat().st_mtime < long_ago)

    def file(self, model: str, tag: str, tokens: array[int]) -> Path:
        """Where the state of these tokens belongs."""
        return self.path / f"{model}-{digest(tag)}-{digest(tokens.tobytes())}{SUFFIX}"

    def of_models(self, models: Sequence[str]) -> list[Path]:
        """The files that these models can use."""
        return [path for model in models for path in self.path.glob(f"{model}-*{SUFFIX}")]

    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size, _ in self._by_use())

    def forget(self, tag: str | None) -> None:
        """Remove what is kept of this conversation; None: everything."""
        owner = "*" if tag is None else digest(tag)
        _remove(self.path.glob(f"*-{owner}-*{SUFFIX}"))

    def trim(self, most_bytes: int) -> None:
        """Remove what was not used for longest, until at most so many bytes are left."""
        files = self._by_use()
        size = sum(size for _, size, _ in files)
        while files and size > most_bytes:
            _, freed, path = files.pop(0)
            path.unlink(missing_ok=True)
            size -= freed

    def _by_use(self) -> list[tuple[int, int, Path]]:
        """Time of last use, size and path of each file, the longest unused first."""
        found: list[tuple[int, int, Path]] = []
        for path in self.path.glob(f"*{SUFFIX}"):
            # Another thread may have removed it.
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        return sorted(found)


def owner_of(path: Path) -> str:
    """The hash of the conversation's tag in a file's name."""
    return path.stem.split("-")[1]


def digest(content: str | bytes) -> str:
    """A short hash, as it stands in a name."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.blake2b(raw, digest_size=_DIGITS // 2).hexdigest()


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
