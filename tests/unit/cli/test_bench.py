"""`lamplight bench` over scripted services: the table, the document, statuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from app.cli.commands import DONE, FAILED, INTERRUPTED, Bench
from app.domain.benchmark import BenchCancelled, Benchmarked, BenchPlan, BenchProgress
from app.domain.errors import OutOfMemory
from app.domain.generation import Failed
from app.domain.slowness import MachineFacts
from tests.helpers.measurements import THREADS, result, speed
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World


def fast(world: World) -> None:
    world.engine.benches.append(
        (BenchProgress(0.5, 2048), BenchProgress(0.9, 0, 2), Benchmarked(result()))
    )


def test_a_table_and_what_sets_the_pace() -> None:
    done = at_terminal(Bench(None), fast)
    assert done.status == DONE
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0] == "starter: CPU, 1 thread, llama.cpp 1.2"
    assert [line.split() for line in lines[3:5]] == [
        ["0", "200.0", "50.0"],
        ["2,048", "100.0", "25.0"],
    ]
    assert "Loaded in 0.1 s. The engine holds 400 MB of memory." in lines
    assert lines[-1].startswith("Nothing holds it back")


def test_progress_is_for_a_terminal_only() -> None:
    err = at_terminal(Bench(None), fast, terminal=True).err
    for words in ("Loading the model", "depth 2,048 … 50%", "Trying 2 threads … 90%"):
        assert words in err


def test_what_was_left_out_tried_and_found_is_told() -> None:
    def prepare(world: World) -> None:
        world.machine.append(MachineFacts(cores=2, on_battery=True))
        more = result(threads=THREADS, left_out=(8192,))
        world.engine.benches.append((Benchmarked(more),))

    out = at_terminal(Bench(None), prepare).out
    assert "Left out, for want of time or room: 8,192." in out
    assert "       2          350.0           80.0" in out
    assert "! It is faster with 2 threads than with 1." in out
    assert "  On battery." in out


def test_it_is_compared_with_the_last_one() -> None:
    async def prepare(world: World) -> None:
        world.engine.benches.append((Benchmarked(result(speed(0, 200.0, 40.0))),))
        await world.benchmarks.measure(BenchPlan())
        fast(world)

    assert "answers 25 % faster, prompts about as fast." in at_terminal(Bench(None), prepare).out


def test_json_is_one_document() -> None:
    def prepare(world: World) -> None:
        world.machine.append(MachineFacts(cores=2, on_battery=True))
        world.engine.benches.append((Benchmarked(result(threads=THREADS)),))

    done = at_terminal(Bench(None, json=True), prepare)
    document = json.loads(done.out)
    assert (done.status, done.err) == (DONE, "")
    assert document["result"]["speeds"][1]["decode_rate"] == 25.0
    assert document["best_threads"] == 2
    assert document["compared"] is None
    assert [finding["cause"] for finding in document["findings"]] == ["threads", "power"]
    assert document["subject"]["path"] == "starter"


def test_the_plan_and_the_model_are_those_asked_for() -> None:
    asked: list[tuple[str, BenchPlan]] = []

    def prepare(world: World) -> None:
        fast(world)
        benchmark = world.engine.benchmark

        def heard(request):
            asked.append((request.model_path, request.plan))
            return benchmark(request)

        world.engine.benchmark = heard

    plan = BenchPlan((0,), repeats=1)
    assert at_terminal(Bench(None, "other", plan), prepare).status == DONE
    assert asked == [("other", plan)]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_is_told(as_json: bool) -> None:
    error = OutOfMemory("Too little memory.", remedy="Close something.")
    prepare: Callable[[World], None] = lambda world: world.engine.benches.append((Failed(error),))  # noqa: E731
    done = at_terminal(Bench(None, json=as_json), prepare)
    assert done.status == FAILED
    assert "Too little memory." in done.out + done.err


def test_a_file_that_is_gone_is_told() -> None:
    assert at_terminal(Bench(None, "gone")).status == FAILED


def test_an_interrupt_cancels() -> None:
    engines: list[World] = []

    def prepare(world: World) -> None:
        world.engine.hold = asyncio.Event()
        fast(world)
        engines.append(world)

    done = at_terminal(
        Bench(None), prepare, interrupt=lambda world: world.benchmarks.state.fraction > 0
    )
    assert (done.status, done.out) == (INTERRUPTED, "")
    assert engines[0].engine._cancelled == {"bench-1"}


def test_what_ends_without_a_result_is_interrupted() -> None:
    prepare: Callable[[World], None] = lambda world: world.engine.benches.append(  # noqa: E731
        (BenchCancelled(),)
    )
    assert at_terminal(Bench(None), prepare).status == INTERRUPTED
