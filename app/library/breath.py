"""Long work in a thread of Python that the event loop's thread hardly notices.

Python's threads take turns, and one that computes gives its turn away only every 5 ms: a window
that paints in many small steps would wait so long at each. So the work pauses by itself, often.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Final

_TURN: Final = 0.001
_REST: Final = 0.0002


class Breath:
    """Called often; ends the work by `CancelledError` when nobody waits for it any more."""

    def __init__(self, is_unwanted: Callable[[], bool]) -> None:
        self._is_unwanted = is_unwanted
        self._since = time.perf_counter()

    def __call__(self) -> None:
        """Go on, perhaps after a rest."""
        if time.perf_counter() - self._since < _TURN:
            return
        if self._is_unwanted():
            raise CancelledError
        time.sleep(_REST)
        self._since = time.perf_counter()
