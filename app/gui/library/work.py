"""Runs what the library is asked for: a failure is told once and is over when it is tried again."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.domain.errors import AppError
from app.domain.library import Told
from app.flow.tasks import TaskOwner
from app.gui.library.work_strip import WorkStrip
from app.gui.present.presenter import Presenter

T = TypeVar("T")


class LibraryWork:
    """Short work goes on unseen; long work has a line in the strip."""

    def __init__(self, strip: WorkStrip, presenter: Presenter, tasks: TaskOwner) -> None:
        self._strip = strip
        self._presenter = presenter
        self._tasks = tasks
        self._failure = ""

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this now."""
        self._presenter.over(self._failure)
        self._tasks.spawn(self._tried(work), "library")

    def begin(
        self,
        title: str,
        work: Callable[[Told], Coroutine[Any, Any, T]],
        done: Callable[[T], None],
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Do what takes long; `done` is called if it succeeds, `ended` after it in any case."""
        self._presenter.over(self._failure)
        line = self._strip.begin(title)

        def over(_task: object) -> None:
            self._strip.end(line)
            if ended is not None:
                ended()

        task = self._tasks.spawn(self._long(work, line.show_progress, done), "library-work")
        # Not a `finally`: a task that is cancelled before it has begun runs nothing of its own.
        task.add_done_callback(over)
        line.cancel_wished.connect(lambda: task.cancel())

    async def _long(
        self, work: Callable[[Told], Coroutine[Any, Any, T]], told: Told, done: Callable[[T], None]
    ) -> None:
        try:
            done(await work(told))
        except AppError as error:
            self._tell(error)

    async def _tried(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except AppError as error:
            self._tell(error)

    def _tell(self, error: AppError) -> None:
        self._failure = error.kind
        self._presenter.trouble(error)
