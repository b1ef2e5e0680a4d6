"""What is known of the models on this computer, kept current: scans, watching, what is noted."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from app.domain.facts import Fact, LibraryChanged, LoadedModelsChanged, TransfersChanged
from app.domain.library import LibraryEntry, LibrarySpace, Origin, Scanned, ScanWish
from app.domain.library_ports import LibraryKeeper, LibraryNotes
from app.domain.ports import Clock
from app.domain.transfer import Transfer, TransferPhase
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.library_records import LibraryRecords
from app.services.models import ModelService
from app.services.settings import SettingsService

WATCH_SECONDS = 3.0
_CLOSE_SECONDS = 5.0
_NOTHING = Scanned((), (), (), {})


class LibraryView:
    """Publishes `LibraryChanged`, and hands what can chat to `ModelService`."""

    def __init__(
        self,
        keeper: LibraryKeeper,
        notes: LibraryNotes,
        models: ModelService,
        settings: SettingsService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        clock: Clock,
        home: str,
    ) -> None:
        """`home` is the own folder where the settings name none."""
        self._keeper = keeper
        self._models = models
        self._settings = settings
        self._facts = facts
        self._tasks = tasks
        self._clock = clock
        self._home = home
        self.records = LibraryRecords(notes, facts, tasks)
        self.scanned = _NOTHING
        self.entries: dict[str, LibraryEntry] = {}
        self._by_path: dict[str, str] = {}
        self._free_bytes = 0
        self._scanning: asyncio.Task[None] | None = None
        self._again = False
        self._watching: asyncio.Task[None] | None = None
        self._loaded: set[str] = set()
        self._used: dict[str, int] = {}
        """When models were loaded that no scan had found by then, by path."""
        self._closed = False
        self._fetched: dict[str, str] = {}
        """The hashes of files that were downloaded since the start, by path."""
        self._unnoted = False
        facts.subscribe(self._heard)

    @property
    def is_scanning(self) -> bool:
        """Whether the folders are being looked through just now."""
        return self._scanning is not None

    @property
    def own_folders(self) -> tuple[str, ...]:
        """The first one takes downloads."""
        return self._settings.current.library.own_folders or (self._home,)

    def entry(self, path: str) -> LibraryEntry | None:
        """The model whose first shard (in any of its places) lies there."""
        return self.entries.get(self._by_path.get(path, path))

    def space(self) -> LibrarySpace:
        """As of the last scan."""
        own = sum(entry.size_bytes for entry in self.entries.values() if entry.is_own)
        every = sum(entry.size_bytes for entry in self.entries.values())
        return LibrarySpace(own, every - own, self._free_bytes)

    async def scan(self) -> None:
        """Look through all folders; on return `entries` is what is there now.

        One that runs already is waited for, and followed by another one.
        """
        if self._closed:
            return
        self._again = True
        if self._scanning is None:
            self._scanning = self._tasks.spawn(self._scan(), "library-scan")
        await asyncio.shield(self._scanning)

    async def _scan(self) -> None:
        self._facts.publish(LibraryChanged())
        try:
            await self.records.load()
            while self._again:
                self._again = False
                found = await self._keeper.scan(self._wish())
                self._free_bytes = await self._keeper.free_bytes(self.own_folders[0])
                self._show(found)
        finally:
            self._scanning = None
            self._facts.publish(LibraryChanged())

    def _wish(self) -> ScanWish:
        library = self._settings.current.library
        return ScanWish(
            own=self.own_folders,
            chosen=library.folders,
            opened=library.model_files,
            switched_off=frozenset(
                origin for origin in Origin if origin.value in library.not_looked_at
            ),
            hashes=self.records.hashes,
        )

    def _show(self, found: Scanned) -> None:
        self.scanned = found
        self.entries = {entry.path: entry for entry in self.records.dressed(found.entries)}
        self._by_path = {
            path: entry.path
            for entry in self.entries.values()
            for path in (*entry.also_at, *(copy.path for copy in entry.copies))
        }
        self._note_used()
        self._note_fetched()
        self._unnoted = False
        self.offer()

    def offer(self) -> None:
        """Have in the list of models what is known now."""
        chat = [entry for entry in self.entries.values() if entry.can_chat]
        # Stable, so that by name among those that were never used.
        chat.sort(key=lambda entry: (not entry.is_favourite, -entry.last_used))
        found = [entry.model for entry in chat]
        self._models.show_found(found, self._by_path)

    def watch(self, active: bool) -> None:
        """While active, changes in the folders are noticed within seconds and scanned.

        By asking for the times of the folders: every system and every network drive tells them, it
        costs some milliseconds for hundreds of folders, and nothing is asked while nobody looks.
        """
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if active:
            self._watching = self._tasks.spawn(self._watch(), "library-watch")

    async def close(self) -> None:
        """Look no more: what is heard now comes too late.

        What was downloaded just now is looked at before, or nobody would know its hash.
        """
        self.watch(False)
        if self._unnoted:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.scan(), _CLOSE_SECONDS)
        self._closed = True

    async def _watch(self) -> None:
        while True:
            if not self.is_scanning and await self._keeper.has_changed():
                await self.scan()
            await asyncio.sleep(WATCH_SECONDS)

    # -------------------------------------------------------------------------------- facts

    def _heard(self, fact: Fact) -> None:
        match fact:
            case LoadedModelsChanged(loaded):
                paths = {info.path for info in loaded}
                self._used |= {path: self._clock() for path in paths - self._loaded}
                self._loaded = paths
                self._note_used()
            case TransfersChanged(transfers):
                new = [transfer for transfer in transfers if self._is_new(transfer)]
                for transfer in new:
                    files = zip(transfer.paths, transfer.request.files, strict=False)
                    self._fetched |= {path: file.sha256 or "" for path, file in files}
                if new:
                    self._unnoted = True
                    self._tasks.spawn(self.scan(), "library-fetched")
            case _:
                return

    def _is_new(self, transfer: Transfer) -> bool:
        finished = transfer.phase is TransferPhase.FINISHED and transfer.paths
        return bool(finished) and transfer.paths[0] not in self._fetched

    def _note_used(self) -> None:
        for path in [path for path in self._used if self.entry(path)]:
            self.change(path, last_used=self._used.pop(path))

    def _note_fetched(self) -> None:
        """What the hub has promised, and the download has compared, is remembered."""
        for entry in tuple(self.entries.values()):
            told = tuple(self._fetched.get(path, "") for path in entry.shards)
            if all(told) and self.records.promised(entry)[0] != told:
                now = self._clock()
                self.change(entry.path, hashes=told, hashes_from="the hub", verified=now)

    def change(self, path: str, **values: Any) -> None:
        """Remember these fields of `ModelNote` and show them."""
        entry = self.entry(path)
        if entry is not None:
            self.entries[entry.path] = self.records.change(entry, **values)
            self._facts.publish(LibraryChanged())
