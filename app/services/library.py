"""The models on this computer: found, told apart, looked after."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from app.domain.errors import FileMissing
from app.domain.facts import Fact
from app.domain.library import (
    DuplicateGroup,
    Duplicates,
    FileCopy,
    Imported,
    ImportWay,
    LibraryEntry,
    LibrarySpace,
    ModelFolder,
    Origin,
    Refusal,
    RefusedFile,
    Scanned,
    Told,
    Verdict,
    Verification,
    WorkProgress,
    only,
)
from app.domain.library_errors import FolderRefused
from app.domain.library_ports import LibraryKeeper, LibraryNotes
from app.domain.ports import Clock
from app.domain.settings import LibrarySettings
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.library_import import not_ours, share, target_folder, target_names
from app.services.library_view import LibraryView
from app.services.load_settings import LoadSettingsService
from app.services.models import ModelService
from app.services.settings import SettingsService


def untold(progress: WorkProgress) -> None:
    """For whoever does not want to know how far it is."""


class LibraryService:
    """Publishes `LibraryChanged`. Raises `LibraryError` and `ModelFileError` cases.

    Models are named by the path of their first shard (`LibraryEntry.path`). Long work tells its
    progress through `told` and ends, leaving nothing half done, when its task is cancelled.
    """

    def __init__(
        self,
        keeper: LibraryKeeper,
        notes: LibraryNotes,
        models: ModelService,
        settings: SettingsService,
        load_settings: LoadSettingsService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        clock: Clock,
        home: str,
        downloads_to: Callable[[str], Awaitable[None]],
    ) -> None:
        """`home` is the own folder where the settings name none; `downloads_to` has new downloads
        put into another folder, and raises `LibraryBusy` while there are any."""
        self._keeper = keeper
        self._models = models
        self._settings = settings
        self._load_settings = load_settings
        self._downloads_to = downloads_to
        self._view = LibraryView(keeper, notes, models, settings, facts, tasks, clock, home)
        self._clock = clock

    @property
    def entries(self) -> tuple[LibraryEntry, ...]:
        """Every usable model, each once, by name; empty until the first scan has ended."""
        return tuple(self._view.entries.values())

    @property
    def refused(self) -> tuple[RefusedFile, ...]:
        """What is incomplete, damaged or unsupported."""
        return self._view.scanned.refused

    @property
    def folders(self) -> tuple[ModelFolder, ...]:
        """Where models are looked for: own folders first, then chosen ones, then the other
        applications', also those that are switched off or not installed."""
        return self._view.scanned.folders

    @property
    def is_scanning(self) -> bool:
        """Whether the folders are being looked through just now."""
        return self._view.is_scanning

    def entry(self, path: str) -> LibraryEntry | None:
        """The model whose first shard (in any of its places) lies there."""
        return self._view.entry(path)

    def path_of(self, sha256: str) -> str | None:
        """Where a file of this hash lies on this computer, in whose folder ever.

        Of a sharded model the hash of any one shard finds that shard.
        """
        return self._view.scanned.paths_by_hash.get(sha256.lower())

    def space(self) -> LibrarySpace:
        """As of the last scan."""
        return self._view.space()

    async def scan(self) -> None:
        """Look through all folders; on return `entries` is what is there now.

        One that runs already is waited for, and followed by another one.
        """
        await self._view.scan()

    def watch(self, active: bool) -> None:
        """While active, changes in the folders are noticed within seconds and scanned.

        For the window: on while it is in front, at once when it comes to the front.
        """
        self._view.watch(active)

    async def close(self) -> None:
        """Look through no folder any more."""
        await self._view.close()

    def _known(self, path: str) -> LibraryEntry:
        entry = self.entry(path)
        if entry is None:
            raise FileMissing(
                f"“{os.path.basename(path)}” is not among the models.",
                path,
                "It may have been moved or removed; look at the list again.",
            )
        return entry

    # ------------------------------------------------------------------------------- folders

    async def add_folder(self, path: str) -> None:
        """Look for models there too; nothing in it is ever changed.

        Raises `FolderRefused` where there is no such folder or it cannot be read.
        """
        path = await self._keeper.require_folder(path, writable=False)
        library = self._settings.current.library
        if path not in (*self._view.own_folders, *library.folders):
            self._set(folders=(*library.folders, path))
        await self._view.scan()

    async def remove_folder(self, path: str) -> None:
        """Look there no more (a chosen folder, or an own one that takes no downloads)."""
        library = self._settings.current.library
        if path == self._view.own_folders[0]:
            raise FolderRefused(
                "New models are put into this folder.",
                path,
                "Choose another folder for new models first.",
            )
        self._set(
            folders=tuple(folder for folder in library.folders if folder != path),
            own_folders=tuple(folder for folder in library.own_folders if folder != path),
        )
        await self._view.scan()

    async def look_at(self, application: Origin, looked_at: bool) -> None:
        """Switch on or off that another application's models are offered."""
        off = set(self._settings.current.library.not_looked_at)
        off = off - {application.value} if looked_at else off | {application.value}
        self._set(not_looked_at=tuple(sorted(off)))
        await self._view.scan()

    def _set(self, **values: tuple[str, ...]) -> None:
        settings = self._settings.current
        library: LibrarySettings = replace(settings.library, **values)
        self._settings.change(replace(settings, library=library))

    async def use_own_folder(self, path: str, *, move: bool, told: Told = untold) -> None:
        """Have new models put there.

        With `move` what lies in the present one goes along; without, it stays where it is, offered
        all the same and still own. Raises `FolderRefused`, `LibraryNoSpace`, `LibraryBusy` while
        models are downloaded.
        """
        path = await self._keeper.require_folder(path, writable=True)
        old, *others = self._view.own_folders
        if path == old:
            return
        await self._downloads_to(path)
        # Both are own until all is moved, so that an end in between loses nothing.
        self._set(own_folders=(path, old, *(other for other in others if other != path)))
        try:
            if move:
                await self._move_files(old, path, told)
                rest = self._view.own_folders[1:]
                self._set(own_folders=(path, *(folder for folder in rest if folder != old)))
        finally:
            await self._view.scan()

    async def _move_files(self, old: str, new: str, told: Told) -> None:
        for info in self._models.loaded:
            if info.path.startswith(os.path.join(old, "")):
                await self._models.unload(info.path)
        moved = await self._keeper.relocate(old, new, told)
        await self._models.moved(moved)
        self._load_settings.moved(moved)
        self._view.records.moved(moved)

    # -------------------------------------------------------------------------------- models

    async def import_paths(
        self, paths: Sequence[str], way: ImportWay, told: Told = untold
    ) -> Imported:
        """Add files, and folders with all models in them; what is no model is told, not raised.

        A projector beside a model, and all its shards, come along. Raises `LibraryNoSpace` before
        anything is copied.
        """
        found = await self._keeper.look_at(paths)
        if way is ImportWay.IN_PLACE:
            return await self._use_in_place(found)
        refused = list(found.refused)
        already: list[str] = []
        added: list[str] = []
        total = sum(entry.size_bytes for entry in found.entries)
        done = 0
        own = self._view.own_folders[0]
        try:
            for entry in found.entries:
                there = self._own_copy(entry)
                if there is not None:
                    already.append(there)
                elif way is ImportWay.MOVE and entry.origin.is_application:
                    refused.append(_refused_move(entry))
                else:
                    files = await self._keeper.place(
                        entry.files,
                        target_folder(own, entry),
                        target_names(entry),
                        move=way is ImportWay.MOVE,
                        told=share(told, done, total),
                    )
                    added.append(files[0])
                done += entry.size_bytes
        finally:
            if added:
                await self._view.scan()
        return Imported(tuple(added), tuple(refused), tuple(already))

    def _own_copy(self, entry: LibraryEntry) -> str | None:
        same = (known for known in self._view.entries.values() if known.key == entry.key)
        copies = (copy for known in same for copy in (known.as_copy, *known.copies))
        return next((copy.path for copy in copies if copy.is_own), None)

    async def _use_in_place(self, found: Scanned) -> Imported:
        library = self._settings.current.library
        opened, folders = list(library.model_files), [*library.folders]
        given = [folder.path for folder in found.folders]
        already: list[str] = []
        for entry in found.entries:
            if self.entry(entry.path) is not None:
                already.append(entry.path)
            elif entry.folder not in given and entry.path not in opened:
                opened.append(entry.path)
        watched = {*folders, *self._view.own_folders}
        folders += [path for path in given if path not in watched]
        self._set(model_files=tuple(opened), folders=tuple(folders))
        await self._view.scan()
        added = tuple(entry.path for entry in found.entries if entry.path not in already)
        return Imported(added, found.refused, tuple(already))

    async def verify(self, path: str, told: Told = untold) -> Verification:
        """Compare a model with the hash that is known of it."""
        entry = self._known(path)
        promised, who = self._view.records.promised(entry)
        found = await self._keeper.hashes(entry.shards, told)
        if not promised:
            self._view.change(
                entry.path, hashes=found, hashes_from="an earlier check", verified=self._clock()
            )
            return Verification(entry.path, Verdict.RECORDED, only(found))
        wrong = tuple(
            os.path.basename(shard)
            for shard, has, must in zip(entry.shards, found, promised, strict=False)
            if has != must
        )
        # Promises are kept by content too: a check that failed must not become the measure.
        self._view.change(
            entry.path,
            hashes=promised,
            hashes_from=who,
            verified=0 if wrong else self._clock(),
        )
        verdict = Verdict.CHANGED if wrong else Verdict.SOUND
        return Verification(entry.path, verdict, only(found), who, wrong)

    async def find_duplicates(self, told: Told = untold) -> Duplicates:
        """Compare what may be the same by reading it."""
        alike: dict[str, list[tuple[LibraryEntry, FileCopy]]] = {}
        for entry in self._view.entries.values():
            for copy in (entry.as_copy, *entry.copies):
                alike.setdefault(entry.key, []).append((entry, copy))
        several = [places for places in alike.values() if len(places) > 1]
        total = sum(copy.size_bytes for places in several for _, copy in places)
        done = 0
        groups: list[DuplicateGroup] = []
        for places in several:
            same: dict[tuple[str, ...], list[FileCopy]] = {}
            for entry, copy in places:
                shards = copy.files[: len(entry.shards)]
                hashes = await self._keeper.hashes(shards, share(told, done, total))
                same.setdefault(hashes, []).append(copy)
                done += copy.size_bytes
            groups += [
                _group(places[0][0], hashes, copies)
                for hashes, copies in same.items()
                if len(copies) > 1
            ]
        return Duplicates(tuple(sorted(groups, key=lambda group: -group.reclaimable_bytes)))

    async def forget(self, path: str) -> None:
        """Look no more at a single file that a person opened; the file stays where it is."""
        opened = self._settings.current.library.model_files
        await self._models.drop(path)
        self._set(model_files=tuple(known for known in opened if known != path))
        await self._view.scan()

    async def remove(self, path: str) -> None:
        """Put an own model with all its files, or an own refused file, into the system's trash.

        Raises `NotOurs` for what other applications and persons keep, `TrashUnusable`.
        """
        for file in self.refused:
            if file.path == path:
                if not file.is_own:
                    raise not_ours(os.path.basename(path), file.origin)
                await self._throw_away((*file.others, path))
                return
        entry = self._known(path)
        places = (entry.as_copy, *entry.copies)
        copy = next((place for place in places if place.path == path), entry.as_copy)
        if not copy.is_own:
            raise not_ours(entry.name, copy.origin)
        needed = {
            file
            for other in self._view.entries.values()
            for place in (other.as_copy, *other.copies)
            if place.path != copy.path
            for file in place.files
        }
        await self._models.unload(copy.path)
        await self._throw_away(tuple(file for file in copy.files[::-1] if file not in needed))
        await self._models.drop(copy.path)

    async def _throw_away(self, paths: Sequence[str]) -> None:
        try:
            await self._keeper.trash(paths)
        finally:
            await self._view.scan()

    def reveal_path(self, path: str) -> str:
        """What a file manager is to show for a model."""
        return self._known(path).path

    async def rename(self, path: str, name: str) -> None:
        """Show the model under this name; empty: its own. The file keeps its name."""
        self._known(path)
        name = " ".join(name.split())
        self._view.change(path, name=name)
        if name:
            self._view.offer()
        else:
            # What the file and its folder tell is shown again.
            await self._view.scan()

    async def set_favourite(self, path: str, favourite: bool) -> None:
        """Mark it, or take the mark away."""
        self._known(path)
        self._view.change(path, is_favourite=favourite)


def _refused_move(entry: LibraryEntry) -> RefusedFile:
    error = not_ours(entry.name, entry.origin)
    return RefusedFile(entry.path, entry.origin, entry.folder, Refusal.UNSUPPORTED, error)


def _group(
    entry: LibraryEntry, hashes: Sequence[str], copies: Sequence[FileCopy]
) -> DuplicateGroup:
    """What cannot be removed from here is kept anyway, so it stands first."""
    ordered = tuple(sorted(copies, key=lambda copy: (copy.is_own, copy.path)))
    return DuplicateGroup(entry.name, hashes[0], entry.weights_bytes, ordered)
