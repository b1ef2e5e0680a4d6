"""What happened: published by services, heard by whoever shows it.

Intent goes down as calls, facts go up as these values; nobody calls another screen's refresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from app.domain.benchmark import BenchRecord, DepthSpeed
from app.domain.conversation import Message, MessageStatus, Run
from app.domain.errors import AppError
from app.domain.generation import LoadedInfo, PartKind
from app.domain.localmodel import LocalModel
from app.domain.quantise import QuantiseState
from app.domain.transfer import Transfer


@dataclass(frozen=True, slots=True)
class ConversationsChanged:
    """Rows of the list came, went, were renamed or reordered."""


@dataclass(frozen=True, slots=True)
class PathChanged:
    """The path from root to head is another one (a message was added, the head moved)."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """An answer is being made; `message` is empty and streaming."""

    message: Message


@dataclass(frozen=True, slots=True)
class AnswerProgress:
    """The prompt is being read."""

    conversation_id: int
    message_id: int
    done: int
    total: int
    cached: int
    left_out: int = 0
    """Messages that did not fit into the prompt."""


@dataclass(frozen=True, slots=True)
class AnswerGrew:
    """New text of a streaming answer."""

    conversation_id: int
    message_id: int
    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class AnswerEnded:
    """The answer has its last word; `error` tells why it failed."""

    conversation_id: int
    message_id: int
    status: MessageStatus
    run: Run
    error: AppError | None = None


class ModelPhase(StrEnum):
    """What the engine has of the chosen model."""

    NONE = "none"
    CHOSEN = "chosen"
    """Chosen, not loaded."""
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelState:
    """The chosen model and what the engine has of it."""

    phase: ModelPhase = ModelPhase.NONE
    model: LocalModel | None = None
    fraction: float = 0.0
    info: LoadedInfo | None = None
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class ModelStateChanged:
    """The model picker and the status line show this."""

    state: ModelState


@dataclass(frozen=True, slots=True)
class LoadedModelsChanged:
    """Other models are in memory than before."""

    loaded: tuple[LoadedInfo, ...]


@dataclass(frozen=True, slots=True)
class LoadSettingsChanged:
    """The model of this path is to be loaded in another way from now on."""

    path: str


@dataclass(frozen=True, slots=True)
class ModelsChanged:
    """The list of known models is another one."""


class BenchPhase(StrEnum):
    """What has become of the last measurement that was asked for."""

    NONE = "none"
    LOADING = "loading"
    """The model is loaded first."""
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BenchmarkState:
    """The last measurement that was asked for since the start."""

    phase: BenchPhase = BenchPhase.NONE
    path: str = ""
    """Of the model."""
    fraction: float = 0.0
    depth: int = 0
    threads: int = 0
    """The number that is tried; 0 while depths are measured."""
    speeds: tuple[DepthSpeed, ...] = ()
    """What is measured already."""
    record: BenchRecord | None = None
    error: AppError | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.phase in (BenchPhase.LOADING, BenchPhase.RUNNING)


@dataclass(frozen=True, slots=True)
class BenchmarkChanged:
    """A measurement began, went on or ended."""

    state: BenchmarkState


@dataclass(frozen=True, slots=True)
class QuantiseChanged:
    """Making a model smaller began, went on or ended."""

    state: QuantiseState


@dataclass(frozen=True, slots=True)
class TransfersChanged:
    """Downloads went on, came, went or changed their state."""

    transfers: tuple[Transfer, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a person must know that belongs to no answer (shown as a banner)."""

    error: AppError


@dataclass(frozen=True, slots=True)
class TroubleOver:
    """The banner for this kind of error can go."""

    kind: str


Fact: TypeAlias = (
    ConversationsChanged
    | PathChanged
    | AnswerStarted
    | AnswerProgress
    | AnswerGrew
    | AnswerEnded
    | ModelStateChanged
    | LoadedModelsChanged
    | LoadSettingsChanged
    | ModelsChanged
    | BenchmarkChanged
    | QuantiseChanged
    | TransfersChanged
    | Trouble
    | TroubleOver
)
