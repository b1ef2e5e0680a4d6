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
"""Rounds of spinning before a thread sleeps; libgomp's own number is 300,000. Measured with SmolLM2
135M and two threads on two cores: on a calm machine reading takes 1 % longer and writing 1 to 3 %
(with 100 rounds nearly three times as long); with busy programs beside it a token takes 43 ms, with
1,000 rounds 32, with 10,000 100."""
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
