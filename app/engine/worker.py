"""The inference worker: one thread that loads, owns and frees everything of llama.cpp.

It runs in the engine host (`app.engine.host`) or in the application's own process
(`app.engine.thread_engine`). Jobs begin in order. Answers run together, as many as there is room
for; a load waits for them, and what comes after it waits for that. A measurement goes on while
there is nothing else to do; a load ends it. llama_cpp is imported in the thread, at the first job:
whoever only constructs a worker does not pay for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from app.domain.benchmark import BenchCancelled
from app.domain.errors import AppError, EngineBusy, EngineError
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    Failed,
    LoadCancelled,
    Loaded,
    LoadEvent,
    LoadProgress,
)
from app.domain.placement import Device
from app.engine.counting import CountingThread
from app.engine.jobs import (
    AloneJob,
    AnyJob,
    BenchJob,
    CountJob,
    DescribeJob,
    DevicesJob,
    DryRunJob,
    Facts,
    ForgetJob,
    GenerateJob,
    LoadJob,
)
from app.engine.refusal import not_loaded

if TYPE_CHECKING:
    from app.engine.answer import Answer
    from app.engine.benchmark import Benchmark
    from app.engine.kept.keeper import Keeper
    from app.engine.loaded import LoadedModel
    from app.engine.native.abort import AbortFlag
    from app.engine.scheduler import Scheduler

T = TypeVar("T")


class Worker:
    """The thread and its queue. All methods may be called from any thread and never wait,
    but `join`. What jobs call back comes from the worker's thread, or from within `cancel`."""

    def __init__(self) -> None:
        self._jobs: deque[AnyJob] = deque()
        # Guards the queue, the job that begins (for a load: runs) and the running answers: a cancel
        # must hit a job in one of the three, never in between.
        self._changed = threading.Condition()
        self._running = ""
        self._flag: AbortFlag | None = None
        self._cancelled_early = False
        self._closed: Callable[[], None] | None = None
        self._answers: dict[str, Answer] = {}
        self._bench: Benchmark | None = None
        self._loaded: LoadedModel | None = None
        self._scheduler: Scheduler | None = None
        self._counting = CountingThread()
        self._keeper: Keeper | None = None
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._counting.start()
        self._thread.start()

    def put(self, job: AnyJob) -> None:
        """Do this after what was put before."""
        with self._changed:
            self._jobs.append(job)
            if self._bench is not None:
                self._bench.give_way()
            self._changed.notify()

    def count(self, job: CountJob) -> None:
        """Count the tokens of a prompt now, beside whatever runs."""
        self._counting.put(job)

    def cancel(self, request_id: str) -> None:
        """End that load or answer soon; it sends its terminal event. Unknown ids are fine."""
        with self._changed:
            if request_id and request_id == self._running:
                self._stop_running()
                return
            answer = self._answers.get(request_id)
            if answer is not None and self._scheduler is not None:
                self._scheduler.cancel(answer)
                return
            if self._bench is not None and request_id == self._bench.request_id:
                self._bench.cancel()
                return
            waiting = [job for job in self._jobs if request_id and job.request_id == request_id]
            for job in waiting:
                self._jobs.remove(job)
        for job in waiting:
            if isinstance(job, LoadJob | GenerateJob | BenchJob):
                job.cancelled()

    def _cancel_all(self) -> None:
        """End all loads and answers, those that run and those that wait."""
        with self._changed:
            ids = [*(job.request_id for job in self._jobs), self._running, *self._answers]
            if self._bench is not None:
                ids.append(self._bench.request_id)
        for request_id in ids:
            self.cancel(request_id)

    def close(self, done: Callable[[], None]) -> None:
        """Cancel everything, free the model, call `done` and end the thread."""
        with self._changed:
            self._closed = done
            self._changed.notify()
        self._cancel_all()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended."""
        self._thread.join(seconds)

    def _stop_running(self) -> None:
        if self._flag is not None:
            self._flag.raise_()
        else:
            self._cancelled_early = True

    def _run(self) -> None:
        while self._await_work():
            job = self._take()
            if job is not None:
                try:
                    self._do(job)
                finally:
                    with self._changed:
                        self._running, self._flag = "", None
            self._go_on()
        self._unload()
        self._counting.close()
        if self._keeper is not None:
            self._keeper.close()
        if self._closed is not None:
            self._closed()

    def _await_work(self) -> bool:
        """Wait until there is something to do; False at the end."""
        with self._changed:
            while not self._is_wanted and self._closed is None:
                self._changed.wait()
            return self._is_wanted

    @property
    def _is_wanted(self) -> bool:
        return bool(self._jobs or self._answers or self._bench)

    def _take(self) -> AnyJob | None:
        """The next job, if it can begin now."""
        with self._changed:
            job = self._next()
            if job is None or not self._can_begin(job):
                return None
            self._jobs.remove(job)
            self._running, self._flag, self._cancelled_early = job.request_id, None, False
            return job

    def _next(self) -> AnyJob | None:
        """Of the answers whose turn it is, one that somebody waits for comes first."""
        for job in self._jobs:
            if not isinstance(job, GenerateJob):
                break
            if not job.request.background:
                return job
        return self._jobs[0] if self._jobs else None

    def _can_begin(self, job: AnyJob) -> bool:
        match job:
            case GenerateJob():
                return self._scheduler is None or self._scheduler.has_room_for(job.request)
            case DescribeJob() | DevicesJob() | BenchJob() | ForgetJob():
                return True
            case LoadJob() | DryRunJob() | AloneJob():
                return not self._answers

    def _do(self, job: AnyJob) -> None:
        match job:
            case LoadJob():
                job.emit(self._load(job))
            case GenerateJob():
                self._begin_answer(job)
            case BenchJob():
                self._begin_bench(job)
            case DescribeJob():
                job.done(_describe())
            case DevicesJob():
                job.done(_devices())
            case DryRunJob():
                job.done(_dry_run(job))
            case AloneJob():
                job.done(_outcome(job))
            case ForgetJob():
                self._forget(job.tag)

    def _go_on(self) -> None:
        """Compute for the answers that run, until one has ended or a job has come."""
        scheduler = self._scheduler
        while scheduler is not None and scheduler.is_busy:
            try:
                ended = scheduler.step()
            except Exception as error:  # noqa: BLE001 - the last resort of this thread
                ended = scheduler.fail_all(_our_fault(error))
            if ended:
                with self._changed:
                    for request_id in ended:
                        del self._answers[request_id]
            if self._bench is not None and self._bench.is_cancelled:
                # Its own steps come after the last answer, which may be long in coming.
                self._cancel_bench()
            if ended or self._jobs:
                return
        self._measure_on()

    def _measure_on(self) -> None:
        """Go on with the measurement, until it has ended or a job has come."""
        bench = self._bench
        while bench is not None and not self._jobs:
            try:
                ended = bench.step()
            except Exception as error:  # noqa: BLE001 - the last resort of this thread
                bench.end(Failed(_our_fault(error)))
                ended = True
            if ended:
                with self._changed:
                    self._bench = bench = None

    def _cancel_bench(self) -> None:
        """End the measurement between two of its steps, if there is one."""
        with self._changed:
            bench, self._bench = self._bench, None
        if bench is not None:
            bench.end(BenchCancelled())

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
        from app.engine.kept.keeper import Keeper
        from app.engine.loaded import load
        from app.engine.native.abort import LoadStopped
        from app.engine.scheduler import Scheduler

        # Tells that it is begun: the model before it goes.
        job.emit(LoadProgress(0.0))
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
        self._scheduler = Scheduler(self._loaded)
        self._counting.lend(self._loaded.info.path, self._loaded.prompts)
        self._keeper = self._keeper or Keeper()
        self._keeper.open(job.keeping, job.request, self._loaded)
        return Loaded(self._loaded.info)

    def _begin_answer(self, job: GenerateJob) -> None:
        loaded, scheduler = self._loaded, self._scheduler
        if loaded is None or scheduler is None or loaded.info.path != job.request.model_path:
            job.emit(Failed(not_loaded(job.request.model_path)))
            return
        try:
            answer = scheduler.add(job.request, job.emit)
        except AppError as error:
            job.emit(Failed(error))
            return
        except Exception as error:  # noqa: BLE001 - the last resort of this thread
            job.emit(Failed(_our_fault(error)))
            return
        with self._changed:
            self._answers[job.request_id] = answer
            self._running = ""
            if self._cancelled_early:
                answer.cancel()

    def _begin_bench(self, job: BenchJob) -> None:
        from app.engine.benchmark import Benchmark

        loaded = self._loaded
        try:
            if loaded is None or loaded.info.path != job.request.model_path:
                raise not_loaded(job.request.model_path)
            if self._bench is not None:
                raise EngineBusy(
                    "Another measurement is running.",
                    remedy="Wait until it has ended, or cancel it, then measure again.",
                )
            bench = Benchmark(loaded, job.request, job.emit)
        except AppError as error:
            job.emit(Failed(error))
            return
        except Exception as error:  # noqa: BLE001 - the last resort of this thread
            job.emit(Failed(_our_fault(error)))
            return
        with self._changed:
            self._bench = bench
            self._running = ""
            if self._cancelled_early:
                bench.cancel()

    def _forget(self, tag: str | None) -> None:
        if self._loaded is not None:
            self._loaded.slots.forget_tag(tag)
        if self._keeper is not None:
            self._keeper.forget(tag)

    def _unload(self) -> None:
        from app.engine.native import system

        self._cancel_bench()
        self._scheduler = None
        if self._loaded is not None:
            self._counting.take_back(self._loaded.info.path)
            self._loaded.slots.save_all()
            self._loaded.close()
            self._loaded = None
            system.give_back_memory()


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


def _devices() -> tuple[Device, ...]:
    from app.engine.native import system

    system.start()
    return tuple(system.devices())


def _dry_run(job: DryRunJob) -> MeasuredSizes | AppError:
    from app.engine.dry_run import dry_run

    try:
        return dry_run(job.path, job.params)
    except AppError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the last resort of this thread
        return _our_fault(error)


def _outcome(job: AloneJob[T]) -> T | AppError:
    try:
        return job.work()
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
