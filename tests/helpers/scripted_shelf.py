"""A library of invented models: what a scan finds is set, what is asked of the files is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.errors import AppError
from app.domain.library import (
    Capability,
    LibraryEntry,
    ModelFolder,
    ModelNote,
    Origin,
    RefusedFile,
    Scanned,
    ScanWish,
    Told,
    WorkProgress,
    only,
)
from app.domain.localmodel import LocalModel


def entry_of(
    model: LocalModel,
    origin: Origin = Origin.OWN,
    *,
    key: str = "",
    hashes: tuple[str, ...] = (),
    projector: str = "",
) -> LibraryEntry:
    """An entry for an invented model of one file."""
    return LibraryEntry(
        key=key or f"key of {model.path}",
        model=replace(model, read_only=origin is not Origin.OPENED),
        origin=origin,
        folder="/models",
        capabilities=frozenset({Capability.CHAT}),
        files=(model.path, *((projector,) if projector else ())),
        size_bytes=model.facts.file_bytes,
        projector=projector,
        sha256=only(hashes),
        hashes=hashes,
        weights_bytes=model.facts.file_bytes,
    )


@dataclass
class ScriptedShelf:
    """The port `LibraryKeeper`; `hash_of` gives hashes, by path, else the path stands for it."""

    entries: list[LibraryEntry] = field(default_factory=list[LibraryEntry])
    refused: list[RefusedFile] = field(default_factory=list[RefusedFile])
    given: Scanned = field(default_factory=lambda: Scanned((), (), (), {}))
    """What `look_at` finds."""
    hash_of: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    wishes: list[ScanWish] = field(default_factory=list[ScanWish])
    changed: bool = False
    moved: dict[str, str] = field(default_factory=dict[str, str])
    refuses: AppError | None = None
    gate: asyncio.Event | None = None
    """Holds back scans."""

    async def scan(self, wish: ScanWish) -> Scanned:
        self.wishes.append(wish)
        if self.gate is not None:
            await self.gate.wait()
        self.changed = False
        folders = tuple(ModelFolder(path, Origin.OWN, is_looked_at=True) for path in wish.own)
        by_hash = {digest: entry.path for entry in self.entries for digest in entry.hashes}
        return Scanned(tuple(self.entries), tuple(self.refused), folders, by_hash)

    async def has_changed(self) -> bool:
        self.asked.append(("has_changed",))
        return self.changed

    async def look_at(self, paths: Sequence[str]) -> Scanned:
        return self.given

    async def hashes(self, paths: Sequence[str], told: Told) -> tuple[str, ...]:
        self._ask("hashes", *paths)
        told(WorkProgress(1, 2, paths[0]))
        return tuple(self.hash_of.get(path, path) for path in paths)

    async def place(
        self, files: Sequence[str], folder: str, names: Sequence[str], *, move: bool, told: Told
    ) -> tuple[str, ...]:
        self._ask("move" if move else "copy", folder, *names)
        told(WorkProgress(5, 10, files[0]))
        return tuple(f"{folder}/{name}" for name in names)

    async def relocate(self, old: str, new: str, told: Told) -> Mapping[str, str]:
        self._ask("relocate", old, new)
        return self.moved

    async def require_folder(self, path: str, *, writable: bool) -> str:
        self._ask("require", path, writable)
        return path

    async def trash(self, paths: Sequence[str]) -> None:
        self._ask("trash", *paths)
        self.entries = [entry for entry in self.entries if entry.path not in paths]

    async def free_bytes(self, folder: str) -> int:
        return 7_000_000

    def _ask(self, *call: object) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(call)


@dataclass
class MemoryNotes:
    """Notes that are kept nowhere."""

    kept: dict[str, ModelNote] = field(default_factory=dict[str, ModelNote])
    refuses: AppError | None = None

    def read(self) -> dict[str, ModelNote]:
        return dict(self.kept)

    def write(self, notes: Mapping[str, ModelNote]) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.kept = dict(notes)
