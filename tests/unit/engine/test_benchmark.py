"""Measuring the starter model: small plans, the same in both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain import errors
from app.domain.benchmark import (
    BenchCancelled,
    BenchEvent,
    Benchmarked,
    BenchPlan,
    BenchProgress,
    BenchRequest,
    BenchResult,
    SpeedMeasured,
)
from app.domain.fit import Memory
from app.domain.generation import FinishReason, LoadRequest, TextDelta
from app.domain.load_params import LoadParams
from app.engine import bench_room
from app.engine.bench_room import threads_to_try
from app.engine.benchmark import BASE, SCRATCH, Benchmark
from app.engine.native.bindings import lib
from app.engine.thread_engine import ThreadEngine
from tests.helpers.engine_rig import Events, Rig, collect, new_id
from tests.helpers.gguf_files import babbler
from tests.helpers.recurrent_babbler import recurrent_babbler
from tests.helpers.stepping import load_model
from tests.unit.engine.conftest import ENGINES

SMALL = BenchPlan((0, 64), prompt_tokens=64, answer_tokens=4, repeats=2)
ENDLESS = BenchPlan((0,), prompt_tokens=64, answer_tokens=512, repeats=20, seconds=0)


@pytest.fixture(scope="module", params=list(ENGINES))
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """An engine of each kind with a model of noise, for all tests of a module."""
    rig = Rig(ENGINES[request.param])
    rig.load_well(babbler(tmp_path_factory.mktemp("tiny") / "tiny.gguf"))
    yield rig
    rig.close()


def benchmark(rig: Rig, plan: BenchPlan = SMALL) -> Events:
    return rig.run(bench_coroutine(rig, plan))


async def bench_coroutine(rig: Rig, plan: BenchPlan, request_id: str = "") -> Events:
    return await collect(rig.engine.benchmark(request(rig, plan, request_id)))


def request(rig: Rig, plan: BenchPlan, request_id: str = "") -> BenchRequest:
    return BenchRequest(request_id or new_id(), rig.path, plan)


def result_of(events: Events) -> BenchResult:
    assert isinstance(events.last, Benchmarked), getattr(events.last, "error", events.last)
    return events.last.result


def test_each_depth_is_measured_and_told(shared: Rig) -> None:
    events = benchmark(shared)
    result = result_of(events)
    assert [speed.depth for speed in result.speeds] == [0, 64]
    for speed in result.speeds:
        assert len(speed.prompt_rates) == len(speed.decode_rates) == 2
        assert min(*speed.prompt_rates, *speed.decode_rates) > 0
    assert tuple(e.speed for e in events.all if isinstance(e, SpeedMeasured)) == result.speeds
    fractions = [e.fraction for e in events.all if isinstance(e, BenchProgress)]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1
    assert (result.prompt_tokens, result.answer_tokens, result.left_out) == (64, 4, ())
    assert result.load.resident_bytes > 50_000_000
    assert result.seconds > 0
    assert result.llama_cpp


def test_what_is_warm_stays_warm(shared: Rig) -> None:
    question = "Tell me about the sea and the wind. " * 20
    first = shared.ask(question, max_tokens=4)
    result_of(benchmark(shared, replace(SMALL, depths=(64,), repeats=1)))
    again = shared.ask(question, max_tokens=4)
    assert again.text == first.text
    assert again.last.stats.cached_tokens > 0


def test_depths_beyond_the_context_are_left_out(tiny: Rig) -> None:
    result = result_of(benchmark(tiny, replace(SMALL, depths=(16_384, 0, 0), repeats=1)))
    assert [speed.depth for speed in result.speeds] == [0]
    assert result.left_out == (16_384,)


def test_without_time_a_depth_is_left_out_and_the_first_measured_once(tiny: Rig) -> None:
    hurried = BenchPlan((0, 128), repeats=3, seconds=1e-6)
    result = result_of(benchmark(tiny, hurried))
    assert [len(speed.decode_rates) for speed in result.speeds] == [1]
    assert result.left_out == (128,)
    # As short as is worth measuring.
    assert (result.prompt_tokens, result.answer_tokens) == (64, 8)


def test_a_single_depth_is_measured_whatever_the_time(tiny: Rig) -> None:
    result = result_of(benchmark(tiny, BenchPlan((128,), repeats=3, seconds=1e-6)))
    assert [speed.depth for speed in result.speeds] == [128]


def test_numbers_of_threads(tiny: Rig) -> None:
    plan = replace(SMALL, depths=(0,), repeats=1, try_threads=True)
    events = benchmark(tiny, plan)
    result = result_of(events)
    counts = [speed.threads for speed in result.threads]
    assert counts == sorted(set(counts))
    assert counts[0] == 1
    assert tiny.engine.loaded is not None
    assert tiny.engine.loaded.threads in counts
    assert min(speed.decode_rate for speed in result.threads) > 0
    tried = [e.threads for e in events.all if isinstance(e, BenchProgress) and e.threads]
    assert tried == counts


def test_an_answer_goes_first(shared: Rig) -> None:
    async def go() -> tuple[bool, Events, Events]:
        measuring = asyncio.ensure_future(bench_coroutine(shared, ENDLESS, "b"))
        await asyncio.sleep(0.3)
        answer = await shared.ask_coroutine("Hello", max_tokens=3)
        was_measuring = not measuring.done()
        shared.engine.cancel("b")
        return was_measuring, answer, await measuring

    was_measuring, answer, measured = shared.run(go())
    assert was_measuring
    assert answer.last.stats.answer_tokens > 0
    assert measured.last == BenchCancelled()


def test_it_can_be_cancelled_at_once_and_again_begun(tiny: Rig) -> None:
    async def go() -> Events:
        stream = tiny.engine.benchmark(request(tiny, ENDLESS, "early"))
        tiny.engine.cancel("early")
        return await collect(stream)

    assert tiny.run(go()).last == BenchCancelled()
    result_of(benchmark(tiny))


def test_one_at_a_time(tiny: Rig) -> None:
    async def go() -> tuple[Events, Events]:
        first = asyncio.ensure_future(bench_coroutine(tiny, ENDLESS, "one"))
        await asyncio.sleep(0)
        second = await bench_coroutine(tiny, SMALL, "two")
        tiny.engine.cancel("one")
        return await first, second

    first, second = tiny.run(go())
    assert isinstance(second.error, errors.EngineBusy)
    assert first.last == BenchCancelled()


def test_only_what_is_loaded_can_be_measured(tiny: Rig) -> None:
    async def go() -> Events:
        asked = BenchRequest(new_id(), "/elsewhere.gguf", SMALL)
        return await collect(tiny.engine.benchmark(asked))

    assert isinstance(tiny.run(go()).error, errors.NothingLoaded)


def test_a_load_ends_it(fresh: Rig, tmp_path: Path) -> None:
    small = babbler(tmp_path / "small.gguf")

    async def go() -> Events:
        measuring = asyncio.ensure_future(bench_coroutine(fresh, ENDLESS))
        await asyncio.sleep(0.05)
        await collect(fresh.engine.load(LoadRequest(new_id(), str(small))))
        return await measuring

    fresh.load_well(small)
    assert fresh.run(go()).last == BenchCancelled()
    assert fresh.ask("Hello", max_tokens=2).last.stats.answer_tokens


def test_a_cancel_does_not_wait_for_a_running_answer(fresh: Rig, starter: Path) -> None:
    async def go() -> tuple[Events, Events]:
        measuring = asyncio.ensure_future(bench_coroutine(fresh, ENDLESS, "bench"))
        answer = fresh.generate("Tell me a long story.", "answer", max_tokens=400)

        def heard(event: object) -> None:
            # While it is written the measurement stands still.
            if isinstance(event, TextDelta):
                fresh.engine.cancel("bench")

        writing = asyncio.ensure_future(collect(answer, heard))
        measured = await measuring
        fresh.engine.cancel("answer")
        return measured, await writing

    fresh.load_well(starter, context_length=1024)
    measured, written = fresh.run(go())
    assert measured.last == BenchCancelled()
    assert written.reason is FinishReason.CANCELLED


def test_closing_ends_it(tmp_path: Path) -> None:
    rig = Rig(ThreadEngine)
    rig.load_well(babbler(tmp_path / "small.gguf"))

    async def go() -> Events:
        measuring = asyncio.ensure_future(bench_coroutine(rig, ENDLESS))
        await asyncio.sleep(0.05)
        await rig.engine.close()
        return await measuring

    assert rig.run(go()).last == BenchCancelled()
    rig.close()


def test_a_host_that_dies_while_it_measures(hosted: Rig, tmp_path: Path) -> None:
    hosted.load_well(babbler(tmp_path / "small.gguf"))

    async def go() -> Events:
        measuring = asyncio.ensure_future(bench_coroutine(hosted, ENDLESS))
        await asyncio.sleep(0.2)
        hosted.engine._host.kill()  # type: ignore[union-attr]
        return await measuring

    error = hosted.run(go()).error
    assert isinstance(error, errors.EngineCrashed)
    assert "while it measured “small.gguf”" in error.title


def test_a_memory_that_cannot_go_back_is_measured_too(tmp_path: Path) -> None:
    rig = Rig(ThreadEngine)
    rig.load_well(recurrent_babbler(tmp_path / "recurrent.gguf"))
    result = result_of(benchmark(rig))
    assert [speed.depth for speed in result.speeds] == [0, 64]
    rig.close()


def test_without_memory_it_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rig = Rig(ThreadEngine)
    rig.load_well(babbler(tmp_path / "small.gguf"))
    monkeypatch.setattr(bench_room, "machine_memory", lambda: Memory(10**9, 10_000_000))
    assert isinstance(benchmark(rig).error, errors.OutOfMemory)
    rig.close()


@pytest.mark.parametrize(("cache", "room"), [("f16", [0]), ("q8_0", [0, 1024])])
def test_the_room_is_counted_for_the_cache_that_is_loaded(
    monkeypatch: pytest.MonkeyPatch, starter: Path, cache: str, room: list[int]
) -> None:
    """A token of the starter model takes 23,040 bytes of 16 bits, and 12,240 of 8."""
    rig = Rig(ThreadEngine)
    params = LoadParams(context_length=2048, key_type=cache, value_type=cache, gpu_layers=0)
    spare = rig.load_with(starter, params).info.compute_bytes + 128 * 1024**2
    free = spare + 1_500 * 12_240
    monkeypatch.setattr(bench_room, "machine_memory", lambda: Memory(10**10, free))
    plan = BenchPlan((0, 1024), prompt_tokens=16, answer_tokens=2, repeats=1)
    assert [speed.depth for speed in result_of(benchmark(rig, plan)).speeds] == room
    rig.close()


@pytest.mark.native_model
def test_all_that_lies_before_is_seen(tmp_path: Path) -> None:
    loaded = load_model(babbler(tmp_path / "small.gguf"), 512)
    said: list[BenchEvent] = []
    plan = BenchPlan((128,), prompt_tokens=64, answer_tokens=4, repeats=2)
    measurement = Benchmark(loaded, BenchRequest("b", "small.gguf", plan), said.append)
    context = measurement._context
    deepest = 0
    while not measurement.step():
        used = context.used(SCRATCH)
        if context.used(BASE) == 128 and used > 128:
            deepest = max(deepest, used)
            # It begins at the first token: what lies before was not left behind.
            assert lib.llama_memory_seq_pos_min(context._memory, SCRATCH) == 0
    loaded.close()
    assert isinstance(said[-1], Benchmarked)
    # Before the last token of an answer, which is seen as it is begun.
    assert deepest == 128 + 3


@pytest.mark.parametrize(
    ("cores", "current", "tried"),
    [
        (1, 1, [1]),
        (2, 1, [1, 2]),
        (2, 4, [1, 2, 4]),
        (32, 31, [1, 2, 4, 8, 16, 24, 31, 32]),
    ],
)
def test_which_numbers_are_tried(cores: int, current: int, tried: list[int]) -> None:
    assert threads_to_try(cores, current) == tried
