"""What the worker is asked to do, and whom it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app.domain.benchmark import BenchCancelled, BenchEvent, BenchRequest
from app.domain.errors import AppError
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    CountRequest,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadCancelled,
    LoadEvent,
    LoadRequest,
    RunStats,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.placement import Device
from app.engine.kept.folder import Keeping

T = TypeVar("T")

Facts = dict[str, str | list[str]]


@dataclass(slots=True)
class LoadJob:
    """Load a model; events go to `emit`."""

    request: LoadRequest
    emit: Callable[[LoadEvent], None]
    keeping: Keeping | None = None
    """Where what leaves the model's context is kept."""

    @property
    def request_id(self) -> str:
        return self.request.request_id

    def cancelled(self) -> None:
        """End a job that was not begun."""
        self.emit(LoadCancelled())


@dataclass(slots=True)
class GenerateJob:
    """Answer; events go to `emit`."""

    request: GenerateRequest
    emit: Callable[[GenerateEvent], None]

    @property
    def request_id(self) -> str:
        return self.request.request_id

    def cancelled(self) -> None:
        """End a job that was not begun."""
        self.emit(Finished(FinishReason.CANCELLED, RunStats()))


@dataclass(slots=True)
class CountJob:
    """Count what would be sent; for the thread beside the worker."""

    request: CountRequest
    done: Callable[[TokenCount | AppError], None]


@dataclass(slots=True)
class BenchJob:
    """Measure how fast the loaded model is; events go to `emit`."""

    request: BenchRequest
    emit: Callable[[BenchEvent], None]

    @property
    def request_id(self) -> str:
        return self.request.request_id

    def cancelled(self) -> None:
        """End a job that was not begun."""
        self.emit(BenchCancelled())


@dataclass(slots=True)
class DescribeJob:
    """Tell what the engine is."""

    done: Callable[[Facts], None]
    request_id: str = field(default="", init=False)
    """Empty: it cannot be cancelled."""


@dataclass(slots=True)
class DevicesJob:
    """Tell what computes here, and with how much memory now."""

    done: Callable[[tuple[Device, ...]], None]
    request_id: str = field(default="", init=False)


@dataclass(slots=True)
class DryRunJob:
    """Measure what a load would take."""

    path: str
    params: LoadParams
    done: Callable[[MeasuredSizes | AppError], None]
    request_id: str = field(default="", init=False)


@dataclass(slots=True)
class AloneJob(Generic[T]):
    """Something that a host was started for and that nothing else is asked beside."""

    work: Callable[[], T]
    """May raise `AppError` cases."""
    done: Callable[[T | AppError], None]
    request_id: str = field(default="", init=False)


@dataclass(slots=True)
class ForgetJob:
    """Drop what is known of a conversation, in memory and on disk; None: all that is on disk."""

    tag: str | None
    request_id: str = field(default="", init=False)


AnyJob = (
    LoadJob
    | GenerateJob
    | BenchJob
    | DescribeJob
    | DevicesJob
    | DryRunJob
    | AloneJob[Any]
    | ForgetJob
)
