"""Three hundred headers with flipped bytes: the host may die of one, the application never does."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from app.domain.errors import EngineError, ModelFileError
from app.domain.generation import Failed, Finished, LoadCancelled, Loaded, LoadRequest
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Events, Rig, collect, new_id
from tests.helpers.gguf_files import babbler, starter_shell

pytestmark = [pytest.mark.native_model, pytest.mark.timeout(240)]

SMALL, REAL = 280, 20
"""Seeds for a small model, which loads in milliseconds, and for the starter model's header."""
PATIENCE = 10.0
"""Seconds after which a load is cancelled, as a person would do; the supervisor does the rest."""


def test_the_small_model_itself_is_sound(shared_host: Rig, tmp_path: Path) -> None:
    shared_host.load_well(babbler(tmp_path / "small.gguf"))
    assert shared_host.ask("Hello", max_tokens=3).last.stats.answer_tokens > 0


def flipped(source: bytes, header: int, seed: int) -> bytes:
    """One to four bytes of the header changed."""
    chance = random.Random(seed)
    data = bytearray(source)
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(4, header)] ^= 1 << chance.randrange(8)
    return bytes(data)


async def load_patiently(rig: Rig, path: Path) -> Events:
    request_id = new_id()
    loading = asyncio.ensure_future(collect(rig.engine.load(LoadRequest(request_id, str(path)))))
    await asyncio.wait([loading], timeout=PATIENCE)
    rig.engine.cancel(request_id)
    return await loading


async def fate(rig: Rig, path: Path) -> str:
    """What became of a file, as far as a person sees; raises where the contract is broken."""
    rig.path = str(path)
    last = (await load_patiently(rig, path)).last
    if isinstance(last, Failed):
        assert isinstance(last.error, EngineError | ModelFileError), last.error.kind
        assert last.error.title
        assert last.error.remedy
        return last.error.kind
    if isinstance(last, LoadCancelled):
        return "cancelled"
    assert isinstance(last, Loaded)
    answer = (await rig.ask_coroutine("Hi", max_tokens=2)).last
    assert isinstance(answer, Failed | Finished)
    return answer.error.kind if isinstance(answer, Failed) else "answered"


async def fates(rig: Rig, source: bytes, header: int, seeds: range, folder: Path) -> set[str]:
    found: set[str] = set()
    for seed in seeds:
        path = folder / f"seed-{seed}.gguf"
        path.write_bytes(flipped(source, header, seed))
        found.add(await fate(rig, path))
        path.unlink()
    return found


def test_flipped_bytes_in_a_small_header(tmp_path: Path) -> None:
    source = babbler(tmp_path / "small.gguf").read_bytes()
    header = source.index(b"blk.0.ffn_down.weight") + 60
    rig = Rig(HostEngine)
    found = rig.run(fates(rig, source, header, range(SMALL), tmp_path))
    assert rig.run(rig.engine.describe())
    rig.close()
    assert {"answered", "model_file.damaged"} <= found


def test_flipped_bytes_in_a_real_header(tmp_path: Path) -> None:
    source = starter_shell(tmp_path / "real.gguf").read_bytes()
    rig = Rig(HostEngine)
    found = rig.run(fates(rig, source, 1_780_000, range(REAL), tmp_path))
    rig.close()
    # The weights of the shell are all zero.
    assert "engine.model_broken" in found
