"""The inference worker: one thread that loads, owns and frees everything of llama.cpp.

It runs in the engine host (`app.engine.host`) or in the application's own process
(`app.engine.thread_engine`). Jobs are done in order. llama_cpp is imported in the thread, at the
first job: whoever only constructs a worker does not pay for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain.errors import AppError, EngineError, NothingLoaded
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadEvent,
    LoadParams,
    LoadProgress,
    LoadRequest,
    RunStats,
)

if TYPE_CHECKING:
    from app.engine.loaded import LoadedModel
    from app.engine.native.abort import AbortFlag

Facts = dict[str, str | list[str]]


@dataclass(slots=True)
class LoadJob:
    """Load a model; events go to `emit`."""

    request: LoadRequest
    emit: Callable[[LoadEvent], None]

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
class UnloadJob:
    """Free the model, then call `done`."""

    done: Callable[[], None]
    request_id: str = field(default="", init=False)
    """Empty: it cannot be cancelled."""


@dataclass(slots=True)
class DescribeJob:
    """Tell what the engine is."""

    done: Callable[[Facts], None]
    request_id: str = field(default="", init=False)


@dataclass(slots=True)
class DryRunJob:
    """Measure what a load would take."""

    path: str
    params: LoadParams
    done: Callable[[MeasuredSizes | AppError], None]
    request_id: str = field(default="", init=False)


AnyJob = LoadJob | GenerateJob | UnloadJob | DescribeJob | DryRunJob


class Worker:
    """The thread and its queue. All methods may be called from any thread and never wait,
    but `join`. What jobs call back comes from the worker's thread, or from within `cancel`."""

    def __init__(self) -> None:
        self._jobs: deque[AnyJob] = deque()
        # Guards the queue, the running job's id and its flag: a cancel must hit a job either in
        # the queue or while it runs, never in between.
        self._changed = threading.Condition()
        self._running = ""
        self._flag: AbortFlag | None = None
        self._cancelled_early = False
        self._closed: Callable[[], None] | None = None
        self._loaded: LoadedModel | None = None
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def put(self, job: AnyJob) -> None:
        """Do this after what was put before."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def cancel(self, request_id: str) -> None:
        """End that load or answer soon; it sends its terminal event. Unknown ids are fine."""
        with self._changed:
            if request_id and request_id == self._running:
                self._stop_running()
                return
            waiting = [job for job in self._jobs if request_id and job.request_id == request_id]
            for job in waiting:
                self._jobs.remove(job)
        for job in waiting:
            if isinstance(job, LoadJob | GenerateJob):
                job.cancelled()

    def cancel_all(self) -> None:
        """End the running job and all loads and answers that wait."""
        with self._changed:
            ids = [job.request_id for job in self._jobs] + [self._running]
        for request_id in ids:
            self.cancel(request_id)

    def close(self, done: Callable[[], None]) -> None:
        """Cancel everything, free the model, call `done` and end the thread."""
        with self._changed:
            self._closed = done
            self._changed.notify()
        self.cancel_all()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended."""
        self._thread.join(seconds)

    def _stop_running(self) -> None:
        if self._flag is not None:
            self._flag.raise_()
        else:
            self._cancelled_early = True

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and self._closed is None:
                    self._changed.wait()
                if not self._jobs:
                    break
                job = self._jobs.popleft()
                self._running, self._flag, self._cancelled_early = job.request_id, None, False
            try:
                self._do(job)
            finally:
                with self._changed:
                    self._running, self._flag = "", None
        self._unload()
        if self._closed is not None:
            self._closed()

    def _do(self, job: AnyJob) -> None:
        match job:
            case LoadJob():
                job.emit(self._load(job))
            case GenerateJob():
                job.emit(self._generate(job))
            case UnloadJob():
                self._unload()
                job.done()
            case DescribeJob():
                job.done(_describe())
            case DryRunJob():
                job.done(_dry_run(job))

    def _take_flag(self) -> AbortFlag:
        """The running job's flag; raised already if it was cancelled while llama.cpp came in."""
        from app.engine.native.abort import AbortFlag

        flag = AbortFlag()
        with self._changed:
            self._flag = flag
            if self._cancelled_early:
                flag.raise_()
        return flag

    def _load(self, job: LoadJob) -> LoadEvent:
        from app.engine.loaded import LoadStopped, load

        self._unload()
        flag = self._take_flag()
        teller = _ProgressTeller(job.emit)
        try:
            self._loaded = load(job.request, flag, teller.tell)
        except LoadStopped:
            return LoadCancelled()
        except AppError as error:
            return Failed(error)
        except Exception as error:  # noqa: BLE001 - the last resort of this thread
            return Failed(_our_fault(error))
        return Loaded(self._loaded.info)

    def _generate(self, job: GenerateJob) -> GenerateEvent:
        loaded = self._loaded
        if loaded is None or loaded.info.path != job.request.model_path:
            return Failed(
                NothingLoaded(
                    "The model is not loaded.",
                    f"Asked for {job.request.model_path}.",
                    "Load the model, then ask again.",
                )
            )
        from app.engine.answer import answer

        try:
            return answer(loaded, job.request, self._take_flag(), job.emit)
        except AppError as error:
            return Failed(error)
        except Exception as error:  # noqa: BLE001 - the last resort of this thread
            return Failed(_our_fault(error))

    def _unload(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None


PROGRESS_STEP = 0.01
"""Load progress is told at each hundredth."""


class _ProgressTeller:
    """llama.cpp tells its progress for every tensor; a hundred steps are enough."""

    def __init__(self, emit: Callable[[LoadEvent], None]) -> None:
        self._emit = emit
        self._told = -1.0

    def tell(self, fraction: float) -> None:
        if fraction - self._told >= PROGRESS_STEP or fraction >= 1.0 > self._told:
            self._told = fraction
            self._emit(LoadProgress(min(1.0, max(0.0, fraction))))


def _describe() -> Facts:
    from app.engine.native import system

    system.start()
    return system.describe()


def _dry_run(job: DryRunJob) -> MeasuredSizes | AppError:
    from app.engine.dry_run import dry_run

    try:
        return dry_run(job.path, job.params)
    except AppError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the last resort of this thread
        return _our_fault(error)


def _our_fault(error: Exception) -> EngineError:
    return EngineError(
        "The engine made a mistake.",
        f"{type(error).__name__}: {error}",
        "Try again; if it keeps happening, please report it.",
    )
