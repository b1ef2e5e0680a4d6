"""A minute of mixed requests with random stops, loads, unloads; `dev.py bench soak` goes longer."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

import pytest

from tests.helpers.soak import Soak
from tests.helpers.soak_tally import Tally

pytestmark = pytest.mark.native_model

SECONDS = float(os.environ.get("LAMPLIGHT_SOAK_SECONDS", "60"))
SEED = int(os.environ.get("LAMPLIGHT_SOAK_SEED", "0")) or secrets.randbelow(10**6)


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("seed", [SEED])
def test_a_soak(tmp_path: Path, seed: int) -> None:
    """The seed stands in the test's name; `LAMPLIGHT_SOAK_SEED` asks for one."""

    async def soak() -> Tally:
        return await Soak(tmp_path, seed, calm=1).run(SECONDS)

    tally = asyncio.run(soak())
    assert not tally.faults, tally
    assert {"length", "cancelled", "Loaded"} <= tally.ends.keys()
