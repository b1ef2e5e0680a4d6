"""From the bytes of an answer's tokens to what is shown of it."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.generation import PartKind, TextDelta
from app.engine.reasoning import splitter_for
from app.engine.text import StopStrings, Utf8Stream

FLUSH_SECONDS = 0.033
"""Text is handed on at most 30 times a second, which reads as flowing. Each hand-over wakes the
application on the other side: at 60 times a second it cost 1.3 % of the rate (two cores)."""


class TextOut:
    """From the bytes of tokens to deltas: characters, reasoning apart, stop strings, batches."""

    def __init__(
        self, stops: tuple[str, ...], template: str, prompt: str, emit: Callable[[TextDelta], None]
    ) -> None:
        self._utf8 = Utf8Stream()
        self._splitter = splitter_for(template, prompt)
        self._stops = StopStrings(stops)
        self._emit = emit
        self._pending: list[str] = []
        self._kind = PartKind.TEXT
        self._flushed_at = 0.0

    def reasons(self) -> bool:
        """Whether the model still thinks."""
        return self._splitter.reasons

    def add(self, piece: bytes, now: float) -> bool:
        """The next token's bytes; True once a stop string was reached."""
        for kind, text in self._splitter.feed(self._utf8.feed(piece)):
            self._show(kind, self._stops.feed(text) if kind is PartKind.TEXT else text)
            if self._stops.reached:
                return True
        if self._pending and now - self._flushed_at >= FLUSH_SECONDS:
            self._flush()
            self._flushed_at = now
        return False

    def end(self) -> None:
        """No more tokens come: show what was held back, unless a stop string was reached."""
        if not self._stops.reached:
            # Half a character, where an answer was stopped or its length reached, is left out.
            for kind, text in self._splitter.flush():
                self._show(kind, self._stops.feed(text) if kind is PartKind.TEXT else text)
            self._show(PartKind.TEXT, self._stops.flush())
        self._flush()

    def _show(self, kind: PartKind, text: str) -> None:
        if not text:
            return
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self._pending.append(text)

    def _flush(self) -> None:
        if self._pending:
            self._emit(TextDelta(self._kind, "".join(self._pending)))
            self._pending.clear()
