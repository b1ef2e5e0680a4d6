"""Reading and writing of state files beside the worker, which never waits for the disk."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from app.engine.kept import state_file
from app.engine.kept.folder import KeptFolder, digest
from app.engine.kept.state_file import Damaged, Facts
from app.engine.limits import machine_memory
from app.engine.native.context import StateBytes

_logger = logging.getLogger("app.engine.kept")

MOST_WAITING = 1024**3
"""Bytes that wait to be written, at most: what comes on top is not kept."""
_SHARE_OF_MEMORY = 4
"""The same, as a part of what is free."""
_LEFT_FREE = 1024**3
"""Bytes of the disk that are never taken."""


@dataclass(slots=True, eq=False)
class KeptState:
    """A state that lies in a file, or will in a moment."""

    path: Path
    owner: str
    """The hash of its conversation's tag."""
    facts: Facts
    size: int
    waiting: StateBytes | None = None
    """Its bytes until they are written; the writer's thread takes them away."""
    is_wanted: bool = True
    """Lowered by the worker; the writer then leaves no file."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A state that came back."""

    state: StateBytes | None
    """None if the file is gone or damaged."""
    seconds: float
    """Of reading and checking; 0 where it was not written yet."""


class BackgroundFiles:
    """Two threads, one that writes and one that reads, started when first needed.

    All methods belong to the worker's thread; none waits but `close`.
    """

    def __init__(self, folder: KeptFolder, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._writer = ThreadPoolExecutor(1, "kept-writer")
        self._reader = ThreadPoolExecutor(1, "kept-reader")
        self._unwritten: list[KeptState] = []
        self._writes: list[Future[None]] = []

    def has_room_for(self, size: int) -> bool:
        """Whether so many bytes more may wait to be written."""
        self._unwritten = [state for state in self._unwritten if state.waiting is not None]
        waiting = sum(state.size for state in self._unwritten)
        most = min(MOST_WAITING, machine_memory().available // _SHARE_OF_MEMORY)
        return size <= self.most_bytes and waiting + size <= most

    def write(self, state: KeptState, instead_of: Sequence[KeptState]) -> None:
        """Write what waits in `state`; then the files that it replaces are removed."""
        self._unwritten.append(state)
        self._do(lambda: _write(self.folder, self.most_bytes, state, instead_of))

    def read(self, state: KeptState) -> Future[Fetched]:
        """Its bytes, from memory where they are not written yet."""
        waiting = state.waiting
        if waiting is not None:
            done: Future[Fetched] = Future()
            done.set_result(Fetched(waiting, 0.0))
            return done
        return self._reader.submit(_fetch, state.path)

    def remove(self, path: Path) -> None:
        """Remove a file that is of no use."""
        self._do(lambda: path.unlink(missing_ok=True))

    def forget(self, tag: str | None) -> None:
        """Remove what is kept of a conversation, what waits to be written as well; None: all."""
        owner = None if tag is None else digest(tag)
        self._drop_unwritten(owner)
        self._do(lambda: self.folder.forget(tag))

    def close(self, seconds: float) -> None:
        """Write what waits, for so long at most; the rest is dropped. Ends both threads."""
        wait(self._writes, seconds)
        self._drop_unwritten(None)
        self._writer.shutdown()
        self._reader.shutdown(cancel_futures=True)

    def _drop_unwritten(self, owner: str | None) -> None:
        for state in self._unwritten:
            if owner in (None, state.owner):
                state.is_wanted = False

    def _do(self, work: Callable[[], None]) -> None:
        self._writes = [write for write in self._writes if not write.done()]
        self._writes.append(self._writer.submit(_quietly, work))


def _quietly(work: Callable[[], None]) -> None:
    """What cannot be written is read anew one day: nothing for a person to act on."""
    try:
        work()
    except OSError as error:
        _logger.info("states cannot be kept on disk: %s", error.strerror)


def _write(
    folder: KeptFolder, most_bytes: int, state: KeptState, instead_of: Sequence[KeptState]
) -> None:
    waiting = state.waiting
    try:
        if waiting is None or not state.is_wanted:
            return
        if shutil.disk_usage(folder.path).free < state.size + _LEFT_FREE:
            _logger.info("the disk is too full to keep a state of %d bytes", state.size)
            return
        if state_file.write(state.path, state.facts, waiting, lambda: state.is_wanted):
            for path in {other.path for other in instead_of} - {state.path}:
                path.unlink(missing_ok=True)
            folder.trim(most_bytes)
    finally:
        state.waiting = None


def _fetch(path: Path) -> Fetched:
    began = time.perf_counter()
    state: StateBytes | None = None
    try:
        state = state_file.read_state(path)
        # Its last use, for the order in which files are removed.
        os.utime(path)
    except FileNotFoundError:
        _logger.info("a kept state is gone")
    except (OSError, Damaged) as error:
        _logger.info("a kept state cannot be used: %s", error)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return Fetched(state, time.perf_counter() - began)
