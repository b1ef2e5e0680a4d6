"""A look through all folders: from leads to the entries of the library."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain.errors import FileDamaged as Damaged
from app.domain.errors import (
    FileMissing,
    GgufFormUnknown,
    ModelFileError,
    NotGguf,
    ShardMissing,
)
from app.domain.library import (
    Capability,
    LibraryEntry,
    ModelFolder,
    Origin,
    Refusal,
    RefusedFile,
    Scanned,
    only,
)
from app.domain.localmodel import STARTER_LABEL
from app.library import refusals
from app.library.gguf_facts import FileKind
from app.library.index import Index
from app.library.index_form import Stamp
from app.library.model_file import name_of
from app.library.pairing import Companion, Projectors, stem_of
from app.library.places.lead import Breathe, Findings, Lead
from app.library.seen_file import SeenFile

_SHOWN_FIRST: Final = (
    Origin.STARTER,
    Origin.OWN,
    Origin.LM_STUDIO,
    Origin.HUGGING_FACE,
    Origin.LLAMA_CPP,
    Origin.GPT4ALL,
    Origin.JAN,
    Origin.OLLAMA,
    Origin.CHOSEN,
    Origin.OPENED,
)
"""Which of several equal copies stands for all of them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A lead whose files are sound."""

    lead: Lead
    seen: SeenFile
    stamps: tuple[Stamp, ...]

    @property
    def identity(self) -> tuple[object, ...]:
        """Of the file, by whatever path."""
        first = self.stamps[0]
        if not first.inode:
            return (os.path.realpath(self.lead.paths[0]),)
        return (first.inode, first.size, first.mtime_ns)


def scanned(
    places: Sequence[Findings],
    index: Index,
    hashes: Mapping[str, tuple[str, ...]],
    folders: Sequence[ModelFolder],
    breathe: Breathe,
) -> Scanned:
    """Look into what the places have brought; whose place stands earlier has a file that several
    have. `folders` are all places, without their counts."""
    refused = [refusal for place in places for refusal in place.refused]
    found: list[_Found] = []
    for lead in (lead for place in places for lead in place.leads):
        breathe()
        outcome, stamps = index.look(lead.paths, breathe)
        if isinstance(outcome, SeenFile):
            found.append(_Found(lead, outcome, stamps))
        else:
            refused.append(_refused(lead, outcome, stamps))
    found, also_at = _each_once(found)
    entries, unused = _entries(found, also_at, hashes, breathe)
    refused += [_unused(companion) for companion in unused]
    refused = _refused_once(refused, entries)
    by_name = sorted(_grouped(entries), key=lambda entry: (entry.name.casefold(), entry.path))
    return Scanned(
        tuple(by_name),
        tuple(sorted(refused, key=lambda file: file.path)),
        _counted(folders, entries, refused),
        _paths_by_hash(by_name),
    )


def refusal_of(error: ModelFileError) -> Refusal:
    """Under which heading it is told."""
    if isinstance(error, ShardMissing | FileMissing):
        return Refusal.INCOMPLETE
    if isinstance(error, GgufFormUnknown):
        return Refusal.UNSUPPORTED
    return Refusal.DAMAGED if isinstance(error, Damaged | NotGguf) else Refusal.UNSUPPORTED


def _refused(lead: Lead, error: ModelFileError, stamps: tuple[Stamp, ...]) -> RefusedFile:
    size = sum(stamp.size for stamp in stamps)
    place = lead.place
    return RefusedFile(lead.paths[0], place.origin, place.path, refusal_of(error), error, size)


def _refused_once(
    refused: Sequence[RefusedFile], entries: Sequence[LibraryEntry]
) -> list[RefusedFile]:
    """Several ways may lead to one file; and what is used as a part of a model is no stray."""
    used = {path for entry in entries for path in entry.files}
    unique: dict[str, RefusedFile] = {}
    for file in refused:
        if file.path not in used:
            unique.setdefault(os.path.realpath(file.path), file)
    return list(unique.values())


def _each_once(found: Sequence[_Found]) -> tuple[list[_Found], dict[str, list[str]]]:
    """Without the files that were found by another path before; those paths, by the first one."""
    first: dict[tuple[object, ...], _Found] = {}
    also_at: dict[str, list[str]] = {}
    for one in found:
        known = first.setdefault(one.identity, one)
        path = one.lead.paths[0]
        if known is not one and path != known.lead.paths[0]:
            also_at.setdefault(known.lead.paths[0], []).append(path)
    return list(first.values()), also_at


def _entries(
    found: Sequence[_Found],
    also_at: Mapping[str, Sequence[str]],
    hashes: Mapping[str, tuple[str, ...]],
    breathe: Breathe,
) -> tuple[list[LibraryEntry], list[tuple[_Found, Companion]]]:
    """The models, and the projectors that belong to none."""
    models = [one for one in found if one.seen.kind is not FileKind.PROJECTOR]
    companions = {
        one.lead.paths[0]: (one, Companion(one.lead.paths[0], one.seen))
        for one in found
        if one.seen.kind is FileKind.PROJECTOR
    }
    stems: dict[str, set[str]] = {}
    for one in models:
        path = one.lead.paths[0]
        stems.setdefault(os.path.dirname(path), set()).add(stem_of(path))
    projectors = Projectors([companion for _, companion in companions.values()], stems)
    entries: list[LibraryEntry] = []
    for one in models:
        breathe()
        projector = one.lead.projector or _found_beside(projectors, one)
        paths = tuple(also_at.get(one.lead.paths[0], ()))
        entries.append(_entry(one, projector, paths, hashes))
    used = {entry.projector for entry in entries}
    return entries, [pair for path, pair in companions.items() if path not in used]


def _found_beside(projectors: Projectors, one: _Found) -> str:
    if one.seen.kind is not FileKind.CHAT:
        return ""
    companion = projectors.of(one.lead.paths[0], one.seen)
    return companion.path if companion else ""


def _entry(
    one: _Found,
    projector: str,
    also_at: tuple[str, ...],
    hashes: Mapping[str, tuple[str, ...]],
) -> LibraryEntry:
    lead, seen = one.lead, one.seen
    origin = lead.place.origin
    is_starter = origin is Origin.STARTER
    model = replace(
        seen.model,
        label=STARTER_LABEL if is_starter else lead.name or seen.model.label,
        read_only=origin is not Origin.OPENED,
        is_starter=is_starter,
        defaults=lead.defaults,
    )
    projector_bytes = _size_of(projector) if projector else 0
    weights_bytes = sum(stamp.size for stamp in one.stamps)
    known = lead.hashes or hashes.get(seen.fingerprint, ())
    if projector and not projector_bytes:
        projector = ""
    return LibraryEntry(
        key=seen.fingerprint,
        model=model,
        origin=origin,
        folder=lead.place.path,
        capabilities=_capabilities(one, projector),
        files=(*lead.paths, *((projector,) if projector else ())),
        size_bytes=weights_bytes + projector_bytes,
        projector=projector,
        source=lead.source or seen.source,
        licence=seen.licence,
        sha256=only(known),
        hashes=known,
        changed=max(stamp.mtime_ns for stamp in one.stamps) // 1_000_000,
        also_at=also_at,
        also_named=lead.also_named,
        weights_bytes=weights_bytes,
    )


def _capabilities(one: _Found, projector: str) -> frozenset[Capability]:
    more = {
        Capability.VISION: bool(projector),
        Capability.TOOLS: one.lead.uses_tools,
        Capability.REASONING: one.lead.thinks,
    }
    if Capability.CHAT not in one.seen.capabilities:
        return one.seen.capabilities
    return one.seen.capabilities | {name for name, can in more.items() if can}


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _unused(pair: tuple[_Found, Companion]) -> RefusedFile:
    one, companion = pair
    error = refusals.projector(name_of(companion.path))
    return _refused(one.lead, error, one.stamps)


def _grouped(entries: Sequence[LibraryEntry]) -> Iterator[LibraryEntry]:
    """One for each content, as far as hashes are known, with the others as its copies."""
    groups: dict[object, list[LibraryEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.hashes or entry.path, []).append(entry)
    for group in groups.values():
        group.sort(key=lambda entry: _SHOWN_FIRST.index(entry.origin))
        copies = tuple(entry.as_copy for entry in group[1:])
        yield replace(group[0], copies=copies) if copies else group[0]


def _counted(
    folders: Sequence[ModelFolder],
    entries: Sequence[LibraryEntry],
    refused: Sequence[RefusedFile],
) -> tuple[ModelFolder, ...]:
    counts: dict[str, list[int]] = {folder.path: [0, 0, 0] for folder in folders}
    for entry in entries:
        if entry.folder in counts:
            counts[entry.folder][0] += 1
            counts[entry.folder][1] += entry.size_bytes
    for file in refused:
        if file.folder in counts:
            counts[file.folder][2] += 1
    return tuple(
        replace(
            folder,
            entries=counts[folder.path][0],
            size_bytes=counts[folder.path][1],
            refused=counts[folder.path][2],
        )
        for folder in folders
    )


def _paths_by_hash(entries: Sequence[LibraryEntry]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        for digest, path in zip(entry.hashes, entry.shards, strict=False):
            found.setdefault(digest, path)
    return found
