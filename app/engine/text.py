"""From the bytes of tokens to text that may be shown."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from app.engine.markers import Marker, MarkerScanner


class Utf8Stream:
    """Bytes that may be cut within a character; what is not UTF-8 becomes U+FFFD.

    A character whose end never comes is never given.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, data: bytes) -> str:
        """The characters that are complete."""
        return self._decoder.decode(data)


class StopStrings:
    """Ends a text before the first of some strings; a beginning of one is held back."""

    def __init__(self, stops: Iterable[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._scanner = MarkerScanner(self._stops)
        self.reached = False

    def feed(self, text: str) -> str:
        """What may be shown; nothing any more once a stop string was `reached`."""
        if self.reached:
            return ""
        shown: list[str] = []
        for piece in self._scanner.feed(text):
            if isinstance(piece, Marker):
                self.reached = True
                break
            shown.append(piece)
        return "".join(shown)

    def flush(self) -> str:
        """The end of the text: what was held back was not the stop string that it began, but a
        shorter one may stand in it."""
        if self.reached:
            return ""
        held = self._scanner.flush()
        begins = [at for stop in self._stops if (at := held.find(stop)) >= 0]
        self.reached = bool(begins)
        return held[: min(begins)] if begins else held
