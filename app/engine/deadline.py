"""A time limit for Python code that cannot be trusted to end."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TimeIsUp(Exception):
    """The code in the block ran longer than allowed."""


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Raise `TimeIsUp` in the block once it has run for `seconds`.

    Works on any thread and platform by looking at the clock at each line of Python in this thread,
    so it cannot interrupt a single long call into C. The code runs several times slower.
    """
    deadline = time.monotonic() + seconds

    def look(_frame: FrameType, _event: str, _argument: Any) -> Any:
        if time.monotonic() > deadline:
            raise TimeIsUp
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)
