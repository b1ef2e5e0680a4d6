"""Downloads of models: what was asked for, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import AppError
from app.domain.hub import RepoFile

STAGING = ".downloads"
"""The folder, in that of the models, in which downloads are gathered: on the same disk, so that a
finished file only has to get its name."""


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """A model as one item: all shards of a variant and its projector, at one commit."""

    repo_id: str
    commit: str
    title: str
    """What the list of downloads shows."""
    files: tuple[RepoFile, ...]

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


class TransferPhase(StrEnum):
    """What a transfer does now."""

    WAITING = "waiting"
    """Others are before it."""
    RUNNING = "running"
    CHECKING = "checking"
    """All has come; the last of it is being compared with its checksum, then looked at."""
    RETRYING = "retrying"
    """Nothing comes; `error` tells why, and it is tried again by itself."""
    PAUSED = "paused"
    """By a person, or (`error`) because the disk is full."""
    FAILED = "failed"
    """`error` tells why; what has come is kept."""
    FINISHED = "finished"
    UNUSABLE = "unusable"
    """All has come and is what was published, but nothing here can use it: `error` tells why."""

    @property
    def is_active(self) -> bool:
        """Whether it has one of the places for transfers that run at once."""
        return self in (TransferPhase.RUNNING, TransferPhase.CHECKING, TransferPhase.RETRYING)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as it is at one moment."""

    transfer_id: str
    request: TransferRequest
    phase: TransferPhase
    done_bytes: int = 0
    bytes_per_second: float = 0.0
    seconds_left: float | None = None
    """None: nobody can tell."""
    error: AppError | None = None
    retry_in: float | None = None
    """Seconds until it is tried again."""
    paths: tuple[str, ...] = ()
    """Where the files are; only of a finished one."""


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """What transfers may take of the machine and its line."""

    bytes_per_second: float = 0.0
    """Of all together; 0: no limit."""
    at_once: int = 2
    connections: int = 4
    """For each transfer."""
