"""A mean that follows what is measured: one number to keep, and the newest counts most."""

from __future__ import annotations


def running_mean(before: float, now: float, weight: float = 0.3) -> float:
    """The mean with `now` in it, which counts by `weight`; `before` is 0 until the first one."""
    return now if before == 0 else before + weight * (now - before)
