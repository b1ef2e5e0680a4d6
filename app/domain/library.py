"""The models on this computer: where they come from, what they can do, what stands in their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from app.domain.errors import AppError
from app.domain.localmodel import LocalModel


class Origin(StrEnum):
    """Whose file it is."""

    STARTER = "starter"
    """It came with the installation."""
    OWN = "lamplight"
    """In a folder that is Lamplight's own: it may be moved and removed from here."""
    CHOSEN = "folder"
    """In a folder that a person chose; only looked at."""
    OPENED = "opened"
    """A single file that a person opened; only looked at."""
    HUGGING_FACE = "huggingface"
    LM_STUDIO = "lmstudio"
    OLLAMA = "ollama"
    JAN = "jan"
    GPT4ALL = "gpt4all"
    LLAMA_CPP = "llamacpp"

    @property
    def is_application(self) -> bool:
        """Another application keeps its models there; Lamplight never changes them."""
        return self in APPLICATIONS


APPLICATIONS = (
    Origin.HUGGING_FACE,
    Origin.LM_STUDIO,
    Origin.OLLAMA,
    Origin.JAN,
    Origin.GPT4ALL,
    Origin.LLAMA_CPP,
)
"""Whose folders are looked at, unless that is switched off."""


class Capability(StrEnum):
    """What a model can do, as far as its header, its chat template and what lies beside it tell."""

    CHAT = "chat"
    VISION = "vision"
    """With the projector that was found beside it."""
    EMBEDDING = "embedding"
    """It turns texts into numbers, for searching; it cannot answer."""
    REASONING = "reasoning"
    TOOLS = "tools"


@dataclass(frozen=True, slots=True)
class FileCopy:
    """One place where the files of a model lie."""

    path: str
    """Of the first shard."""
    origin: Origin
    size_bytes: int
    """Of all shards, without the projector."""
    files: tuple[str, ...] = ()
    """All shards in order, then the projector."""

    @property
    def is_own(self) -> bool:
        """Whether it may be removed from here."""
        return self.origin is Origin.OWN


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A model as one item: all its shards, its projector, and what is remembered of it.

    0 and empty texts mean that nothing is known.
    """

    key: str
    """By which the profile remembers it: told by its content, so that a moved file keeps it."""
    model: LocalModel
    """`label` is the shown name, a person's own if one was given."""
    origin: Origin
    folder: str
    """In which it was found (`ModelFolder.path`)."""
    capabilities: frozenset[Capability]
    files: tuple[str, ...]
    """All shards in order, then the projector: what belongs together."""
    size_bytes: int
    """Of all `files`."""
    projector: str = ""
    """The path of the file through which it sees or hears."""
    source: str = ""
    """Where it was published: `author/repo`, or an Ollama name (`llama3.2:3b`)."""
    licence: str = ""
    """As its maker names it: `apache-2.0`."""
    sha256: str = ""
    """Of its file, where there is only one; lower-case hex."""
    hashes: tuple[str, ...] = ()
    """The same of each shard in order; empty: not all are known."""
    own_name: str = ""
    """The name that a person gave it."""
    is_favourite: bool = False
    last_used: int = 0
    """When it was last loaded; milliseconds since 1970 UTC."""
    changed: int = 0
    """When its file was last written; milliseconds since 1970 UTC."""
    verified: int = 0
    """When it was last found to be what its hash promises; milliseconds since 1970 UTC."""
    copies: tuple[FileCopy, ...] = ()
    """Where else the very same model lies, as far as its hash is known."""
    also_at: tuple[str, ...] = ()
    """Other paths that lead to this very file."""
    also_named: tuple[str, ...] = ()
    """Other names under which its application knows it."""

    weights_bytes: int = 0
    """Of all shards."""

    @property
    def path(self) -> str:
        """Of the first shard, by which services know it."""
        return self.model.path

    @property
    def as_copy(self) -> FileCopy:
        """The place where it lies."""
        return FileCopy(self.path, self.origin, self.weights_bytes, self.files)

    @property
    def name(self) -> str:
        """What is shown."""
        return self.model.label

    @property
    def shards(self) -> tuple[str, ...]:
        """The files of the weights."""
        return tuple(path for path in self.files if path != self.projector)

    @property
    def is_own(self) -> bool:
        """Whether it may be removed from here; other applications' files never are."""
        return self.origin is Origin.OWN

    @property
    def can_chat(self) -> bool:
        """Whether it is offered for conversations."""
        return Capability.CHAT in self.capabilities


class Refusal(StrEnum):
    """Why a file is not offered."""

    INCOMPLETE = "incomplete"
    """A part is missing, or a download has not ended."""
    DAMAGED = "damaged"
    """It is not what its header says, or its header contradicts itself."""
    UNSUPPORTED = "unsupported"
    """A sound file that Lamplight cannot use."""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that is no usable model, with the reason."""

    path: str
    origin: Origin
    folder: str
    """In which it was found (`ModelFolder.path`)."""
    refusal: Refusal
    error: AppError
    """What is wrong, and what to do about it."""
    size_bytes: int = 0
    others: tuple[str, ...] = ()
    """What belongs to it: the shards that are there."""

    @property
    def is_own(self) -> bool:
        """Whether it may be removed from here."""
        return self.origin is Origin.OWN


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder in which models are looked for."""

    path: str
    origin: Origin
    is_looked_at: bool
    """False: switched off, so nothing is known of what is in it."""
    is_there: bool = True
    """False: the application is not installed, or the drive is not connected."""
    entries: int = 0
    size_bytes: int = 0
    """Of the entries."""
    refused: int = 0
    takes_downloads: bool = False
    """Whether new models are put there; of one folder only."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a look through all folders has found; nothing of what is remembered is in it."""

    entries: tuple[LibraryEntry, ...]
    """By name."""
    refused: tuple[RefusedFile, ...]
    folders: tuple[ModelFolder, ...]
    paths_by_hash: Mapping[str, str]
    """Of each file whose SHA-256 is known."""


@dataclass(frozen=True, slots=True)
class ScanWish:
    """Where to look."""

    own: tuple[str, ...]
    """The first one takes downloads."""
    chosen: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    """Single files."""
    switched_off: frozenset[Origin] = frozenset()
    """Applications whose folders are left alone."""
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """What is remembered, by `LibraryEntry.key`."""


@dataclass(frozen=True, slots=True)
class ModelNote:
    """What is remembered of a model, wherever its file lies."""

    path: str = ""
    """Where it was seen last."""
    size_bytes: int = 0
    """Of its shards."""
    name: str = ""
    """That a person gave it."""
    is_favourite: bool = False
    last_used: int = 0
    """Milliseconds since 1970 UTC."""
    hashes: tuple[str, ...] = ()
    """The SHA-256 that each shard must have."""
    hashes_from: str = ""
    """Who told them: “the hub”, “an earlier check”."""
    verified: int = 0
    """When they were last compared; milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class LibrarySpace:
    """What the models take, and what is left."""

    own_bytes: int
    """In Lamplight's own folders."""
    used_in_place_bytes: int
    """Of other applications and in chosen folders."""
    free_bytes: int
    """On the disk to which new models go; 0 if nobody can tell."""


@dataclass(frozen=True, slots=True)
class WorkProgress:
    """How far a piece of work over files is."""

    done_bytes: int
    total_bytes: int
    name: str = ""
    """Of the file that is worked at."""


Told: TypeAlias = Callable[[WorkProgress], None]
"""Called in the event loop, some times a second."""


class ImportWay(StrEnum):
    """What becomes of a file that is added."""

    COPY = "copy"
    MOVE = "move"
    IN_PLACE = "in place"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of adding files."""

    paths: tuple[str, ...]
    """Where the models lie now."""
    refused: tuple[RefusedFile, ...] = ()
    already_there: tuple[str, ...] = ()
    """What needed no import, because the library has the same model already; its path there."""


def only(hashes: tuple[str, ...]) -> str:
    """The hash of a model that is one file."""
    return hashes[0] if len(hashes) == 1 else ""


class Verdict(StrEnum):
    """What a comparison with the hash has shown."""

    SOUND = "sound"
    """It is what its hash promises."""
    CHANGED = "changed"
    """It is not; what was published, or was here before, has another hash."""
    RECORDED = "recorded"
    """No hash was known. It is kept now, and the next comparison is made with it."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The end of a comparison with the hash."""

    path: str
    verdict: Verdict
    sha256: str
    """What the file has; empty where there are several."""
    expected_from: str = ""
    """Who told the hash, for a sentence: “the hub”, “Ollama”, “an earlier check”."""
    wrong_files: tuple[str, ...] = ()
    """The names of the files that are not what was promised."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """The same model in several places."""

    name: str
    sha256: str
    """Of the first file."""
    size_bytes: int
    """Of one copy."""
    copies: tuple[FileCopy, ...]
    """The one to keep first."""

    @property
    def reclaimable_bytes(self) -> int:
        """What is won by removing the own copies that are not needed."""
        return sum(copy.size_bytes for copy in self.copies[1:] if copy.is_own)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What a search for the same content has found."""

    groups: tuple[DuplicateGroup, ...]

    @property
    def reclaimable_bytes(self) -> int:
        """What is won by removing the own copies that are not needed."""
        return sum(group.reclaimable_bytes for group in self.groups)
