"""Killed at any moment of streaming, the application shows what it had shown when it comes back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers.killing import kill_again_and_again

ROUNDS = 40
"""`dev.py bench kills` does it 200 times."""


@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform == "win32", reason="kills by POSIX signal")
def test_nothing_shown_is_lost_by_kills(tmp_path: Path) -> None:
    # Most kills must have met text that was on the screen, else this proves nothing.
    assert kill_again_and_again(tmp_path, ROUNDS) > ROUNDS * 0.4
