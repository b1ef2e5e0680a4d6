"""Writing to the terminal, or to whatever stands in its place.

Text is UTF-8 whatever the locale says. What a model or a person wrote cannot move the cursor or
change the title of a terminal: control characters are left out there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

from app.domain.conversation import HIT_END, HIT_START
from app.domain.errors import AppError

_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_PLAIN: Final = "\x1b[0m"
_CLEAR_LINE: Final = "\r\x1b[K"
_NOT_SHOWN: Final = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])
"""For `str.translate`: all control characters but tabulator and line feed."""


class Output:
    """Answers go to `out`; everything about them goes to `err`."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = _utf8(out or sys.stdout)
        self._err = _utf8(err or sys.stderr)
        self._out_is_terminal = self._out.isatty()
        self._err_is_terminal = self._err.isatty()
        self._line_is_open = False
        self._status = ""

    def text(self, text: str) -> None:
        """A piece of an answer, at once."""
        self._put(text.translate(_NOT_SHOWN) if self._out_is_terminal else text)

    def snippet(self, text: str) -> None:
        """A line in which the hits of a search stand out, in a terminal."""
        start, end = (_BOLD, _PLAIN) if self._out_is_terminal else ("", "")
        pieces = text.replace(HIT_END, HIT_START).split(HIT_START)
        shown = [piece.translate(_NOT_SHOWN) for piece in pieces]
        marked = [f"{start}{piece}{end}" if i % 2 else piece for i, piece in enumerate(shown)]
        self._put("".join(marked) + "\n")

    def _put(self, shown: str) -> None:
        self.status("")
        if shown:
            self._out.write(shown)
            self._out.flush()
            self._line_is_open = not shown.endswith("\n")

    def end_line(self) -> None:
        """Begin a new line unless one has just begun."""
        if self._line_is_open:
            self.text("\n")

    def line(self, text: str = "") -> None:
        """A line of a list or a report."""
        self.text(f"{text}\n")

    def json(self, value: Mapping[str, Any]) -> None:
        """One object in one line, at once."""
        self.text(json.dumps(value, ensure_ascii=False) + "\n")

    def document(self, value: Any) -> None:
        """One JSON value that a person can read too."""
        self.text(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def aside(self, text: str) -> None:
        """What accompanies the answer (reasoning), dimmed in a terminal."""
        self.status("")
        if self._err_is_terminal:
            text = f"{_DIM}{text.translate(_NOT_SHOWN)}{_PLAIN}"
        self._err.write(text)
        self._err.flush()

    def note(self, text: str) -> None:
        """A line for a person who looks on; nobody reads it from a pipe."""
        if self._err_is_terminal:
            self.aside(f"{text}\n")

    def status(self, text: str) -> None:
        """A line that the next one replaces, in a terminal only; empty takes it away."""
        if self._err_is_terminal and text != self._status:
            self._status = text
            self._err.write(f"{_CLEAR_LINE}{_DIM}{text}{_PLAIN}" if text else _CLEAR_LINE)
            self._err.flush()

    def error(self, error: AppError) -> None:
        """What happened and what to do about it."""
        self.end_line()
        self.status("")
        for sentence in (error.title, error.detail, error.remedy):
            if sentence:
                self._err.write(f"{sentence}\n")
        self._err.flush()

    def abandon(self) -> None:
        """Nobody reads any more: let nothing fail when Python writes the rest at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (self._out, self._err):
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _utf8(stream: TextIO) -> TextIO:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream
