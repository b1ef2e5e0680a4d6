"""Which rows the library shows, and in what order; without Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import PurePath
from typing import TypeAlias, TypeVar

from app.domain.library import LibraryEntry, Origin, RefusedFile
from app.gui.library.words import badges, group_name


class SortBy(StrEnum):
    """What stands first; the value is what the choice says."""

    NAME = "Name"
    LAST_USED = "Last used"
    NEWEST = "Newest"
    LARGEST = "Largest"
    SMALLEST = "Smallest"
    PARAMETERS = "Parameters"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants to see the library."""

    words: str = ""
    """Each of them must occur."""
    sort: SortBy = SortBy.NAME
    grouped: bool = False
    """By whose the files are."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above a group."""

    title: str
    count: int
    size_bytes: int


Row: TypeAlias = Heading | LibraryEntry | RefusedFile

AnyRow = TypeVar("AnyRow", LibraryEntry, RefusedFile)

REFUSED_TITLE = "Cannot be used"
_ORIGINS = tuple(Origin)

_KEYS: dict[SortBy, Callable[[LibraryEntry], int]] = {
    SortBy.NAME: lambda _: 0,
    SortBy.LAST_USED: lambda entry: -entry.last_used,
    SortBy.NEWEST: lambda entry: -entry.changed,
    SortBy.LARGEST: lambda entry: -entry.size_bytes,
    SortBy.SMALLEST: lambda entry: entry.size_bytes,
    SortBy.PARAMETERS: lambda entry: -entry.model.facts.parameters,
}


class Shelf:
    """What the library has, ready to be looked through again and again."""

    def __init__(
        self, entries: Iterable[LibraryEntry] = (), refused: Iterable[RefusedFile] = ()
    ) -> None:
        self.entries = tuple(entries)
        self.refused = tuple(refused)

    @cached_property
    def _entry_texts(self) -> list[str]:
        return [_entry_text(entry) for entry in self.entries]

    @cached_property
    def _refused_texts(self) -> list[str]:
        return [_refused_text(file) for file in self.refused]

    def rows(self, wish: Wish) -> list[Row]:
        """From top to bottom: favourites before the others, what cannot be used last."""
        found, apart = [*self.entries], [*self.refused]
        words = wish.words.casefold().split()
        if words:
            found = _with(words, found, self._entry_texts)
            apart = _with(words, apart, self._refused_texts)
        key = _KEYS[wish.sort]
        found.sort(key=lambda entry: (not entry.is_favourite, key(entry), entry.name.casefold()))
        apart.sort(key=lambda file: PurePath(file.path).name.casefold())
        rows: list[Row] = []
        for title, group in _groups(found) if wish.grouped else [("", found)]:
            if title:
                rows.append(_heading(title, group))
            rows += group
        if apart:
            rows += [_heading(REFUSED_TITLE, apart), *apart]
        return rows


def _with(words: Sequence[str], rows: Sequence[AnyRow], texts: Sequence[str]) -> list[AnyRow]:
    pairs = zip(rows, texts, strict=True)
    return [row for row, text in pairs if all(word in text for word in words)]


def _groups(found: Sequence[LibraryEntry]) -> list[tuple[str, list[LibraryEntry]]]:
    by_origin: dict[Origin, list[LibraryEntry]] = {}
    for entry in found:
        by_origin.setdefault(entry.origin, []).append(entry)
    return [
        (group_name(origin), by_origin[origin]) for origin in sorted(by_origin, key=_ORIGINS.index)
    ]


def _heading(title: str, group: Sequence[LibraryEntry] | Sequence[RefusedFile]) -> Heading:
    return Heading(title, len(group), sum(row.size_bytes for row in group))


def _entry_text(entry: LibraryEntry) -> str:
    facts = entry.model.facts
    parts = (
        entry.name,
        PurePath(entry.path).name,
        facts.name,
        facts.architecture,
        facts.quantisation,
        entry.source,
        entry.licence,
        *entry.also_named,
        *badges(entry),
        group_name(entry.origin),
    )
    return "\n".join(parts).casefold()


def _refused_text(file: RefusedFile) -> str:
    parts = (PurePath(file.path).name, file.refusal.value, group_name(file.origin))
    return "\n".join(parts).casefold()
