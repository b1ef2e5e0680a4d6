"""Repositories of models on a hub, and what can be had from one.

Names of quantisations: ggml's `llama_ftype` and the file names that quantisers give (see
huggingface.js, packages/tasks/src/gguf.ts).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class RepoSort(StrEnum):
    """What comes first in a list of repositories."""

    TRENDING = "trending"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    RECENT = "recent"


class Access(StrEnum):
    """Who may download from a repository."""

    OPEN = "open"
    ON_REQUEST = "on request"
    """Its owner's terms must be accepted, or its owner asked, with an account of the hub."""


@dataclass(frozen=True, slots=True)
class RepoQuery:
    """What is looked for; an empty value sets no condition."""

    text: str = ""
    sort: RepoSort = RepoSort.TRENDING
    author: str = ""
    licence: str = ""
    """As the hub names it: `apache-2.0`."""
    task: str = ""
    """The hub's `pipeline_tag`: `text-generation`, `image-text-to-text`."""
    language: str = ""
    """A code of two or three letters."""
    min_parameters: float | None = None
    """Billions."""
    max_parameters: float | None = None
    """Billions."""


@dataclass(frozen=True, slots=True)
class RepoSummary:
    """One row of a list; 0 or empty where the hub does not say."""

    repo_id: str
    """`author/name`."""
    downloads: int = 0
    """Within the last 30 days."""
    likes: int = 0
    updated: int = 0
    """Milliseconds since 1970 UTC."""
    access: Access = Access.OPEN
    licence: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    parameters: int = 0
    architecture: str = ""

    @property
    def author(self) -> str:
        """Who keeps the repository."""
        return self.repo_id.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The repository without its author."""
        return self.repo_id.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RepoPage:
    """A part of an endless list."""

    repos: tuple[RepoSummary, ...]
    next_page: str | None = None
    """What `HubCatalogue.search` is given for the following part; None: this was the last."""


@dataclass(frozen=True, slots=True)
class RepoFile:
    """A file in a repository."""

    path: str
    """From the repository's root, with `/`; safe to be joined to a folder."""
    size_bytes: int
    sha256: str | None = None
    """Lower-case hex; None where the hub does not tell it."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One quantisation of a model: one file, or all its shards in order."""

    quantisation: str
    """As people write it (`Q4_K_M`); empty where the name tells none."""
    files: tuple[RepoFile, ...]
    quality: str = ""
    """A few words on what the quantisation costs."""

    @property
    def size_bytes(self) -> int:
        """Of all shards."""
        return sum(file.size_bytes for file in self.files)

    @property
    def path(self) -> str:
        """Of the first shard, which is the one that is opened."""
        return self.files[0].path


@dataclass(frozen=True, slots=True)
class RepoDetails:
    """A repository as it is at one commit."""

    summary: RepoSummary
    commit: str
    """40 hex digits: what is downloaded is pinned to it."""
    variants: tuple[Variant, ...] = ()
    """Smallest first."""
    projectors: tuple[RepoFile, ...] = ()
    """Files that let the model see or hear (mmproj); the one to take by default first."""
    incomplete: tuple[str, ...] = ()
    """Names of sharded files of which a part is missing in the repository."""
    base_models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    created: int = 0
    """Milliseconds since 1970 UTC."""
    context_length: int = 0

    def item(self, variant: Variant) -> tuple[RepoFile, ...]:
        """All that is downloaded for a variant: its shards, and the projector if there is one."""
        return variant.files + self.projectors[:1]


@dataclass(frozen=True, slots=True)
class CuratedRepo:
    """A repository that Lamplight proposes for a first choice; known without a network."""

    repo_id: str
    label: str
    about: str
    """One sentence."""
    task: str
    """What it is good for: `chat`, `code`, `vision`, `reasoning`."""
    parameters: int
    quantisation: str
    """The variant that is proposed."""
    size_bytes: int
    """Of that variant, about."""
    licence: str


@dataclass(frozen=True, slots=True)
class CuratedList:
    """What Lamplight proposes, from the smallest to the largest."""

    dated: date
    """When it was put together: better ones may have come since."""
    repos: tuple[CuratedRepo, ...] = ()


@dataclass(frozen=True, slots=True)
class HubWay:
    """How the hub is reached."""

    address: str = ""
    """Of a mirror, as people write it; empty: Hugging Face."""
    proxy: str = ""
    """An address, `NO_PROXY`, or empty: as the system is set."""
    certificates: str = ""
    """A PEM file that is trusted beside the system's certificates; empty: none."""


NO_PROXY = "none"


@dataclass(frozen=True, slots=True)
class HubPlace:
    """Which hub is asked."""

    url: str
    host: str
    secret_name: str
    """Of its token in the keyring."""
    may_see_token: bool
    """Whether what is said to it cannot be read on the way."""
