"""What is asked of an engine and what it answers.

All values are frozen: they cross threads and the pipe to the engine host. Times are in seconds,
memory in bytes, lengths in tokens unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from app.domain.errors import AppError
from app.domain.sampling import Sampling


class Role(StrEnum):
    """Who wrote a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class PartKind(StrEnum):
    """What a piece of a message is."""

    TEXT = "text"
    REASONING = "reasoning"


class FinishReason(StrEnum):
    """Why an answer ended without a fault."""

    STOP = "stop"
    """The model ended its turn, or a stop string was reached."""
    LENGTH = "length"
    """`max_tokens` were generated."""
    CONTEXT = "context"
    """The context is full."""
    CANCELLED = "cancelled"
    """The reader stopped it."""


@dataclass(frozen=True, slots=True)
class LoadParams:
    """How a model is loaded."""

    context_length: int | None = None
    """None: the trained length, at most 8,192."""
    threads: int | None = None
    """None: one fewer than the cores, so that the window keeps one."""
    gpu_layers: int | None = None
    """None: all that the build can offload; 0: none."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Load this file; the one loaded before is unloaded first."""

    request_id: str
    path: str
    params: LoadParams = LoadParams()
    file_hash: str = ""
    """SHA-256 of the file, where it is known."""


@dataclass(frozen=True, slots=True)
class LoadedInfo:
    """What a loaded model is and takes."""

    path: str
    name: str
    architecture: str
    context_length: int
    trained_context: int
    threads: int
    gpu_layers: int
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    backend: str
    has_template: bool
    load_seconds: float
    template_note: str = ""
    """Why the file's own chat template is not used; empty when it is, or when the file has none."""
    mapped_bytes: int = 0
    """Of the weights, what is the file itself, mapped; the system may drop it and read it again."""

    @property
    def total_bytes(self) -> int:
        """Weights, context cache and compute buffers together."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """`fraction` of the weights are read (0 to 1)."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """Terminal: the model is ready."""

    info: LoadedInfo


@dataclass(frozen=True, slots=True)
class LoadCancelled:
    """Terminal: the load was cancelled; nothing is loaded."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as the model is to read it."""

    role: Role
    text: str
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Answer this path of a conversation with the model loaded from `model_path`."""

    request_id: str
    model_path: str
    turns: tuple[Turn, ...]
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None
    """None: until the model ends its turn or the context is full."""
    stop: tuple[str, ...] = ()
    cache_tag: str = ""
    """The conversation, by a name that only its service understands; what was read of it may be
    kept on disk. Empty: it never is, as for a temporary conversation."""
    background: bool = False
    """Nobody waits for it: it stands still while others are answered."""


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """`done` of `total` prompt tokens are read, `cached` of them without work."""

    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """New text of the answer; never empty."""

    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class RunStats:
    """What one answer took."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0
    prompt_seconds: float = 0.0
    first_token_seconds: float = 0.0
    """From the request's start in the worker to the first token; 0 if none came."""
    decode_seconds: float = 0.0
    """From the first token to the last."""
    seed: int = 0

    @property
    def decode_rate(self) -> float:
        """Tokens a second after the first one; 0 where it cannot be told."""
        if self.answer_tokens < 2 or self.decode_seconds <= 0:
            return 0.0
        return (self.answer_tokens - 1) / self.decode_seconds


@dataclass(frozen=True, slots=True)
class Finished:
    """Terminal: the answer ended; cancel is a result, not an error."""

    reason: FinishReason
    stats: RunStats


@dataclass(frozen=True, slots=True)
class Failed:
    """Terminal: a load or an answer could not be done; what came before it stays."""

    error: AppError


LoadEvent: TypeAlias = LoadProgress | Loaded | LoadCancelled | Failed
GenerateEvent: TypeAlias = PromptProgress | TextDelta | Finished | Failed
