"""The application killed again and again while it answers: nothing that was shown is lost.

The short form of it is tests/e2e/test_kill.py.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.rows import Row, at_least, at_most, told
from tests.helpers.killing import kill_again_and_again

_SHARE_MET = 0.4
"""Of the kills must have met text on the screen, or the rest proves nothing."""


def run(rounds: int = 200) -> list[Row]:
    """Kill so many times."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            met, lost = kill_again_and_again(Path(folder), rounds), 0
        except AssertionError as error:
            print(error)
            met, lost = 0, 1
    return [
        at_most("starts after a kill that had lost something", lost, 0),
        at_least("kills that met an answer on the screen", met, rounds * _SHARE_MET),
        told("kills", rounds),
    ]
