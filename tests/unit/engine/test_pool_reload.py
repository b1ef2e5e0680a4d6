"""A load of what is loaded already, while that answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.generation import GenerateRequest, LoadCancelled, LoadRequest
from app.domain.load_params import LoadParams
from app.engine.supervisor import HostEngine
from app.engine.thread_engine import ThreadEngine
from tests.helpers.engine_rig import GREEDY, Events, collect, user
from tests.helpers.gguf_files import babbler
from tests.unit.engine.test_pool import Pools


@pytest.mark.parametrize("engine", [HostEngine, ThreadEngine])
def test_a_reload_that_is_cancelled_while_it_waits_stops_nothing(
    engine: type[HostEngine | ThreadEngine], tmp_path: Path
) -> None:
    pools = Pools(engine)
    talker = babbler(tmp_path / "talker.gguf", {"llama.context_length": 65536})

    async def go() -> tuple[Events, list[str], bool]:
        await pools.load(talker, context_length=65536)
        endless = replace(GREEDY, grammar='root ::= "a" root')
        long = GenerateRequest("long", str(talker), user("Hello"), endless, max_tokens=60_000)
        answer = asyncio.ensure_future(collect(pools.pool.generate(long)))
        await asyncio.sleep(0.1)
        again = LoadRequest("again", str(talker), LoadParams(threads=1))
        loading = asyncio.ensure_future(collect(pools.pool.load(again)))
        await asyncio.sleep(0.1)
        pools.pool.cancel("again")
        cancelled = await loading
        # What follows from its end is done as well.
        await asyncio.sleep(0.05)
        names, answers_on = pools.names, not answer.done()
        pools.pool.cancel("long")
        await answer
        return cancelled, names, answers_on

    try:
        cancelled, names, answers_on = pools.run(go())
    finally:
        pools.close()
    assert cancelled.all == [LoadCancelled()]
    assert (names, answers_on) == (["talker"], True)
