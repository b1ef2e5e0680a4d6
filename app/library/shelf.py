"""The adapter for `LibraryKeeper`: all folders with models, looked through and worked at in threads
of its own."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from app.domain.library import ModelFolder, Origin, Scanned, ScanWish, Told
from app.domain.library_errors import FolderRefused
from app.library.breath import Breath
from app.library.file_work import (
    free_bytes,
    make_folder,
    place_files,
    sha256_of,
    translate_work_error,
)
from app.library.index import Index
from app.library.model_file import SHARD, name_of
from app.library.places.known import Surroundings, application_places, reader_of
from app.library.places.lead import Breathe, Findings, Lead, Place
from app.library.progress import Progress
from app.library.relocation import relocate, total_below
from app.library.scan import scanned
from app.library.starter import starter_path
from app.library.trash import put_into_trash

T = TypeVar("T")

_SETTLED_SECONDS: Final = 60
"""A file that was written later than so long ago may still be written to, without its folder
showing it."""


@dataclass(slots=True)
class _Watched:
    """What tells that it is worth looking again. Confined to the scanning thread."""

    folders: dict[str, int] = field(default_factory=dict[str, int])
    files: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Size and time of what was refused or may still be written."""
    absent: list[str] = field(default_factory=list[str])
    """Folders that were not there."""


class Shelf:
    """Every folder with models. `index` is the file in which it is kept what they hold."""

    def __init__(
        self,
        index: Path | None,
        around: Surroundings | None = None,
        find_starter: Callable[[], str | None] = starter_path,
    ) -> None:
        self._around = around or Surroundings.here()
        self._find_starter = find_starter
        self._index = Index(index)
        self._watched = _Watched()
        self._closing = threading.Event()
        # One scans, one at a time; the other reads, copies and moves for minutes.
        self._scanner = ThreadPoolExecutor(1, thread_name_prefix="library-scan")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="library-work")

    async def scan(self, wish: ScanWish) -> Scanned:
        """Look through all folders."""
        return await self._scanning(lambda breathe: self._scan(wish, breathe))

    async def has_changed(self) -> bool:
        """Whether it is worth scanning again."""
        return await self._scanning(self._has_changed)

    async def look_at(self, paths: Sequence[str]) -> Scanned:
        """What is in these files and folders."""
        return await self._scanning(lambda breathe: self._look_at(paths, breathe))

    async def hashes(self, paths: Sequence[str], told: Told) -> tuple[str, ...]:
        """The SHA-256 of each file."""

        def work(progress: Progress) -> tuple[str, ...]:
            progress.total_bytes = sum(_size_of(path) for path in paths)
            return tuple(sha256_of(path, progress.passed) for path in paths)

        return await self._working(work, told)

    async def place(
        self, files: Sequence[str], folder: str, names: Sequence[str], *, move: bool, told: Told
    ) -> tuple[str, ...]:
        """Put files that belong together into a folder."""

        def work(progress: Progress) -> tuple[str, ...]:
            progress.total_bytes = sum(_size_of(path) for path in files)
            free = _free_folder(folder, names)
            make_folder(free)
            targets = tuple(os.path.join(free, name) for name in names)
            place_files(files, targets, move=move, passed=progress.passed)
            return targets

        return await self._working(work, told)

    async def relocate(self, old: str, new: str, told: Told) -> Mapping[str, str]:
        """Move all files below a folder to another one."""

        def work(progress: Progress) -> Mapping[str, str]:
            progress.total_bytes = total_below(old)
            return relocate(old, new, progress.passed)

        return await self._working(work, told)

    async def require_folder(self, path: str, *, writable: bool) -> str:
        """The absolute path of a folder that can be used."""
        return await self._working(lambda _: self._require_folder(path, writable))

    async def trash(self, paths: Sequence[str]) -> None:
        """Put files into the system's trash."""
        await self._working(lambda _: put_into_trash(paths))

    async def free_bytes(self, folder: str) -> int:
        """On the disk of a folder."""
        return await self._working(lambda _: free_bytes(folder))

    async def close(self) -> None:
        """End running work and the threads."""
        self._closing.set()
        for pool in (self._scanner, self._worker):
            # In a thread, because a folder on a sleeping drive may take its time.
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    # ------------------------------------------------------------------------------- threads

    async def _scanning(self, work: Callable[[Breathe], T]) -> T:
        unwanted = threading.Event()
        breathe = Breath(lambda: unwanted.is_set() or self._closing.is_set())
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._scanner, work, breathe)
        finally:
            unwanted.set()

    async def _working(self, work: Callable[[Progress], T], told: Told | None = None) -> T:
        progress = Progress(told or (lambda _: None), self._closing.is_set)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._worker, work, progress)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # What was begun is taken back before anybody goes on.
            progress.cancel()
            if not future.cancel():
                await asyncio.wait({future})
            raise
        except OSError as error:
            raise translate_work_error(error, name_of(error.filename or "")) from error

    # ------------------------------------------------------------------------------ scanning

    def _scan(self, wish: ScanWish, breathe: Breathe) -> Scanned:
        places, folders = self._places(wish)
        findings = [self._starter()]
        findings += [reader_of(place.origin)(place, breathe) for place in places]
        findings += [_opened(path, Origin.OPENED) for path in wish.opened]
        found = scanned(findings, self._index, wish.hashes, folders, breathe)
        self._index.save(breathe)
        self._watch(findings, found)
        return found

    def _places(self, wish: ScanWish) -> tuple[list[Place], list[ModelFolder]]:
        """Where to look, and all places as they are told.

        Other applications come first: what lies in their folders is theirs, also where that folder
        was chosen too.
        """
        known = application_places(self._around)
        own = [Place(Origin.OWN, path) for path in wish.own]
        chosen = [Place(Origin.CHOSEN, path) for path in wish.chosen]
        looked = [place for place in known if place.origin not in wish.switched_off]
        folders = [
            ModelFolder(
                place.path,
                place.origin,
                is_looked_at=place.origin not in wish.switched_off,
                is_there=os.path.isdir(place.path),
                takes_downloads=place.path == wish.own[0],
            )
            for place in (*own, *chosen, *known)
        ]
        return [*looked, *own, *chosen], folders

    def _starter(self) -> Findings:
        path = self._find_starter()
        place = Place(Origin.STARTER, os.path.dirname(path) if path else "")
        return Findings(place, [Lead(place, (path,))] if path else [])

    def _look_at(self, paths: Sequence[str], breathe: Breathe) -> Scanned:
        findings: list[Findings] = []
        folders: list[ModelFolder] = []
        for path in map(os.path.abspath, paths):
            whose = self._whose(path)
            if os.path.isdir(path):
                findings.append(reader_of(Origin.CHOSEN)(Place(whose, path), breathe))
                folders.append(ModelFolder(path, whose, is_looked_at=True))
            else:
                findings.append(_opened(path, whose))
        return scanned(findings, Index(None), {}, folders, breathe)

    def _whose(self, path: str) -> Origin:
        """The application in whose folder a path lies, whatever links lead there."""
        real = os.path.join(os.path.realpath(path), "")
        for place in application_places(self._around):
            if real.startswith(os.path.join(os.path.realpath(place.path), "")):
                return place.origin
        return Origin.CHOSEN

    def _require_folder(self, path: str, writable: bool) -> str:
        path = os.path.abspath(os.path.expanduser(path))
        if writable and self._whose(path).is_application:
            raise FolderRefused(
                "This folder belongs to another application.",
                f"Lamplight only looks at what lies in {path}.",
                "Choose another folder.",
            )
        if writable:
            make_folder(path)
        try:
            os.listdir(path)
        except OSError as error:
            raise FolderRefused(
                "This folder can't be read.",
                f"{path}: {error.strerror}",
                "Choose another folder, or allow Lamplight to read this one.",
            ) from error
        return path

    # ------------------------------------------------------------------------------ watching

    def _watch(self, findings: Sequence[Findings], found: Scanned) -> None:
        watched = _Watched()
        for place in findings:
            watched.folders |= place.folders
            path = place.place.path
            if not place.is_there and os.path.isdir(path):
                watched.folders.setdefault(path, _stamp(path)[1])
            elif not place.is_there:
                watched.absent.append(path)
        unsettled = (time.time() - _SETTLED_SECONDS) * 1000
        files = [file.path for file in found.refused]
        files += [
            path for entry in found.entries if entry.changed > unsettled for path in entry.files
        ]
        watched.files = {path: _stamp(path) for path in files}
        self._watched = watched

    def _has_changed(self, breathe: Breathe) -> bool:
        for folder, changed in self._watched.folders.items():
            breathe()
            if _stamp(folder)[1] != changed:
                return True
        if any(os.path.isdir(path) for path in self._watched.absent):
            return True
        return any(_stamp(path) != stamp for path, stamp in self._watched.files.items())


def _opened(path: str, origin: Origin) -> Findings:
    """A single file with its other shards."""
    place = Place(origin, os.path.dirname(path))
    match = SHARD.match(os.path.basename(path))
    paths = (path,)
    if match:
        total = int(match["total"])
        beside = [
            os.path.join(place.path, f"{match['stem']}-{number:05d}-of-{total:05d}{match['end']}")
            for number in range(1, total + 1)
        ]
        paths = tuple(beside) if all(map(os.path.exists, beside)) else paths
    return Findings(place, [Lead(place, paths)])


def _free_folder(folder: str, names: Sequence[str]) -> str:
    """The folder, or one beside it with a number where one of the names is taken in it."""
    free, number = folder, 2
    while any(os.path.lexists(os.path.join(free, name)) for name in names):
        free = f"{folder} {number}"
        number += 1
    return free


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _size_of(path: str) -> int:
    return max(0, _stamp(path)[0])
