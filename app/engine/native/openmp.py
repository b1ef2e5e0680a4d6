"""How the computing threads wait for each other where llama.cpp uses GNU's OpenMP (on Linux).

They meet after each of the graph's nodes, some 900 times a token. By itself libgomp has one that
waits spin for some milliseconds before it sleeps. Where another program, or the host of another
model, has one of their cores, each meeting costs the whole of that: with two threads on two cores,
one of which was busy, a token of SmolLM2 135M took 1,220 ms instead of 10.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

SPINS = "2000"
"""Rounds of some 20 ns, so that a thread that waits in vain sleeps after some 50 us. On a calm
machine a token takes as long as with the default (1,000 and fewer: longer); beside a busy core it
takes four to five times as long as alone, and twelve times with 10,000."""
_SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


@contextmanager
def waiting_briefly() -> Generator[None]:
    """For the time in which libgomp is loaded, which reads its settings then; a person's own ones
    hold. Other programs that are started from here do not inherit it."""
    if any(name in os.environ for name in _SETTINGS):
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = SPINS
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]
