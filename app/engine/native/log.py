"""What llama.cpp says. The reason why a load failed is nowhere else."""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from app.engine.native.bindings import lib

_logger = logging.getLogger("app.engine.native")

# ggml's levels (ggml.h, enum ggml_log_level).
_DEBUG = 1
_CONTINUED = 5

_MOST_LINES = 5_000
"""Enough for the header dump of any sound file; a broken one must not fill the memory."""


class NativeLog:
    """Passes llama.cpp's lines to the logger `app.engine.native` and records them on demand.

    llama.cpp has one log callback for the whole process, hence the one `LOG` below. It is called
    from the thread that called.
    """

    def __init__(self) -> None:
        # By thread: two models may be loaded by two workers at the same time.
        self._listeners: dict[int, Callable[[str], None]] = {}
        self._callback = lib.llama_log_callback(self._heard)

    def install(self) -> None:
        """Take the log away from standard error; must come before any other native call."""
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))

    @contextmanager
    def recording(self) -> Generator[list[str]]:
        """Collect the lines (without those for debugging) that this thread's calls inside the block
        make.

        Within another such block the inner one gets them.
        """
        lines: list[str] = []

        def note(line: str) -> None:
            if len(lines) < _MOST_LINES:
                lines.append(line)

        with self.telling(note):
            yield lines

    @contextmanager
    def telling(self, heard: Callable[[str], None]) -> Generator[None]:
        """As `recording`, and each line is told as it comes. `heard` must not raise: nothing that
        it raised could pass through llama.cpp."""
        thread = threading.get_ident()
        before = self._listeners.get(thread)
        self._listeners[thread] = heard
        try:
            yield
        finally:
            if before is None:
                del self._listeners[thread]
            else:
                self._listeners[thread] = before

    def _heard(self, level: int, text: bytes, _data: object) -> None:
        # A continued line is a row of dots for progress.
        if level in (_DEBUG, _CONTINUED):
            return
        line = text.decode("utf-8", "replace").rstrip()
        heard = self._listeners.get(threading.get_ident())
        if heard is not None:
            heard(line)
        # Never above DEBUG: a native warning is no fault of ours, and what is one becomes an error.
        _logger.debug("%s", line)


LOG = NativeLog()
