"""What is remembered of models, put onto what a scan finds of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.errors import ConfigError
from app.domain.facts import Fact, Trouble
from app.domain.library import LibraryEntry, ModelNote, Origin, only
from app.domain.library_ports import LibraryNotes
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner

_WHO = {Origin.HUGGING_FACE: "Hugging Face", Origin.OLLAMA: "Ollama", Origin.JAN: "Jan"}
"""Whose folders tell the hash of a file."""
_FROM_FOLDER = "the folder that it lies in"
MOST_NOTES = 5_000
"""Those of models that were not seen for longest go first."""


class LibraryRecords:
    """By `LibraryEntry.key`; written soon after each change. Confined to the event loop."""

    def __init__(self, keeper: LibraryNotes, facts: Broadcast[Fact], tasks: TaskOwner) -> None:
        self._keeper = keeper
        self._facts = facts
        self._tasks = tasks
        self._notes: dict[str, ModelNote] = {}
        self._writing: asyncio.Task[None] | None = None
        self._unwritten = False
        self._loaded = False

    async def load(self) -> None:
        """Read what earlier runs have remembered; the first call does it."""
        if not self._loaded:
            self._notes = await asyncio.to_thread(self._keeper.read) | self._notes
            self._loaded = True

    @property
    def hashes(self) -> dict[str, tuple[str, ...]]:
        """What is known of files whose folder tells nothing, by key."""
        return {key: note.hashes for key, note in self._notes.items() if note.hashes}

    def dressed(self, entries: Sequence[LibraryEntry]) -> tuple[LibraryEntry, ...]:
        """The same entries with what is remembered of each."""
        by_place = {
            (note.path, note.size_bytes): key for key, note in self._notes.items() if note.path
        }
        return tuple(self._dress(entry, by_place) for entry in entries)

    def _dress(self, entry: LibraryEntry, by_place: Mapping[tuple[str, int], str]) -> LibraryEntry:
        note = self._notes.get(entry.key)
        if note is None:
            # The file at this place has another content than before (a flipped bit): what must be
            # in it is still what was promised.
            old = by_place.get((entry.path, entry.weights_bytes))
            note = self._notes.get(old) if old else None
        if note is None:
            return entry
        if note.path != entry.path:
            self._notes[entry.key] = replace(note, path=entry.path)
        return with_note(entry, note)

    def change(self, entry: LibraryEntry, **values: Any) -> LibraryEntry:
        """Remember these fields of `ModelNote`; the entry as it is now."""
        note = self._notes.pop(entry.key, None) or self._note_at(entry) or ModelNote()
        note = replace(note, path=entry.path, size_bytes=entry.weights_bytes, **values)
        self._notes[entry.key] = note
        self._unwritten = True
        if self._writing is None:
            self._writing = self._tasks.spawn(self._write(), "library-notes")
        return with_note(entry, note)

    def promised(self, entry: LibraryEntry) -> tuple[tuple[str, ...], str]:
        """What the hashes of its shards must be, and who told that; empty where nobody did."""
        note = self._notes.get(entry.key) or self._note_at(entry)
        if note and note.hashes:
            return note.hashes, note.hashes_from
        if entry.hashes:
            return entry.hashes, _WHO.get(entry.origin, _FROM_FOLDER)
        return (), ""

    def _note_at(self, entry: LibraryEntry) -> ModelNote | None:
        place = (entry.path, entry.weights_bytes)
        notes = self._notes.values()
        return next((note for note in notes if (note.path, note.size_bytes) == place), None)

    def moved(self, paths: Mapping[str, str]) -> None:
        """Files lie elsewhere now."""
        for key, note in self._notes.items():
            if note.path in paths:
                self._notes[key] = replace(note, path=paths[note.path])
                self._unwritten = True

    async def _write(self) -> None:
        try:
            while self._unwritten:
                self._unwritten = False
                for key in list(self._notes)[: max(0, len(self._notes) - MOST_NOTES)]:
                    del self._notes[key]
                await asyncio.to_thread(self._keeper.write, dict(self._notes))
        except ConfigError as error:
            self._facts.publish(Trouble(error))
        finally:
            self._writing = None


def with_note(entry: LibraryEntry, note: ModelNote) -> LibraryEntry:
    """An entry with what is remembered of it."""
    model = replace(entry.model, label=note.name) if note.name else entry.model
    hashes = entry.hashes or note.hashes
    return replace(
        entry,
        model=model,
        sha256=only(hashes),
        hashes=hashes,
        own_name=note.name,
        is_favourite=note.is_favourite,
        last_used=note.last_used,
        verified=note.verified,
    )
