"""What a sequence of the cache holds, what of it a new prompt can use, how the rest is read.

llama.cpp's CPU kernels give other last bits for fewer than 64 tokens in a batch than for more (its
attention works in tiles of 64 queries); measured on SmolLM2, logits moved by up to 0.7, enough for
another answer. From 64 on, the cut makes no difference. So prompts are read in slices of at least
64 tokens on a grid of 64, and one that is asked again is read again from such a place: the same
prompt and seed give the same answer, at the price of reading at most 127 tokens once more.
Where what the model made of the prompt's end is remembered, nothing at all is read again.

That holds for an answer that runs alone. Beside others its rows share batches with theirs, whose
size depends on what they do, and its last bits with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.running_mean import running_mean

GRID = 64
LARGEST_SLICE = 512

PATIENCE_STOPPABLE = 1.0
PATIENCE_UNSTOPPABLE = 0.12
"""Seconds that a slice may take. On the CPU a running computation can be stopped, and only the
progress must be lively; elsewhere a stop waits for the slice."""
PATIENCE_BESIDE = 0.12
"""Seconds that a batch may take while something is written in it, which stands still so long."""
SMALLEST_BESIDE = 4
MOST_ENDS = 2
"""Ends of prompts that a sequence remembers: of the last question, and of the one before it."""


@dataclass(slots=True)
class Cells:
    """The tokens in the cache, in order. The last prompt filled `read_from` to `read_to`;
    what comes after was generated."""

    tokens: list[int] = field(default_factory=list[int])
    read_from: int = 0
    read_to: int = 0
    ends: dict[int, Any] = field(default_factory=dict[int, Any])
    """The logits after the last token of prompts, by their length: to answer one again, nothing has
    to be read."""
    pure: int | None = None
    """Only so many at the beginning were computed with nothing but those before them; None: all."""

    def resume_at(self, prompt: Sequence[int]) -> int:
        """How many cells to keep for `prompt`; fewer than its tokens, so that one is computed,
        unless its end is remembered."""
        held = self.tokens if self.pure is None else self.tokens[: self.pure]
        if len(prompt) in self.ends and held[: len(prompt)] == list(prompt):
            return len(prompt)
        return resume_at(held, self.read_from, self.read_to, prompt)

    def cut(self, count: int) -> None:
        """Only the first `count` are left, and reading begins there."""
        if self.pure is not None and count <= self.pure:
            self.pure = None
        del self.tokens[count:]
        for end in [end for end in self.ends if end > count]:
            del self.ends[end]
        self.read_from = self.read_to = count

    def take_out(self, kept: int, count: int) -> None:
        """The `count` after the first `kept` are gone, and the others have moved up."""
        del self.tokens[kept : kept + count]
        self.read_to = min(self.read_to, kept)
        self.ends.clear()
        self.pure = kept if self.pure is None else min(kept, self.pure)

    def add_read(self, tokens: Sequence[int]) -> None:
        """These were read from the prompt."""
        self.tokens.extend(tokens)
        self.read_to = len(self.tokens)

    def remember_end(self, logits: Any) -> None:
        """What the model made of all that is read; kept as it is."""
        self.ends[len(self.tokens)] = logits
        while len(self.ends) > MOST_ENDS:
            del self.ends[min(self.ends)]

    def take_over(self, source: Cells, count: int) -> None:
        """Hold the first `count` tokens of another sequence, which shares them."""
        self.cut(0)
        self.tokens.extend(source.tokens[:count])
        self.ends.update((end, logits) for end, logits in source.ends.items() if end <= count)
        self.read_from = self.read_to = count


def resume_at(held: Sequence[int], read_from: int, read_to: int, prompt: Sequence[int]) -> int:
    """`Cells.resume_at` for the tokens `held`."""
    common = min(shared(held, prompt), len(prompt) - 1)
    if not read_from < common <= read_to:
        return common
    # The prompt was read before. Its tail must be cut as it was, or at the grid far enough from
    # its end.
    steps = max(0, len(prompt) - GRID - read_from) // GRID
    return min(common, read_from + steps * GRID)


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How long both are the same from the beginning."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


@dataclass(slots=True)
class Pace:
    """How many tokens a slice has; learns from the time that slices take on this machine."""

    patience: float = PATIENCE_STOPPABLE
    size: int = 2 * GRID
    largest: int = LARGEST_SLICE

    def next_slice(self, left: int) -> int:
        """Tokens to read next of `left`: all, or as many that at least a grid step remains."""
        if left <= self.size:
            return left
        if left - self.size < GRID:
            return self.size - GRID if self.size > GRID else left
        return self.size

    def took(self, count: int, seconds: float) -> None:
        """A slice of `count` tokens took so long."""
        if count >= self.size and seconds < self.patience / 3:
            self.size = min(self.size * 2, self.largest)
        elif seconds > self.patience:
            self.size = max(self.size // 2, GRID)


@dataclass(slots=True)
class PaceBeside:
    """How many prompt tokens a batch may hold in which something is written.

    A batch takes what writing takes, and a time for each token that is read; both are learned. At
    least as long as for writing alone may be read, else a large model would never come to an end.
    """

    patience: float = PATIENCE_BESIDE
    writing: float = 0.0
    """Seconds of a batch in which nothing is read; 0 before the first one."""
    reading: float = 0.0
    """Seconds for each token that is read; 0 before the first one."""

    def size(self, room: int) -> int:
        """Tokens to read in the next batch, at most `room`."""
        if not self.reading:
            return min(room, SMALLEST_BESIDE)
        seconds = max(self.patience - self.writing, self.writing)
        return max(1, min(room, max(SMALLEST_BESIDE, int(seconds / self.reading))))

    def wrote(self, seconds: float) -> None:
        """A batch in which nothing was read took so long."""
        self.writing = running_mean(self.writing, seconds)

    def took(self, count: int, seconds: float) -> None:
        """A batch with `count` tokens that were read took so long."""
        self.reading = running_mean(
            self.reading, max(0.0, seconds - self.writing) / count or _INSTANT
        )


_INSTANT = 1e-6
"""Seconds a token where a batch was read in no time."""
