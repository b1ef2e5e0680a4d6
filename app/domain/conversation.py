"""Conversations as values: a tree of messages and a pointer into it.

Times are milliseconds since 1970 UTC. Ids are the store's row ids. A message is written once; only
one that is still streaming grows, by appending. Edit and regenerate make siblings; the head moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.generation import FinishReason, PartKind, Role, RunStats, Switches
from app.domain.overflow import Overflow
from app.domain.sampling import Sampling


class MessageStatus(StrEnum):
    """Where a message is in its life."""

    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"
    """The reader stopped the answer; what came is kept."""
    INTERRUPTED = "interrupted"
    """The application ended while the answer was streaming."""
    FAILED = "failed"
    """The engine failed; what came is kept, and the run holds the sentence."""


@dataclass(frozen=True, slots=True)
class ChatParams:
    """What a conversation asks of the model; edited in the inspector."""

    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None
    context_length: int | None = None
    stop: tuple[str, ...] = ()
    """Each ends the answer and is not shown."""
    overflow: Overflow = Overflow.DROP_OLDEST
    switches: Switches = field(default_factory=Switches)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message."""

    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """What one answer was given and cost."""

    model_name: str
    model_path: str
    params: ChatParams
    stats: RunStats = field(default_factory=RunStats)
    finish: FinishReason | None = None
    error_title: str = ""
    error_detail: str = ""
    error_remedy: str = ""
    model_sha256: str | None = None
    """Of the model's file; None until it has been computed."""


@dataclass(frozen=True, slots=True)
class Message:
    """One node of the tree."""

    id: int
    conversation_id: int
    parent_id: int | None
    role: Role
    status: MessageStatus
    created_at: int
    parts: tuple[Part, ...] = ()
    run: Run | None = None
    sibling_ids: tuple[int, ...] = ()
    """All children of the same parent, oldest first, this message among them."""

    def text_of(self, kind: PartKind) -> str:
        """The text of all parts of a kind."""
        return "".join(part.text for part in self.parts if part.kind is kind)

    @property
    def text(self) -> str:
        """What the writer said, without reasoning."""
        return self.text_of(PartKind.TEXT)

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered."""
        return self.text_of(PartKind.REASONING)


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A row of the conversation list."""

    id: int
    title: str
    """Empty until there is one."""
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its messages."""

    id: int
    title: str
    title_is_automatic: bool
    created_at: int
    updated_at: int
    head_id: int | None
    params: ChatParams
    model_path: str | None
    """The model chosen for it; None: whichever is chosen in the window."""
    draft: str


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One message (or title) that matches; `snippet` marks the hits with U+0002 … U+0003."""

    conversation_id: int
    message_id: int | None
    """None: the title matched."""
    title: str
    snippet: str
    role: Role | None
    created_at: int


HIT_START = "\x02"
HIT_END = "\x03"


def cache_tag(conversation_id: int) -> str:
    """The name by which an engine knows a conversation (`GenerateRequest.cache_tag`)."""
    return f"conversation-{conversation_id}"
