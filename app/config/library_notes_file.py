"""The file of what is remembered of models: names, favourites, last use, hashes. JSON, by content.

What cannot be used in it is left out; it is no reason not to show the models.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, cast

from app.config.whole_file import free_name, write_whole
from app.domain.errors import ConfigError
from app.domain.library import ModelNote

log = logging.getLogger(__name__)

VERSION = 1


class LibraryNotesFile:
    """The adapter for `LibraryNotes`; `path` None keeps nothing beyond this process."""

    def __init__(self, path: Path | None, *, read_from: Path | None = None) -> None:
        """`read_from`: where to begin, for what is not to be written."""
        self._path = path
        self._source = path or read_from

    def read(self) -> dict[str, ModelNote]:
        """All of it; empty where there is none."""
        if self._source is None:
            return {}
        try:
            given: Any = json.loads(self._source.read_bytes())
            if given["version"] != VERSION:
                raise ValueError("another version")
            models = cast("dict[str, Any]", given["models"])
            return {key: note for key, value in models.items() if (note := _note(value))}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("what is remembered of models could not be read: %s", type(error).__name__)
            self._set_aside()
            return {}

    def write(self, notes: Mapping[str, ModelNote]) -> None:
        """In the place of what was there; raises `ConfigError`."""
        if self._path is None:
            return
        default = asdict(ModelNote())
        models = {
            key: {name: value for name, value in asdict(note).items() if value != default[name]}
            for key, note in notes.items()
        }
        content = {"version": VERSION, "models": models}
        try:
            write_whole(self._path, json.dumps(content, indent=1).encode())
        except OSError as error:
            raise ConfigError(
                "Names and favourites of models can't be saved.",
                f"{self._path}: {error.strerror}",
                "Check that the disk has space and that Lamplight may write to its folder.",
            ) from error

    def _set_aside(self) -> None:
        """Before it is written over: perhaps a newer version wrote it."""
        if self._path is None or not self._path.exists():
            return
        try:
            self._path.rename(free_name(self._path, "damaged"))
        except OSError as error:
            log.info("it stays where it is: %s", error.strerror)


def _note(value: Any) -> ModelNote | None:
    """None for what this version did not write."""
    default = ModelNote()
    values: dict[str, Any] = {}
    for field in fields(ModelNote):
        given = value.get(field.name)
        if given is None:
            continue
        if isinstance(given, list):
            given = tuple(cast("list[object]", given))
        if type(given) is not type(getattr(default, field.name)):
            return None
        values[field.name] = given
    return ModelNote(**values)
