"""A time limit for Python code that cannot be trusted to end."""

from __future__ import annotations

import ctypes
from _thread import LockType, allocate_lock, get_ident, start_new_thread
from collections.abc import Generator
from contextlib import contextmanager

_AGAIN_SECONDS = 0.25
"""An exception that was raised in a finaliser is lost, and must come again."""


class TimeIsUp(BaseException):
    """The code in the block ran longer than allowed.

    No `Exception`, because the code in the block may swallow those.
    """


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Raise `TimeIsUp` in the block once it has run for `seconds`.

    Works on any thread and platform and does not slow the block down: a second thread keeps the
    time and has the interpreter raise (`PyThreadState_SetAsyncExc`). It cannot interrupt a single
    long call into C. A block may be stopped although it has just come to its end.
    """
    if seconds <= 0:
        raise TimeIsUp
    # The exception may come between any two lines here too, though in none of these calls: they
    # are C, where a `threading.Thread` and an `Event` are Python.
    running, watching = allocate_lock(), allocate_lock()
    running.acquire()
    watching.acquire()
    begun = False
    try:
        begun = bool(start_new_thread(_watch, (get_ident(), seconds, running, watching)))
        yield
    finally:
        running.release()
        if begun:
            watching.acquire()


def _watch(thread_id: int, seconds: float, running: LockType, watching: LockType) -> None:
    """Raise in the thread until `running` is free; `watching` is free when this is over."""
    try:
        while not running.acquire(timeout=seconds):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread_id), ctypes.py_object(TimeIsUp)
            )
            seconds = _AGAIN_SECONDS
    finally:
        watching.release()
