"""Find fixed strings in text that comes in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marker:
    """One of the strings that were looked for."""

    text: str


class MarkerScanner:
    """Splits text into plain pieces and markers; how the text was cut up makes no difference.

    The leftmost marker counts, and of two that begin together the shorter one. Text that may
    turn out to be the beginning of a marker is held back until it is decided.
    """

    def __init__(self, markers: Iterable[str]) -> None:
        self._markers = sorted({marker for marker in markers if marker}, key=len)
        self._starts = frozenset(marker[0] for marker in self._markers)
        self._held = ""

    def feed(self, text: str) -> Iterator[str | Marker]:
        """What is certain after `text`, in order; plain pieces are never empty.

        The scanner may be left in the middle: what was not taken from the iterator is still held.
        """
        self._held += text
        while self._held:
            at = self._first_candidate()
            if at:
                plain, self._held = self._held[:at], self._held[at:]
                yield plain
                continue
            found = self._marker_at_start()
            if found is None:
                return
            self._held = self._held[len(found) :]
            yield Marker(found)

    def flush(self) -> str:
        """The end: what was held back is given as it is.

        It is the beginning of a marker that did not come whole. Where one marker lies within
        another (`a` in `<a<`), the shorter one may stand in it.
        """
        held, self._held = self._held, ""
        return held

    def _first_candidate(self) -> int:
        """Where the first marker begins that is whole, or may become so."""
        held = self._held
        for at, letter in enumerate(held):
            if letter in self._starts and self._may_begin(at):
                return at
        return len(held)

    def _may_begin(self, at: int) -> bool:
        rest = len(self._held) - at
        return any(
            self._held.startswith(marker, at)
            if len(marker) <= rest
            else marker.startswith(self._held[at:])
            for marker in self._markers
        )

    def _marker_at_start(self) -> str | None:
        return next((m for m in self._markers if self._held.startswith(m)), None)
