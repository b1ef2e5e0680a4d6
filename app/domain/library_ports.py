"""What `LibraryService` asks for; `app.bootstrap` supplies the adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain.library import ModelNote, Scanned, ScanWish, Told


class LibraryKeeper(Protocol):
    """The files of models. Blocking work runs in the adapter's own threads; cancelling the caller
    ends it. Raises `LibraryError` and `ModelFileError` cases."""

    async def scan(self, wish: ScanWish) -> Scanned:
        """Look through all folders, one scan at a time."""
        ...

    async def has_changed(self) -> bool:
        """Whether any folder, or any file that was unfinished, is another one than at the last
        scan. Cheap: for every few seconds."""
        ...

    async def look_at(self, paths: Sequence[str]) -> Scanned:
        """What is in these files and folders; nothing is remembered of it. `folders` are those of
        the paths that are folders, and the origin is the application's in whose folder a file lies.
        """
        ...

    async def hashes(self, paths: Sequence[str], told: Told) -> tuple[str, ...]:
        """The SHA-256 of each file, in lower-case hex."""
        ...

    async def place(
        self, files: Sequence[str], folder: str, names: Sequence[str], *, move: bool, told: Told
    ) -> tuple[str, ...]:
        """Put files that belong together into a folder, which is made, under these names; where
        they lie now.

        Where one of the names is taken, it becomes a folder with a number. A disk without room
        raises `LibraryNoSpace` before anything is written.
        """
        ...

    async def relocate(self, old: str, new: str, told: Told) -> Mapping[str, str]:
        """Move all files below a folder to another one; their new places, by the old ones.

        Raises `FolderRefused`, `LibraryNoSpace`, and `LibraryBusy` while models are downloaded.
        """
        ...

    async def require_folder(self, path: str, *, writable: bool) -> str:
        """The absolute path of a folder that can be used (and is made, if it is to be written);
        raises `FolderRefused`, also for another application's folder that is to be written."""
        ...

    async def trash(self, paths: Sequence[str]) -> None:
        """Put files into the system's trash; raises `TrashUnusable`."""
        ...

    async def free_bytes(self, folder: str) -> int:
        """On the disk of a folder; 0 where nobody can tell."""
        ...


class LibraryNotes(Protocol):
    """What is remembered of models, by `LibraryEntry.key`. Blocking: not for a loop."""

    def read(self) -> dict[str, ModelNote]:
        """All of it; empty where there is none."""
        ...

    def write(self, notes: Mapping[str, ModelNote]) -> None:
        """In the place of what was there; raises `ConfigError`."""
        ...
