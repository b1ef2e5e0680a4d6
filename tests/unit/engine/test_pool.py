"""Several models loaded at once: who stays, who makes way, and what comes back."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain.benchmark import BenchCancelled, BenchRequest
from app.domain.errors import AppError, EngineCrashed, NothingLoaded
from app.domain.fit import MEMORY, Memory
from app.domain.generation import (
    CountRequest,
    Failed,
    FinishReason,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadRequest,
)
from app.domain.load_params import LoadParams
from app.engine.pool import EnginePool, OneModelEngine, PoolLimits
from app.engine.supervisor import HostEngine
from app.engine.thread_engine import ThreadEngine
from app.flow.tasks import TaskOwner
from tests.helpers.engine_rig import GREEDY, Events, collect, new_id, user
from tests.helpers.gguf_files import babbler
from tests.helpers.one_model_engine import LastingEngine
from tests.helpers.scripted_engine import info_for

GB = 10**9
PLENTY = Memory(64 * GB, 48 * GB)


class Pools:
    """A pool, its loop, and what it is told of the machine."""

    def __init__(self, make: Callable[[], OneModelEngine]) -> None:
        self.runner = asyncio.Runner()
        self.memory = PLENTY
        self.limits = PoolLimits()
        self.gate: asyncio.Event | None = None
        """Holds back the loads of lasting engines."""
        self.bugs: list[BaseException] = []
        self.tasks = TaskOwner(self.bugs.append)
        self.made: list[OneModelEngine] = []

        def make_and_note() -> OneModelEngine:
            self.made.append(make())
            return self.made[-1]

        self.pool = EnginePool(make_and_note, lambda: self.limits, lambda: self.memory, self.tasks)

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.runner.run(awaited())

    async def load(self, path: Path, needs: int = 0, **params: Any) -> Events:
        request = LoadRequest(
            new_id(),
            str(path),
            LoadParams(threads=1, **params),
            ((MEMORY, needs),) if needs else (),
        )
        return await collect(self.pool.load(request))

    async def ask(self, path: Path, request_id: str = "", tokens: int = 4) -> Events:
        request = GenerateRequest(
            request_id or new_id(), str(path), user("Hello"), GREEDY, max_tokens=tokens
        )
        return await collect(self.pool.generate(request))

    def engine_of(self, path: Path) -> Any:
        """The engine that has this model."""
        return self.pool._places[str(path)].engine

    @property
    def names(self) -> list[str]:
        return [Path(path).stem for path in self.pool.loaded]

    def close(self) -> None:
        async def close() -> None:
            await self.pool.close()
            await self.tasks.drain()

        self.runner.run(close())
        self.runner.close()
        assert self.bugs == []


@pytest.fixture(params=[HostEngine, ThreadEngine], ids=["process", "thread"])
def pools(request: pytest.FixtureRequest) -> Iterator[Pools]:
    made = Pools(request.param)
    yield made
    made.close()


@pytest.fixture
def hosts() -> Iterator[Pools]:
    made = Pools(HostEngine)
    yield made
    made.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {name: babbler(folder / f"{name}.gguf") for name in ("one", "two", "three")}


def test_two_models_answer_side_by_side(pools: Pools, models: dict[str, Path]) -> None:
    async def go() -> tuple[list[str], list[Events]]:
        await pools.load(models["one"], GB)
        await pools.load(models["two"], GB)
        names = pools.names
        answers = await asyncio.gather(pools.ask(models["one"]), pools.ask(models["two"]))
        return names, list(answers)

    names, answers = pools.run(go())
    assert names == ["one", "two"]
    assert all(answer.last.stats.answer_tokens for answer in answers)


def test_an_answer_needs_its_model(pools: Pools, models: dict[str, Path]) -> None:
    async def go() -> Events:
        await pools.load(models["one"])
        return await pools.ask(models["two"])

    assert isinstance(pools.run(go()).error, NothingLoaded)


def test_a_model_is_not_loaded_twice(pools: Pools, models: dict[str, Path]) -> None:
    async def go() -> tuple[list[str], int]:
        await pools.load(models["one"], GB)
        again = (await pools.load(models["one"], GB, context_length=128)).last
        return pools.names, again.info.context_length

    # llama.cpp makes contexts in steps of 256 tokens.
    assert pools.run(go()) == (["one"], 256)


def test_a_failed_load_leaves_the_others(
    pools: Pools, models: dict[str, Path], tmp_path: Path
) -> None:
    async def go() -> tuple[Any, list[str]]:
        await pools.load(models["one"], GB)
        failed = await pools.load(tmp_path / "absent.gguf", GB)
        return failed.last, pools.names

    failed, names = pools.run(go())
    assert isinstance(failed, Failed)
    assert names == ["one"]


def test_dry_runs_and_devices_need_no_model(pools: Pools, models: dict[str, Path]) -> None:
    async def go() -> tuple[int, set[str], list[str]]:
        sizes = await pools.pool.dry_run(str(models["one"]), LoadParams(context_length=256))
        devices = await pools.pool.devices()
        return sizes.context_length, {device.kind for device in devices}, pools.names

    length, kinds, names = pools.run(go())
    assert (length, names) == (256, [])
    assert "processor" in kinds


def test_what_told_the_devices_gets_the_first_model(pools: Pools, models: dict[str, Path]) -> None:
    async def go() -> None:
        await pools.pool.devices()
        await pools.load(models["one"])

    pools.run(go())
    # One for dry runs, which is never started, and one that told and then loaded.
    assert len(pools.made) == 2


def test_after_close_nothing_begins(pools: Pools, models: dict[str, Path]) -> None:
    async def go() -> tuple[Any, Any]:
        await pools.pool.close()
        return (await pools.load(models["one"])).last, (await pools.ask(models["one"])).last

    loaded, answered = pools.run(go())
    assert isinstance(loaded, LoadCancelled)
    assert answered.reason is FinishReason.CANCELLED


def test_after_close_nothing_is_started_to_tell_what_is_there(pools: Pools) -> None:
    async def go() -> tuple[Any, Any, int]:
        await pools.pool.close()
        return await pools.pool.devices(), await pools.pool.describe(), len(pools.made)

    assert pools.run(go()) == ((), {}, 1)


# ------------------------------------------------------------- with answers that do not end


@pytest.fixture
def lasting() -> Iterator[Pools]:
    made = Pools(lambda: LastingEngine(lambda: made.gate))
    yield made
    made.close()


ONE, TWO = Path("one.gguf"), Path("two.gguf")


async def answering(pools: Pools, request_id: str = "long") -> asyncio.Future[Events]:
    """The first model, in the middle of an answer."""
    await pools.load(ONE, 1000)
    answer = asyncio.ensure_future(pools.ask(ONE, request_id))
    await asyncio.sleep(0.01)
    return answer


def test_what_is_answering_is_waited_for_and_then_unloaded(lasting: Pools) -> None:
    async def go() -> tuple[bool, list[str]]:
        answer = await answering(lasting)
        lasting.memory = Memory(GB, GB)
        loading = asyncio.ensure_future(lasting.load(TWO, 2 * GB))
        await asyncio.sleep(0.05)
        waits = not loading.done() and not answer.done()
        lasting.pool.cancel("long")
        await asyncio.gather(answer, loading)
        return waits, lasting.names

    assert lasting.run(go()) == (True, ["two"])


def test_a_load_that_waits_for_room_can_be_cancelled(lasting: Pools) -> None:
    async def go() -> tuple[Any, list[str], bool]:
        answer = await answering(lasting)
        lasting.memory = Memory(GB, GB)
        request = LoadRequest("waits", str(TWO), LoadParams(), ((MEMORY, 2 * GB),))
        loading = asyncio.ensure_future(collect(lasting.pool.load(request)))
        await asyncio.sleep(0.05)
        lasting.pool.cancel("waits")
        ended = (await loading).last
        answers_on = not answer.done()
        lasting.pool.cancel("long")
        await answer
        return ended, lasting.names, answers_on

    ended, names, answers_on = lasting.run(go())
    assert isinstance(ended, LoadCancelled)
    assert (names, answers_on) == (["one"], True)


def test_the_one_that_was_not_used_for_longest_makes_way(lasting: Pools) -> None:
    async def go() -> list[str]:
        lasting.limits = PoolLimits(budget_bytes=3 * GB + 100)
        await lasting.load(ONE, GB)
        await lasting.load(TWO, GB)
        answer = asyncio.ensure_future(lasting.ask(ONE, "short"))
        await asyncio.sleep(0.01)
        lasting.pool.cancel("short")
        await answer
        await lasting.load(Path("three.gguf"), 2 * GB)
        return lasting.names

    assert lasting.run(go()) == ["one", "three"]


def test_two_loads_at_once_do_not_count_on_the_same_memory(lasting: Pools) -> None:
    async def go() -> list[str]:
        def taken() -> None:
            held = sum(info.total_bytes for info in lasting.pool.loaded.values())
            lasting.memory = Memory(8 * GB, 8 * GB - held)

        lasting.gate = asyncio.Event()
        lasting.pool.on_changed(taken)
        taken()
        first = asyncio.ensure_future(lasting.load(ONE, 5 * GB))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(lasting.load(TWO, 5 * GB))
        await asyncio.sleep(0.01)
        lasting.gate.set()
        await asyncio.gather(first, second)
        return lasting.names

    assert lasting.run(go()) == ["two"]


def test_mapped_pages_of_the_others_are_not_free(lasting: Pools) -> None:
    async def go() -> list[str]:
        await lasting.load(ONE, 1000)
        info = info_for(str(ONE))
        lasting.engine_of(ONE).loaded = replace(info, weights_bytes=3 * GB, mapped_bytes=3 * GB)
        lasting.memory = Memory(8 * GB, 5 * GB, mapped_is_available=True)
        await lasting.load(TWO, 3 * GB)
        return lasting.names

    assert lasting.run(go()) == ["two"]


def test_a_measurement_makes_way_for_another_model(lasting: Pools) -> None:
    async def go() -> tuple[Any, list[str]]:
        await lasting.load(ONE, GB)
        measuring = asyncio.ensure_future(
            collect(lasting.pool.benchmark(BenchRequest("bench", str(ONE))))
        )
        lasting.memory = Memory(GB, GB)
        await asyncio.wait_for(lasting.load(TWO, 2 * GB), 5)
        return (await measuring).last, lasting.names

    assert lasting.run(go()) == (BenchCancelled(), ["two"])


def test_the_model_that_is_asked_for_counts_and_is_measured(lasting: Pools) -> None:
    async def go() -> None:
        await lasting.load(ONE)
        count = await lasting.pool.count_tokens(CountRequest(str(ONE), (), "abc"))
        assert count.draft == 3
        with pytest.raises(NothingLoaded):
            await lasting.pool.count_tokens(CountRequest(str(TWO), ()))
        failed = (await collect(lasting.pool.benchmark(BenchRequest("b", str(TWO))))).last
        assert isinstance(failed.error, NothingLoaded)
        await lasting.pool.close()
        assert (await collect(lasting.pool.benchmark(BenchRequest("b", str(ONE))))).all == [
            BenchCancelled()
        ]

    lasting.run(go())


def test_every_engine_forgets_a_conversation(lasting: Pools) -> None:
    async def go() -> list[list[str | None]]:
        await lasting.load(ONE)
        await lasting.load(TWO)
        await lasting.pool.forget("a")
        return [engine.forgotten for engine in lasting.made if isinstance(engine, LastingEngine)]

    # The two that have a model, and the one that never has: it removes what is on disk.
    assert lasting.run(go()) == [["a"]] * 3


def test_what_an_engine_writes_as_it_ends_is_forgotten_as_well(lasting: Pools) -> None:
    async def go() -> tuple[bool, list[str | None]]:
        await lasting.load(ONE)
        engine, gate = lasting.engine_of(ONE), asyncio.Event()
        close = engine.close

        async def slowly() -> None:
            await gate.wait()
            await close()

        engine.close = slowly
        unloading = asyncio.ensure_future(lasting.pool.unload(str(ONE)))
        await asyncio.sleep(0.01)
        forgetting = asyncio.ensure_future(lasting.pool.forget("a"))
        await asyncio.sleep(0.01)
        waits = not forgetting.done()
        gate.set()
        await asyncio.gather(unloading, forgetting)
        return waits, lasting.pool._measurer.forgotten  # type: ignore[attr-defined]

    assert lasting.run(go()) == (True, ["a", "a"])


def test_unloading_cancels_the_answer(lasting: Pools) -> None:
    async def go() -> tuple[Events, list[str], bool]:
        answer = await answering(lasting)
        engine = lasting.engine_of(ONE)
        await lasting.pool.unload(str(ONE))
        return await answer, lasting.names, engine.closed

    answer, names, closed = lasting.run(go())
    assert answer.reason is FinishReason.CANCELLED
    assert (names, closed) == ([], True)


def test_an_idle_model_is_unloaded_when_its_time_is_over(lasting: Pools) -> None:
    async def go() -> tuple[int, float]:
        changes: list[int] = []
        lasting.pool.on_changed(lambda: changes.append(len(lasting.pool.loaded)))
        lasting.limits = PoolLimits(idle_seconds=0.2)
        began = time.monotonic()
        await lasting.load(ONE)
        while lasting.pool.loaded:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        return changes[-1], time.monotonic() - began

    left, seconds = lasting.run(go())
    assert left == 0
    assert seconds >= 0.2


def test_the_time_to_live_begins_when_the_answer_ends(lasting: Pools) -> None:
    async def go() -> tuple[bool, float]:
        lasting.limits = PoolLimits(idle_seconds=0.3)
        answer = await answering(lasting)
        await asyncio.sleep(0.45)
        still_there = bool(lasting.pool.loaded)
        lasting.pool.cancel("long")
        await answer
        began = time.monotonic()
        while lasting.pool.loaded:
            await asyncio.sleep(0.01)
        return still_there, time.monotonic() - began

    still_there, seconds = lasting.run(go())
    assert still_there
    assert seconds >= 0.28


def test_a_model_that_waits_for_room_does_not_outlive_its_time(lasting: Pools) -> None:
    async def go() -> tuple[Any, list[str]]:
        lasting.limits = PoolLimits(idle_seconds=0.1)
        answer = await answering(lasting)
        lasting.memory = Memory(GB, GB)
        loading = asyncio.ensure_future(lasting.load(TWO, 2 * GB))
        await asyncio.sleep(0.3)
        lasting.pool.cancel("long")
        await answer
        return (await loading).last, lasting.names

    loaded, names = lasting.run(go())
    assert isinstance(loaded, Loaded)
    assert names == ["two"]


def test_zero_is_for_ever(lasting: Pools) -> None:
    async def go() -> list[str]:
        await lasting.load(ONE)
        await asyncio.sleep(0.2)
        return lasting.names

    assert lasting.run(go()) == ["one"]


# --------------------------------------------------------------------------- with processes


def pid_of(pools: Pools, path: Path) -> int:
    engine = pools.engine_of(path)
    assert isinstance(engine, HostEngine)
    assert engine.host_pid is not None
    return engine.host_pid


def test_a_crash_of_one_leaves_the_others(hosts: Pools, models: dict[str, Path]) -> None:
    lost: list[tuple[str, AppError]] = []

    async def go() -> tuple[list[str], Events, list[str]]:
        hosts.pool.on_lost(lambda path, error: lost.append((path, error)))
        await hosts.load(models["one"], GB)
        await hosts.load(models["two"], GB)
        psutil.Process(pid_of(hosts, models["one"])).kill()
        while len(hosts.pool.loaded) > 1:
            await asyncio.sleep(0.01)
        left, answer = hosts.names, await hosts.ask(models["two"])
        await hosts.load(models["one"], GB)
        return left, answer, hosts.names

    left, answer, after = hosts.run(go())
    assert left == ["two"]
    assert answer.last.stats.answer_tokens
    assert sorted(after) == ["one", "two"]
    ((path, error),) = lost
    assert (Path(path).stem, type(error)) == ("one", EngineCrashed)


def resident(process: psutil.Process) -> int:
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def test_unloading_gives_the_memory_back(hosts: Pools, starter: Path) -> None:
    me = psutil.Process(os.getpid())

    async def go() -> tuple[int, int, int, list[psutil.Process]]:
        before = resident(me)
        await hosts.load(starter, context_length=8192)
        loaded = resident(me)
        await hosts.pool.unload(str(starter))
        return before, loaded, resident(me), me.children()

    before, loaded, after, children = hosts.run(go())
    assert loaded - before > 150_000_000
    assert after - before < 0.05 * (loaded - before)
    assert children == []
