"""A minute of mixed requests with random stops, loads, unloads; `dev.py bench soak` goes longer."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Rig
from tests.helpers.soak import Soak

pytestmark = pytest.mark.native_model

SECONDS = float(os.environ.get("LAMPLIGHT_SOAK_SECONDS", "60"))
SEED = int(os.environ.get("LAMPLIGHT_SOAK_SEED", "0")) or secrets.randbelow(10**6)


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("seed", [SEED])
def test_a_soak(shared_host: Rig, starter: Path, tmp_path: Path, seed: int) -> None:
    """The seed stands in the test's name; `LAMPLIGHT_SOAK_SEED` asks for one."""
    twin = tmp_path / "twin.gguf"
    twin.symlink_to(starter)
    assert isinstance(shared_host.engine, HostEngine)
    tally = shared_host.run(Soak(shared_host.engine, [starter, twin], seed).run(SECONDS))
    assert not tally.faults, tally
    assert {"length", "cancelled", "Loaded"} <= tally.ends.keys()
