"""The models on this computer: found, told apart, looked after."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.library import (
    Duplicates,
    Imported,
    ImportWay,
    LibraryEntry,
    LibrarySpace,
    ModelFolder,
    Origin,
    RefusedFile,
    Told,
    Verification,
    WorkProgress,
)


def untold(progress: WorkProgress) -> None:
    """For whoever does not want to know how far it is."""


class LibraryService:
    """Publishes `LibraryChanged`. Raises `LibraryError` and `ModelFileError` cases.

    Models are named by the path of their first shard (`LibraryEntry.path`). Long work tells its
    progress through `told` and ends, leaving nothing half done, when its task is cancelled.
    """

    @property
    def entries(self) -> tuple[LibraryEntry, ...]:
        """Every usable model, each once, by name; empty until the first scan has ended."""
        raise NotImplementedError

    @property
    def refused(self) -> tuple[RefusedFile, ...]:
        """What is incomplete, damaged or unsupported."""
        raise NotImplementedError

    @property
    def folders(self) -> tuple[ModelFolder, ...]:
        """Where models are looked for: own folders first, then chosen ones, then the other
        applications', also those that are switched off or not installed."""
        raise NotImplementedError

    @property
    def is_scanning(self) -> bool:
        """Whether the folders are being looked through just now."""
        raise NotImplementedError

    def entry(self, path: str) -> LibraryEntry | None:
        """The model whose first shard (in any of its places) lies there."""
        raise NotImplementedError

    def path_of(self, sha256: str) -> str | None:
        """Where a file of this hash lies on this computer, in whose folder ever.

        Of a sharded model the hash of any one shard finds that shard.
        """
        raise NotImplementedError

    def space(self) -> LibrarySpace:
        """As of the last scan."""
        raise NotImplementedError

    async def scan(self) -> None:
        """Look through all folders; on return `entries` is what is there now.

        One that runs already is waited for, and followed by another one.
        """
        raise NotImplementedError

    def watch(self, active: bool) -> None:
        """While active, changes in the folders are noticed within seconds and scanned.

        For the window: on while it is in front, at once when it comes to the front.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------------------- folders

    async def add_folder(self, path: str) -> None:
        """Look for models there too; nothing in it is ever changed.

        Raises `FolderRefused` where there is no such folder or it cannot be read.
        """
        raise NotImplementedError

    async def remove_folder(self, path: str) -> None:
        """Look there no more (a chosen folder, or an own one that takes no downloads)."""
        raise NotImplementedError

    async def look_at(self, application: Origin, looked_at: bool) -> None:
        """Switch on or off that another application's models are offered."""
        raise NotImplementedError

    async def use_own_folder(self, path: str, *, move: bool, told: Told = untold) -> None:
        """Have new models put there.

        With `move` what lies in the present one goes along; without, it stays where it is, offered
        all the same and still own. Raises `FolderRefused`, `LibraryNoSpace`, `LibraryBusy` while
        models are downloaded.
        """
        raise NotImplementedError

    # -------------------------------------------------------------------------------- models

    async def import_paths(
        self, paths: Sequence[str], way: ImportWay, told: Told = untold
    ) -> Imported:
        """Add files, and folders with all models in them; what is no model is told, not raised.

        A projector beside a model, and all its shards, come along. Raises `LibraryNoSpace` before
        anything is copied.
        """
        raise NotImplementedError

    async def verify(self, path: str, told: Told = untold) -> Verification:
        """Compare a model with the hash that is known of it."""
        raise NotImplementedError

    async def find_duplicates(self, told: Told = untold) -> Duplicates:
        """Compare what may be the same by reading it."""
        raise NotImplementedError

    async def remove(self, path: str) -> None:
        """Put an own model with all its files, or an own refused file, into the system's trash.

        Raises `NotOurs` for what other applications and persons keep, `TrashUnusable`.
        """
        raise NotImplementedError

    def reveal_path(self, path: str) -> str:
        """What a file manager is to show for a model."""
        raise NotImplementedError

    async def rename(self, path: str, name: str) -> None:
        """Show the model under this name; empty: its own. The file keeps its name."""
        raise NotImplementedError

    async def set_favourite(self, path: str, favourite: bool) -> None:
        """Mark it, or take the mark away."""
        raise NotImplementedError
