"""What is asked of an engine and what it answers.

All values are frozen: they cross threads and the pipe to the engine host. Times are in seconds,
memory in bytes, lengths in tokens unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from app.domain.errors import AppError
from app.domain.load_params import LoadParams
from app.domain.overflow import Overflow
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
class LoadRequest:
    """Load this file; what was loaded of it before is unloaded first."""

    request_id: str
    path: str
    params: LoadParams = field(default_factory=LoadParams)
    needs: tuple[tuple[str, int], ...] = ()
    """Bytes that it is expected to take of each place (see `app.domain.placement`), for whoever
    has to make room; empty where that is not known."""
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
    places: tuple[tuple[str, int], ...] = ()
    """Bytes in each graphics processor, by its name; the rest is in the machine's memory."""
    params: LoadParams = field(default_factory=LoadParams)
    """What it was loaded with."""
    switches_thinking: bool = False
    """Whether its chat template can be told to think or not (see `Switches`)."""
    efforts: tuple[str, ...] = ()
    """How much its chat template can be told to think; empty where it knows no such switch."""
    draft_bytes: int = 0
    """All that its draft model takes."""

    @property
    def total_bytes(self) -> int:
        """Weights, context cache and compute buffers together, and the draft model."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes + self.draft_bytes

    @property
    def memory_bytes(self) -> int:
        """Of the total, what is in the machine's memory."""
        return max(0, self.total_bytes - sum(nbytes for _, nbytes in self.places))


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
    messages: int = 1
    """How many messages of the conversation were joined to it."""


EFFORTS = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Switches:
    """What a chat template is told besides the messages, where it knows such a switch."""

    thinking: bool | None = None
    """Think before the answer; None: as the template does by itself."""
    effort: str = ""
    """One of `EFFORTS`; empty: as the template does by itself."""


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
    overflow: Overflow = Overflow.STOP
    switches: Switches = Switches()
    cache_tag: str = ""
    """The conversation, by a name that only its service understands; what was read of it may be
    kept on disk. Empty: it never is, as for a temporary conversation."""
    background: bool = False
    """Nobody waits for it: it stands still while others are answered."""


@dataclass(frozen=True, slots=True)
class CountRequest:
    """How many tokens would be sent to the model loaded from `model_path`?"""

    model_path: str
    turns: tuple[Turn, ...]
    draft: str = ""
    """What is being written, as the next message."""
    max_tokens: int | None = None
    overflow: Overflow = Overflow.STOP
    switches: Switches = Switches()


@dataclass(frozen=True, slots=True)
class TokenCount:
    """What would be sent, in tokens."""

    context_length: int
    system: int
    """Of the system prompt's text."""
    conversation: int
    """Of the messages that are not left out, and of all that the chat template adds."""
    draft: int
    """Of the draft's text."""
    reserved: int
    """Kept free for the answer."""
    left_out: int = 0
    """Messages of the conversation that would not be sent."""
    fits: bool = True
    """Whether it would be sent at all."""

    @property
    def sent(self) -> int:
        """All that the model would read."""
        return self.system + self.conversation + self.draft


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """`done` of `total` prompt tokens are read, `cached` of them without work."""

    done: int
    total: int
    cached: int
    left_out: int = 0
    """Messages of the conversation that are not in the prompt, for it would not fit."""


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
    left_out: int = 0
    """Messages of the conversation that were not sent, for they did not fit."""
    shifted_tokens: int = 0
    """Tokens that were dropped from the context while the answer was written, to go on with it."""
    drafted_tokens: int = 0
    """Guessed beforehand and looked at together."""
    accepted_tokens: int = 0
    """Of these, those that the model chose as well."""

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
