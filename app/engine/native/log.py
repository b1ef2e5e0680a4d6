"""What llama.cpp says. The reason why a load failed is nowhere else."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Generator
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
    from whichever thread computes; appending to a list is safe from any.
    """

    def __init__(self) -> None:
        self._recording: list[str] | None = None
        self._callback = lib.llama_log_callback(self._heard)

    def install(self) -> None:
        """Take the log away from standard error; must come before any other native call."""
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))

    @contextmanager
    def recording(self) -> Generator[list[str]]:
        """Collect the lines (without those for debugging) that come inside the block.

        Within another such block the inner one gets them.
        """
        before, lines = self._recording, list[str]()
        self._recording = lines
        try:
            yield lines
        finally:
            self._recording = before

    def _heard(self, level: int, text: bytes, _data: object) -> None:
        # A continued line is a row of dots for progress.
        if level in (_DEBUG, _CONTINUED):
            return
        line = text.decode("utf-8", "replace").rstrip()
        lines = self._recording
        if lines is not None and len(lines) < _MOST_LINES:
            lines.append(line)
        # Never above DEBUG: a native warning is no fault of ours, and what is one becomes an error.
        _logger.debug("%s", line)


LOG = NativeLog()
