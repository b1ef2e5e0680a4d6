"""Hours of mixed requests with random stops, loads and unloads: no leak, no deadlock, no lost text.

The short form of it is tests/unit/engine/test_soak.py.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from app.engine.supervisor import HostEngine
from tests.bench.rows import Row, at_most, told
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import starter_file
from tests.helpers.soak import MOST_GROWTH, Soak

_MB = 1_000_000


def run(minutes: float = 120, seed: int | None = None) -> list[Row]:
    """Soak for so long; a drawn seed is told."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    rig = Rig(HostEngine)
    try:
        rig.run(rig.engine.describe())
        with tempfile.TemporaryDirectory() as folder:
            twin = Path(folder) / "twin.gguf"
            twin.symlink_to(starter_file())
            assert isinstance(rig.engine, HostEngine)
            tally = rig.run(Soak(rig.engine, [starter_file(), twin], seed).run(60 * minutes))
    finally:
        rig.close()
    for fault in tally.faults:
        print(fault)
    return [
        at_most("faults: lost events or text, streams without an end", len(tally.faults), 0),
        at_most("memory of the host, at the end against settled", tally.growth, MOST_GROWTH),
        told("  at the end, with nothing loaded", tally.rests[-1] / _MB, "MB"),
        told("requests", tally.requests),
        *(told(f"  {how}", count) for how, count in tally.ends.most_common()),
        told("seed", seed),
    ]
