"""Counts the tokens of prompts beside the worker.

Whoever types wants to see how full the context is, while answers are being written. Rendering and
tokenising a conversation takes some ten milliseconds, and the worker would owe them to each answer.
So a thread of its own does it: llama.cpp's vocabulary is only read, without the interpreter's lock,
and what Python does in between never holds the lock for longer than its switch interval.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from app.domain.errors import AppError, EngineError
from app.domain.generation import TokenCount
from app.engine.jobs import CountJob
from app.engine.refusal import not_loaded

if TYPE_CHECKING:
    from app.engine.fitting import PromptMaker


class CountingThread:
    """Takes jobs in order. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._jobs: deque[CountJob] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="token-counter", daemon=True)
        # Held while a prompt is counted: its model must not be freed meanwhile.
        self._counting = threading.Lock()
        self._lent: dict[str, PromptMaker | AppError] = {}

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def lend(self, path: str, prompts: PromptMaker | AppError) -> None:
        """From now on prompts for this model can be counted."""
        with self._counting:
            self._lent[path] = prompts

    def take_back(self, path: str) -> None:
        """Not any more; returns when none is being counted (a moment)."""
        with self._counting:
            self._lent.pop(path, None)

    def put(self, job: CountJob) -> None:
        """Count, and tell `job.done`; after `close` it is told that nothing is loaded."""
        with self._changed:
            if not self._closing:
                self._jobs.append(job)
                self._changed.notify()
                return
        job.done(not_loaded(job.request.model_path))

    def close(self) -> None:
        """End the thread; jobs that wait are told that nothing is loaded."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closing:
                    self._changed.wait()
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            job.done(self._count(job))

    def _count(self, job: CountJob) -> TokenCount | AppError:
        with self._counting:
            prompts = self._lent.get(job.request.model_path)
            if prompts is None or self._closing:
                return not_loaded(job.request.model_path)
            if isinstance(prompts, AppError):
                return prompts
            try:
                return prompts.count(job.request)
            except AppError as error:
                return error
            except Exception as error:  # noqa: BLE001 - the last resort of this thread
                return EngineError(
                    "The engine made a mistake.",
                    f"{type(error).__name__}: {error}",
                    "Try again; if it keeps happening, please report it.",
                )
