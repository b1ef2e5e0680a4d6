"""What can be asked for on the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from app.domain.benchmark import BenchPlan
from app.domain.hub import RepoQuery, RepoSort
from app.domain.overflow import Overflow
from app.domain.quantise import QuantiseRequest

STARTER: Final = "starter"
"""What `--model` takes instead of a path."""

DONE: Final = 0
FAILED: Final = 1
INTERRUPTED: Final = 130
"""The exit statuses; a wrong command line ends with argparse's own, 2."""


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """Open the window, with these model files."""

    profile: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chat:
    """Answer one prompt; None leaves a value to the settings."""

    profile: str | None
    prompt: str
    model: str | None = None
    """A path, `starter`, or None for the model that is chosen in the window."""
    system: str | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    stop: tuple[str, ...] = ()
    json_schema: str = ""
    grammar: str = ""
    overflow: Overflow | None = None
    thinking: bool | None = None
    """None leaves it to the model's chat template."""
    effort: str = ""
    seed: int | None = None
    max_tokens: int | None = None
    context: int | None = None
    gpu_layers: int | None = None
    threads: int | None = None
    kv_type: str | None = None
    """Of keys and values."""
    draft: str | None = None
    """The path of a draft model."""
    json: bool = False


@dataclass(frozen=True, slots=True)
class ListConversations:
    """Print the list."""

    profile: str | None
    json: bool = False


@dataclass(frozen=True, slots=True)
class ShowConversation:
    """Print one conversation."""

    profile: str | None
    conversation_id: int
    json: bool = False


@dataclass(frozen=True, slots=True)
class SearchConversations:
    """Print what a search finds."""

    profile: str | None
    query: str
    json: bool = False


@dataclass(frozen=True, slots=True)
class Doctor:
    """Print the report."""

    profile: str | None
    json: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """Measure how fast a model is on this machine."""

    profile: str | None
    model: str | None = None
    """As in `Chat`."""
    plan: BenchPlan = field(default_factory=BenchPlan)
    json: bool = False


@dataclass(frozen=True, slots=True)
class Cache:
    """Tell how much is kept on disk of read conversations, after removing it if so wished."""

    profile: str | None
    clear: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class SearchModels:
    """Print what the hub has."""

    profile: str | None
    query: str
    sort: RepoSort = RepoSort.TRENDING
    json: bool = False

    @property
    def repo_query(self) -> RepoQuery:
        """As the services are asked."""
        return RepoQuery(self.query, self.sort)


@dataclass(frozen=True, slots=True)
class ShowRepo:
    """Print what a repository of the hub holds."""

    profile: str | None
    name: str
    json: bool = False


@dataclass(frozen=True, slots=True)
class Pull:
    """Download a model."""

    profile: str | None
    name: str
    json: bool = False


@dataclass(frozen=True, slots=True)
class TellFit:
    """Tell what a model takes of memory."""

    profile: str | None
    model: str
    """A path, or what `Pull` takes."""
    is_file: bool
    context: int | None = None
    json: bool = False


@dataclass(frozen=True, slots=True)
class Quantize:
    """Make a smaller model of a file."""

    profile: str | None
    request: QuantiseRequest
    json: bool = False


CliCommand: TypeAlias = (
    Chat
    | ListConversations
    | ShowConversation
    | SearchConversations
    | SearchModels
    | ShowRepo
    | Pull
    | Quantize
    | Bench
    | Cache
    | Doctor
    | TellFit
)
Command: TypeAlias = OpenWindow | CliCommand
