"""How fast this machine reads a prompt anew, and how fast it brings a kept state back."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.running_mean import running_mean

_UNMEASURED_RESTORE = 300e6
"""Bytes a second, assumed until the first one: what an ordinary disk gives."""
_SMALLEST_SLICE = 64
"""Tokens: a smaller slice says little about a long prompt."""


@dataclass(slots=True)
class Rates:
    """Both learn from what was measured; `reading` in tokens a second, `restoring` in bytes."""

    reading: float = 0.0
    """0: nothing was read yet."""
    restoring: float = 0.0
    """0: nothing was restored yet."""

    def took_to_read(self, tokens: int, seconds: float) -> None:
        """A slice of a prompt was read."""
        if tokens >= _SMALLEST_SLICE and seconds > 0:
            self.reading = running_mean(self.reading, tokens / seconds)

    def took_to_restore(self, size: int, seconds: float) -> None:
        """A state of `size` bytes was brought back."""
        if seconds > 0:
            self.restoring = running_mean(self.restoring, size / seconds)

    def is_worth_it(self, size: int, tokens: int, known: float = 0.0) -> bool:
        """Whether a state of `size` bytes is back before `tokens` would be read again.

        `known`: a rate of reading from an earlier time, until there is one of now.
        """
        reading = self.reading or known
        return not reading or size / (self.restoring or _UNMEASURED_RESTORE) < tokens / reading
