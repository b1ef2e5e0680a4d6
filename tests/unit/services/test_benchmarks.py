"""Measuring the chosen model: events to a record, history, reasons and remedies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NoReturn

import pytest

from app.domain.benchmark import (
    BenchCancelled,
    Benchmarked,
    BenchPlan,
    BenchProgress,
    BenchRecord,
    SpeedMeasured,
)
from app.domain.errors import DiskFull, EngineBusy, EngineCrashed, NothingLoaded, OutOfMemory
from app.domain.facts import BenchmarkChanged, BenchPhase, ModelPhase
from app.domain.fit import Memory
from app.domain.generation import Failed, Loaded
from app.domain.slowness import (
    Cause,
    ChooseAnother,
    MachineFacts,
    MeasureAgain,
    SetThreads,
    ShorterContext,
    UnloadOthers,
    UseAllLayers,
)
from tests.helpers.measurements import result, speed
from tests.helpers.scripted_engine import info_for
from tests.unit.services.world import World, run

PLAN = BenchPlan(depths=(0, 64))
EVENTS = (
    BenchProgress(0.1, 0),
    SpeedMeasured(speed()),
    BenchProgress(0.5, 64),
    Benchmarked(result(speed(), speed(64))),
)


def phases(world: World) -> list[BenchPhase]:
    return [fact.state.phase for fact in world.facts if isinstance(fact, BenchmarkChanged)]


async def measured(world: World) -> BenchRecord:
    world.engine.benches.append(EVENTS)
    record = await world.benchmarks.measure(PLAN)
    assert record is not None
    return record


def test_a_measurement_is_told_and_kept() -> None:
    async def test(world: World) -> None:
        record = await measured(world)
        (request,) = world.engine.benchmarked
        assert (request.model_path, request.plan) == ("starter", PLAN)
        assert record.subject.path == "starter"
        assert record.subject.load_seconds == 0.1
        model = world.shelf.files["starter"]
        assert await world.benchmarks.history(model) == [record]
        loading, running = BenchPhase.LOADING, BenchPhase.RUNNING
        assert phases(world) == [loading, *[running] * 4, BenchPhase.DONE]
        states = [fact.state for fact in world.facts if isinstance(fact, BenchmarkChanged)]
        assert states[-2].speeds == (speed(),)
        assert (states[-2].fraction, states[-2].depth) == (0.5, 64)
        assert world.benchmarks.state.record == record

    run(test)


def test_forgetting() -> None:
    async def test(world: World) -> None:
        record = await measured(world)
        await world.benchmarks.forget(record.id)
        assert await world.benchmarks.history(world.shelf.files["starter"]) == []

    run(test)


def test_one_at_a_time() -> None:
    async def test(world: World) -> None:
        world.engine.hold = asyncio.Event()
        world.engine.benches.append(EVENTS)
        world.benchmarks.begin(PLAN)
        await world.until(lambda: world.benchmarks.state.fraction == 0.5)
        world.benchmarks.begin(PLAN)
        with pytest.raises(EngineBusy):
            await world.benchmarks.measure(PLAN)
        world.engine.hold.set()
        await world.tasks.drain()
        assert world.benchmarks.state.phase is BenchPhase.DONE
        assert len(world.engine.benchmarked) == 1

    run(test)


def test_cancelling() -> None:
    async def test(world: World) -> None:
        world.engine.hold = asyncio.Event()
        world.engine.benches.append(EVENTS)
        world.benchmarks.begin(PLAN)
        await world.until(lambda: world.benchmarks.state.fraction == 0.5)
        world.benchmarks.cancel()
        await world.tasks.drain()
        assert world.benchmarks.state.phase is BenchPhase.CANCELLED
        assert await world.benchmarks.history(world.shelf.files["starter"]) == []

    run(test)


def test_cancelling_while_the_model_is_loaded() -> None:
    async def test(world: World) -> None:
        world.engine.hold_load = asyncio.Event()
        world.benchmarks.begin(PLAN)
        await world.until(lambda: world.models.state.phase is ModelPhase.LOADING)
        world.benchmarks.cancel()
        world.engine.hold_load.set()
        await world.tasks.drain()
        assert world.benchmarks.state.phase is BenchPhase.CANCELLED
        assert world.engine.benchmarked == []
        # The load itself goes on: somebody may want to write.
        assert world.models.state.phase is ModelPhase.READY

    run(test)


def test_whoever_stops_waiting_cancels() -> None:
    async def test(world: World) -> None:
        world.engine.hold = asyncio.Event()
        world.engine.benches.append(EVENTS)
        waiting = asyncio.ensure_future(world.benchmarks.measure(PLAN))
        await world.until(lambda: world.benchmarks.state.fraction == 0.5)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert world.benchmarks.state.phase is BenchPhase.CANCELLED

    run(test)


def test_a_model_that_was_unloaded_meanwhile() -> None:
    async def test(world: World) -> None:
        world.engine.benches.append((BenchCancelled(),))
        assert await world.benchmarks.measure(PLAN) is None
        assert world.benchmarks.state.phase is BenchPhase.CANCELLED

    run(test)


def test_a_failure_is_raised_and_told() -> None:
    async def test(world: World) -> None:
        error = OutOfMemory("Too little memory.", remedy="Close something.")
        world.engine.benches.append((Failed(error),))
        world.benchmarks.begin(PLAN)
        await world.tasks.drain()
        state = world.benchmarks.state
        assert (state.phase, state.error) == (BenchPhase.FAILED, error)

    run(test)


def test_an_engine_that_died_is_not_ready_any_more() -> None:
    async def test(world: World) -> None:
        await world.models.load()
        world.engine.benches.append((Failed(EngineCrashed("It died.")),))
        with pytest.raises(EngineCrashed):
            await world.benchmarks.measure(PLAN)
        assert world.models.state.phase is ModelPhase.CHOSEN

    run(test)


def test_without_a_model_there_is_nothing_to_measure() -> None:
    async def test(world: World) -> None:
        for path in ("starter", "other"):
            world.models._models[path] = replace(world.shelf.files[path], read_only=False)
            await world.models.forget(path)
        with pytest.raises(NothingLoaded):
            await world.benchmarks.measure(PLAN)

    run(test)


def test_a_full_disk_loses_only_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        async def full(*_: object) -> NoReturn:
            raise DiskFull("The disk is full.")

        monkeypatch.setattr(world.store, "keep_benchmark", full)
        record = await measured(world)
        assert record.id == 0
        assert world.benchmarks.state.phase is BenchPhase.DONE

    run(test)


# ------------------------------------------------------------------------------ why is it slow?


def test_nothing_is_said_of_what_nobody_looked_at() -> None:
    async def test(world: World) -> None:
        assert await world.benchmarks.diagnose(world.shelf.files["other"]) is None

    run(test)


def test_the_machine_is_looked_at_anew_each_time() -> None:
    async def test(world: World) -> None:
        record = await measured(world)
        model = world.shelf.files["starter"]
        sound = await world.benchmarks.diagnose(model, record)
        assert sound is not None
        assert sound.findings == ()
        world.machine.append(MachineFacts(cores=4, on_battery=True))
        world.memory.append(Memory(100, 10))
        found = await world.benchmarks.diagnose(model, record)
        assert found is not None
        assert [f.cause for f in found.findings] == [Cause.MEMORY, Cause.POWER]
        # 10 are free, and the model holds 123 itself: no more than there is in all.
        evidence = "It takes 123 bytes; 100 bytes of 100 bytes are there for it."
        assert found.findings[0].evidence == evidence

    run(test)


def test_after_an_unload_the_record_tells_how_it_was_loaded() -> None:
    async def test(world: World) -> None:
        record = await measured(world)
        await world.models.unload()
        record = replace(record, subject=replace(record.subject, threads=9))
        found = await world.benchmarks.diagnose(world.shelf.files["starter"], record)
        assert found is not None
        assert [finding.fix for finding in found.findings] == [SetThreads(3)]

    run(test)


@pytest.mark.parametrize(("offload", "count"), [("no", 1), ("yes", 0)])
def test_a_graphics_processor_beside_a_build_without(offload: str, count: int) -> None:
    async def test(world: World) -> None:
        world.engine.offload = offload
        world.machine.append(MachineFacts(cores=4, graphics=("NVIDIA",)))
        record = await measured(world)
        found = await world.benchmarks.diagnose(world.shelf.files["starter"], record)
        assert found is not None
        assert len([f for f in found.findings if f.cause is Cause.BACKEND]) == count

    run(test)


# -------------------------------------------------------------------------------------- remedies


def test_threads_are_set_and_used() -> None:
    async def test(world: World) -> None:
        await world.models.load(2048)
        await world.benchmarks.apply(SetThreads(2))
        assert world.load_settings.automatic_threads.count == 2
        params = world.engine.asked_to_load[-1].params
        assert (params.threads, params.context_length) == (2, 2048)
        assert len(world.engine.asked_to_load) == 2

    run(test)


def test_a_shorter_context_is_loaded() -> None:
    async def test(world: World) -> None:
        await world.models.load(8192)
        await world.benchmarks.apply(ShorterContext(4096))
        assert world.engine.loaded["starter"].context_length == 4096
        await world.models.unload()
        await world.models.load()
        assert world.engine.loaded["starter"].context_length == 4096

    run(test)


def test_all_layers_are_loaded() -> None:
    async def test(world: World) -> None:
        await world.models.load()
        await world.benchmarks.apply(UseAllLayers())
        assert len(world.engine.asked_to_load) == 2
        assert world.engine.asked_to_load[-1].params.gpu_layers is None

    run(test)


def test_others_are_unloaded_and_the_chosen_one_stays() -> None:
    async def test(world: World) -> None:
        world.engine.room = 2
        for path in ("other", "starter"):
            world.engine.loads.append((Loaded(replace(info_for(path), mapped_bytes=100)),))
            await world.models.open_file(path)
            await world.models.load()
        # What counts as available are pages of the other model's file.
        world.memory.append(Memory(1000, 100, mapped_is_available=True))
        found = await world.benchmarks.diagnose(world.shelf.files["starter"])
        assert found is not None
        assert [finding.fix for finding in found.findings] == [UnloadOthers()]
        await world.benchmarks.apply(UnloadOthers())
        assert set(world.engine.loaded) == {"starter"}

    run(test)


@pytest.mark.parametrize("fix", [ChooseAnother(), MeasureAgain()])
def test_what_only_a_person_can_do_is_a_mistake(fix: ChooseAnother | MeasureAgain) -> None:
    async def test(world: World) -> None:
        with pytest.raises(ValueError, match="not for the engine"):
            await world.benchmarks.apply(fix)

    run(test)
