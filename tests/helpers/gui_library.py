"""What the window is told of the library, in tests of it: invented models in invented folders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from app.domain.errors import AppError, FileDamaged
from app.domain.facts import Fact, LibraryChanged
from app.domain.library import (
    Capability,
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
    Told,
    Verdict,
    Verification,
    WorkProgress,
)
from app.flow.broadcast import Broadcast
from tests.helpers.gui_models import local_model

OWN = "/home/ada/Models"
GB = 1_000_000_000

CHAT = frozenset({Capability.CHAT})


def library_entry(
    name: str,
    *,
    origin: Origin = Origin.OWN,
    gigabytes: float = 4.7,
    parameters: int = 8_190_000_000,
    architecture: str = "qwen3",
    quantisation: str = "Q4_K_M",
    capabilities: frozenset[Capability] = CHAT,
    **more: object,
) -> LibraryEntry:
    """A model that exists in words only."""
    model = local_model(name, starter=origin is Origin.STARTER)
    file_bytes = round(gigabytes * GB)
    facts = replace(
        model.facts,
        architecture=architecture,
        quantisation=quantisation,
        parameters=parameters,
        file_bytes=file_bytes,
        trained_context=32768,
    )
    path = f"{OWN}/{name.replace(' ', '-')}-{quantisation}.gguf"
    made = LibraryEntry(
        key=path,
        model=replace(model, path=path, label=name, facts=facts),
        origin=origin,
        folder=OWN,
        capabilities=capabilities,
        files=(path,),
        size_bytes=file_bytes,
    )
    return replace(made, **more)


def refused_file(name: str, refusal: Refusal, *, origin: Origin = Origin.OWN) -> RefusedFile:
    """A file that cannot be used."""
    error = FileDamaged(
        "The end of this file is missing.",
        "It has 1.2 GB of the 4.7 GB that its header announces.",
        "Fetch it again; the download was interrupted.",
    )
    return RefusedFile(f"{OWN}/{name}", origin, OWN, refusal, error, 1_200_000_000)


def folders() -> tuple[ModelFolder, ...]:
    """An own one, a chosen one, and what other applications have."""
    return (
        ModelFolder(OWN, Origin.OWN, True, True, 3, 12 * GB, 1, takes_downloads=True),
        ModelFolder("/mnt/big/models", Origin.CHOSEN, True, True, 2, 30 * GB),
        ModelFolder("/home/ada/.cache/huggingface/hub", Origin.HUGGING_FACE, True, True),
        ModelFolder("/home/ada/.lmstudio/models", Origin.LM_STUDIO, True, True, 4, 21 * GB),
        ModelFolder("/home/ada/.ollama/models", Origin.OLLAMA, False, True),
        ModelFolder("/home/ada/.local/share/Jan/data", Origin.JAN, True, False),
    )


class FakeLibrary:
    """Holds what a test puts into it. Long work tells of its half, and waits for `gate` if one is
    given; `error` is raised by whatever is tried."""

    def __init__(self, facts: Broadcast[Fact]) -> None:
        self._facts = facts
        self.entries: tuple[LibraryEntry, ...] = ()
        self.refused: tuple[RefusedFile, ...] = ()
        self.folders: tuple[ModelFolder, ...] = folders()
        self.is_scanning = False
        self.watched: list[bool] = []
        self.calls: list[tuple[object, ...]] = []
        self.gate: asyncio.Event | None = None
        self.error: AppError | None = None
        self.verdict = Verdict.SOUND
        self.duplicates = Duplicates(())
        self.imported = Imported(())

    def show(
        self,
        entries: Sequence[LibraryEntry] | None = None,
        refused: Sequence[RefusedFile] | None = None,
    ) -> None:
        """From now on the library has these."""
        self.entries = self.entries if entries is None else tuple(entries)
        self.refused = self.refused if refused is None else tuple(refused)
        self._facts.publish(LibraryChanged())

    def entry(self, path: str) -> LibraryEntry | None:
        return next((entry for entry in self.entries if entry.path == path), None)

    def path_of(self, sha256: str) -> str | None:
        return next((entry.path for entry in self.entries if entry.sha256 == sha256), None)

    def space(self) -> LibrarySpace:
        own = sum(entry.size_bytes for entry in self.entries if entry.is_own)
        others = sum(entry.size_bytes for entry in self.entries) - own
        return LibrarySpace(own, others, 212 * GB)

    def reveal_path(self, path: str) -> str:
        return path

    def watch(self, active: bool) -> None:
        self.watched.append(active)

    async def scan(self) -> None:
        self._note("scan")

    def _note(self, *call: object) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(call)

    def _change(self, path: str, **changes: object) -> None:
        self.show([replace(e, **changes) if e.path == path else e for e in self.entries])

    async def add_folder(self, path: str) -> None:
        self._note("add_folder", path)

    async def remove_folder(self, path: str) -> None:
        self._note("remove_folder", path)
        self.folders = tuple(folder for folder in self.folders if folder.path != path)
        self.show()

    async def look_at(self, application: Origin, looked_at: bool) -> None:
        self._note("look_at", application, looked_at)

    async def use_own_folder(self, path: str, *, move: bool, told: Told) -> None:
        await self._work(told)
        self._note("use_own_folder", path, move)

    async def import_paths(self, paths: Sequence[str], way: ImportWay, told: Told) -> Imported:
        await self._work(told)
        self._note("import", tuple(paths), way)
        return self.imported

    async def verify(self, path: str, told: Told) -> Verification:
        await self._work(told)
        self._note("verify", path)
        return Verification(path, self.verdict, "0" * 64, "the hub")

    async def find_duplicates(self, told: Told) -> Duplicates:
        await self._work(told)
        self._note("find_duplicates")
        return self.duplicates

    async def _work(self, told: Told) -> None:
        told(WorkProgress(2_300_000_000, 4_700_000_000))
        if self.gate is not None:
            await self.gate.wait()

    async def remove(self, path: str) -> None:
        self._note("remove", path)
        self.show(
            [entry for entry in self.entries if entry.path != path],
            [file for file in self.refused if file.path != path],
        )

    async def forget(self, path: str) -> None:
        self._note("forget", path)
        self.show([entry for entry in self.entries if entry.path != path])

    async def rename(self, path: str, name: str) -> None:
        self._note("rename", path, name)
        entry = self.entry(path)
        assert entry is not None
        self._change(path, own_name=name, model=replace(entry.model, label=name or "Its own"))

    async def set_favourite(self, path: str, favourite: bool) -> None:
        self._note("set_favourite", path, favourite)
        self._change(path, is_favourite=favourite)


def two_copies(entry: LibraryEntry) -> DuplicateGroup:
    """The same model in Ollama's folder, which is kept, and in an own one."""
    theirs = FileCopy("/home/ada/.ollama/models/blobs/sha256-1", Origin.OLLAMA, entry.size_bytes)
    own = FileCopy(entry.path, Origin.OWN, entry.size_bytes)
    return DuplicateGroup(entry.name, "1" * 64, entry.size_bytes, (theirs, own))
