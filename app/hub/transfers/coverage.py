"""Which bytes of a file have come, and which are being fetched by whom."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int]
"""From the first byte to the one after the last."""

PIECE = 32 << 20
"""Bytes that a connection asks for at a time."""
LONG_PIECE = 512 << 20
"""Bytes that a fast one asks for: see `app.hub.body`, each request costs it a connection."""
SHORTEST_SPLIT = 2 << 20
"""Bytes: a piece is not shared between two connections for less than this each."""


class Coverage:
    """A set of bytes as sorted spans that neither overlap nor touch."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        self.nbytes = 0
        for start, end in spans:
            self.add(start, end)

    @property
    def spans(self) -> tuple[Span, ...]:
        """For the journal."""
        return tuple(self._spans)

    @property
    def frontier(self) -> int:
        """How many bytes there are without a gap from the beginning."""
        return self._spans[0][1] if self._spans and self._spans[0][0] == 0 else 0

    def add(self, start: int, end: int) -> None:
        """These bytes are there; saying it twice does no harm."""
        if start >= end:
            return
        first = bisect_left(self._spans, start, key=lambda span: span[1])
        last = first
        while last < len(self._spans) and self._spans[last][0] <= end:
            start = min(start, self._spans[last][0])
            end = max(end, self._spans[last][1])
            last += 1
        self.nbytes += end - start - sum(span[1] - span[0] for span in self._spans[first:last])
        self._spans[first:last] = [(start, end)]

    def missing(self, size: int) -> list[Span]:
        """The gaps up to `size`."""
        edges = [0, *(edge for span in self._spans for edge in span), size]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return [(start, end) for start, end in pairs if start < end]

    def clear(self) -> None:
        """Nothing is there."""
        self._spans.clear()
        self.nbytes = 0


@dataclass(slots=True, eq=False)
class Claim:
    """What one connection fetches: from `at`, which moves, to `end`, which may come nearer."""

    at: int
    end: int


class Plan:
    """Shares a file between connections. Confined to one loop."""

    def __init__(self, size: int, coverage: Coverage) -> None:
        self.size = size
        self.coverage = coverage
        self._claims: list[Claim] = []

    @property
    def complete(self) -> bool:
        """Whether every byte is there."""
        return self.coverage.nbytes == self.size

    def take(self, longest: int = PIECE) -> Claim | None:
        """The next bytes to fetch; None: all of it is there, or in the hands of others.

        Where all is in hands, the second half of the largest is taken over, so that no fast
        connection waits for a slow one.
        """
        taken = Coverage(self.coverage.spans)
        for claim in self._claims:
            taken.add(claim.at, claim.end)
        gap = next(iter(taken.missing(self.size)), None)
        if gap is not None:
            return self._claimed(gap[0], min(gap[1], gap[0] + longest))
        largest = max(self._claims, key=lambda claim: claim.end - claim.at, default=None)
        if largest is None or largest.end - largest.at < 2 * SHORTEST_SPLIT:
            return None
        end, largest.end = largest.end, (largest.at + largest.end) // 2
        return self._claimed(largest.end, end)

    def received(self, claim: Claim, nbytes: int) -> None:
        """So many bytes more of the claim are in the file."""
        self.coverage.add(claim.at, claim.at + nbytes)
        claim.at += nbytes

    def give_back(self, claim: Claim) -> None:
        """Nobody fetches it any more; what is still missing of it can be taken again."""
        if claim in self._claims:
            self._claims.remove(claim)

    def start_over(self) -> None:
        """Forget what has come: it belongs to another file."""
        self.coverage.clear()

    def _claimed(self, start: int, end: int) -> Claim:
        claim = Claim(start, end)
        self._claims.append(claim)
        return claim
