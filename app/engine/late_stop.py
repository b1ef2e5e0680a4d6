"""A cancel beside other answers waits for the batch in which it comes, but not for long."""

from __future__ import annotations

import threading

from app.engine.native.abort import AbortFlag

LONGEST_WAIT = 0.5
"""Seconds of a batch that a cancel waits for, so that others need not begin it again."""


class LateStop:
    """Stops a batch that goes on for `LONGEST_WAIT` after a cancel."""

    def __init__(self, flag: AbortFlag) -> None:
        """`flag` is the one that the computation obeys."""
        self._flag = flag
        # A stop that comes too late must not hit the next batch.
        self._lock = threading.Lock()
        self._step = 0

    def begin_step(self) -> None:
        """From here on nothing that came before stops anything; for the worker's thread."""
        with self._lock:
            self._step += 1
            self._flag.lower()

    def wait(self) -> None:
        """An answer is cancelled whose batch may be computed now; from any thread, never waits
        itself."""
        timer = threading.Timer(LONGEST_WAIT, self._stop, (self._step,))
        timer.daemon = True
        timer.start()

    def _stop(self, step: int) -> None:
        with self._lock:
            if step == self._step:
                self._flag.raise_()
