"""One engine host as a child process: three threads that never touch the application's state.

One thread starts the process and writes to it, one reads its frames, one keeps the last lines of
its standard error for a report. What they learn they tell by callbacks from their own threads.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from app.engine import protocol

_logger = logging.getLogger("app.engine.native")

_KEPT_LINES = 40
_LONGEST_LINE = 500
_REAP_SECONDS = 2.0


_MEANINGS = {
    "SIGKILL": ", most often because the memory of this machine had run out",
    "SIGBUS": ", most often because the model's file became shorter while it was in use",
    "SIGILL": ", because this build of llama.cpp is made for another processor",
}


_IN_PAGE_ERROR = 0xC0000006
"""Windows' EXCEPTION_IN_PAGE_ERROR."""


@dataclass(frozen=True, slots=True)
class HostEnd:
    """How a host ended. `status` as in `subprocess`: below 0 the number of a signal; None where
    it could not be started."""

    status: int | None
    last_lines: tuple[str, ...]
    reason: str = ""

    @property
    def file_changed(self) -> bool:
        """Whether it read where a mapped file no longer is."""
        if self.status is None:
            return False
        if sys.platform == "win32":
            return self.status & 0xFFFFFFFF == _IN_PAGE_ERROR
        return self.status == -signal.SIGBUS

    @property
    def what(self) -> str:
        """The end in a few words."""
        if self.status is None:
            return f"It could not be started: {self.reason}"
        if self.status >= 0:
            return f"It ended with status {self.status}."
        try:
            name = signal.Signals(-self.status).name
        except ValueError:
            name = f"signal {-self.status}"
        return f"It was ended by {name}{_MEANINGS.get(name, '')}."


class HostProcess:
    """A host, from start to end. Every method may be called from any thread and never waits."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path | None,
        heard: Callable[[protocol.Frame], None],
        ended: Callable[[HostEnd], None],
    ) -> None:
        """`folder` is the process's working directory; None: the application's own."""
        self._command = list(command)
        self._folder = folder
        self._heard = heard
        self._ended = ended
        self._outbox: queue.SimpleQueue[protocol.Frame | None] = queue.SimpleQueue()
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._killed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._writer = threading.Thread(target=self._run, name="engine-host", daemon=True)

    def start(self) -> None:
        """Start the process soon."""
        self._writer.start()

    def send(self, frame: protocol.Frame) -> None:
        """Write this frame when the ones before are written; lost once the host has ended."""
        self._outbox.put(frame)

    def kill(self) -> None:
        """End the process at once."""
        # Set before the look, and looked at after the start: one of the two sides sees the other.
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def join(self) -> None:
        """Wait for the threads of a host that has ended: a moment."""
        self._writer.join(_REAP_SECONDS)

    @property
    def pid(self) -> int | None:
        """The process's id, once it was started."""
        return None if self._process is None else self._process.pid

    def _run(self) -> None:
        try:
            process = self._process = _start(self._command, self._folder)
        except OSError as error:
            self._ended(HostEnd(None, (), str(error)))
            return
        if self._killed:
            process.kill()
        readers = [
            threading.Thread(target=self._read_frames, args=(process,), name="engine-host-frames"),
            threading.Thread(target=self._read_log, args=(process,), name="engine-host-log"),
        ]
        for reader in readers:
            reader.daemon = True
            reader.start()
        self._write_frames(process)
        frames, log = readers
        frames.join()
        status = _reap(process)
        log.join()
        self._ended(HostEnd(status, tuple(self._lines)))

    def _write_frames(self, process: subprocess.Popen[bytes]) -> None:
        try:
            with cast("BinaryIO", process.stdin) as stream:
                while (frame := self._outbox.get()) is not None:
                    protocol.write_frame(stream, frame)
        except (OSError, ValueError):
            # The host is gone; the reader of its frames finds out as well.
            return

    def _read_frames(self, process: subprocess.Popen[bytes]) -> None:
        try:
            with cast("BinaryIO", process.stdout) as stream:
                while (frame := protocol.read_frame(stream)) is not None:
                    self._heard(frame)
        except protocol.ProtocolError as error:
            self._lines.append(f"not understood: {error}")
            process.kill()
        finally:
            self._outbox.put(None)

    def _read_log(self, process: subprocess.Popen[bytes]) -> None:
        with cast("BinaryIO", process.stderr) as stream:
            for data in stream:
                line = data.decode("utf-8", "replace").rstrip()[:_LONGEST_LINE]
                self._lines.append(line)
                _logger.debug("%s", line)


def _start(command: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        # Away from the terminal's process group: Ctrl+C is for the application.
        start_new_session=os.name == "posix",
        creationflags=flags,
    )


def _reap(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process whose output has ended."""
    try:
        return process.wait(_REAP_SECONDS)
    except subprocess.TimeoutExpired:
        # It closed its output and lives on.
        process.kill()
        return process.wait()
