"""What a folder tells of a model before its file is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from app.domain.errors import AppError
from app.domain.library import Origin, Refusal, RefusedFile
from app.domain.localmodel import ModelDefaults


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in which models are looked for."""

    origin: Origin
    path: str
    """Absolute."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Files that should be a model. Empty values: the folder does not tell."""

    place: Place
    paths: tuple[str, ...]
    """All shards in order."""
    name: str = ""
    """Where the file's own name says nothing to a person."""
    source: str = ""
    projector: str = ""
    """The path of its projector, where the folder says which one it is."""
    hashes: tuple[str, ...] = ()
    """The SHA-256 of each of `paths`, lower-case hex."""
    defaults: ModelDefaults = field(default_factory=ModelDefaults)
    uses_tools: bool = False
    thinks: bool = False
    also_named: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """What looking through a place brings."""

    place: Place
    leads: list[Lead] = field(default_factory=list[Lead])
    refused: list[RefusedFile] = field(default_factory=list[RefusedFile])
    folders: dict[str, int] = field(default_factory=dict[str, int])
    """Each folder that was read and when it was changed, in nanoseconds."""
    is_there: bool = True

    def refuse(
        self,
        path: str,
        refusal: Refusal,
        error: AppError,
        size_bytes: int = 0,
        others: tuple[str, ...] = (),
    ) -> None:
        """Note a file that is no usable model."""
        place = self.place
        self.refused.append(
            RefusedFile(path, place.origin, place.path, refusal, error, size_bytes, others)
        )


Breathe: TypeAlias = Callable[[], None]
"""Called often while files are looked through: lets others run, and ends by raising what nobody
waits for any more."""
