"""What fits: told against what is free, measured on demand, and better after each load."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.domain.errors import EngineCrashed, LoadSettingsRefused, StoreError
from app.domain.facts import ModelPhase
from app.domain.fit import MEMORY, ContextPlan, FitRecord, Memory, Verdict, estimate
from app.domain.generation import Loaded
from app.domain.load_params import LoadParams, draft_params, plan_of
from app.services.fit import FitService
from tests.helpers.scripted_engine import info_for
from tests.unit.services.world import SHAPE, World, local_model, run, world

MODEL = local_model("starter", starter=True)
PLAIN = LoadParams(key_type="f16", value_type="f16")
CACHE = 2 * 2 * 64 * 2
"""Bytes a token of the invented model."""


def plan(length: int) -> ContextPlan:
    """Of a processor alone, with memory to spare."""
    return ContextPlan(length, batch=256, flash=False)


def compute_of(length: int) -> int:
    return estimate(SHAPE, plan(length)).compute_bytes


def test_the_automatic_context_against_what_is_free() -> None:
    async def go(made: World) -> None:
        fit = made.fit.fit(MODEL)
        assert fit is not None
        assert fit.plan == plan(8192)
        assert fit.expected == estimate(SHAPE, plan(8192))
        assert fit.expected.cache_bytes == CACHE * 8192
        assert (fit.measured, fit.free_bytes) == (None, 8_000_000_000)

    run(go)


def test_lengths_are_what_the_engine_makes_of_them() -> None:
    async def go(made: World) -> None:
        fit = made.fit.fit(MODEL, LoadParams(context_length=300))
        assert fit is not None
        assert fit.plan == plan(512)

    run(go)


def test_a_header_that_tells_too_little() -> None:
    async def go(made: World) -> None:
        bare = replace(MODEL, shape=None)
        assert made.fit.fit(bare) is None
        assert made.fit.largest_context(bare) == 0
        assert await made.fit.measure(bare) is None

    run(go)


@pytest.mark.parametrize(
    ("available", "verdict"), [(10**12, Verdict.FITS), (1000, Verdict.TOO_LARGE)]
)
def test_memory_is_asked_each_time(available: int, verdict: Verdict) -> None:
    async def go(made: World) -> None:
        made.memory.append(Memory(10**12, available))
        fit = made.fit.fit(MODEL)
        assert fit is not None
        assert fit.verdict is verdict

    run(go)


def test_the_largest_context_is_at_most_the_trained_one() -> None:
    async def go(made: World) -> None:
        made.memory.append(Memory(10**12, 10**12))
        assert made.fit.largest_context(MODEL, PLAIN) == 8192
        made.memory.append(Memory(10**12, 900 + compute_of(2048) + CACHE * 2048))
        assert made.fit.largest_context(MODEL, PLAIN) == 2048
        made.memory.append(Memory(10**12, 0))
        assert made.fit.largest_context(MODEL, PLAIN) == 0

    run(go)


# ---------------------------------------------------------------------- what would be given back


async def free_beside(made: World, memory: Memory, *, mapped: int = 0, there: int = 0) -> int:
    places = (("CUDA0", there),) if there else ()
    info = replace(info_for("starter"), mapped_bytes=mapped, places=places)
    made.engine.loads.append([Loaded(info)])
    await made.models.load()
    made.memory.append(memory)
    fit = made.fit.fit(MODEL)
    assert fit is not None
    return fit.free_bytes


def test_the_loaded_model_would_give_back_its_memory() -> None:
    assert run(lambda made: free_beside(made, Memory(9000, 1000))) == 1123


def test_mapped_pages_are_not_counted_twice() -> None:
    linux = Memory(9000, 1000, mapped_is_available=True)
    assert run(lambda made: free_beside(made, linux, mapped=90)) == 1033
    assert run(lambda made: free_beside(made, Memory(9000, 1000), mapped=90)) == 1123


def test_never_more_than_there_is() -> None:
    assert run(lambda made: free_beside(made, Memory(1050, 1000))) == 1050


def test_what_lies_in_a_graphics_processor_is_left_out() -> None:
    assert run(lambda made: free_beside(made, Memory(9000, 1000), there=120)) == 1003


# ------------------------------------------------------------------------------------ learning


def test_a_load_is_remembered_and_told_from_then_on() -> None:
    async def go(made: World) -> None:
        await made.models.load()
        await made.tasks.drain()
        (record,) = await made.store.fits("here")
        assert record.predicted == estimate(SHAPE, plan(8192))
        assert (record.path, record.measured.total_bytes) == ("starter", 123)
        told = made.fit.fit(MODEL)
        assert told is not None
        assert told.measured == record.measured
        assert told.needed_bytes == 123

    run(go)


def test_another_file_at_the_place_is_another_file() -> None:
    async def go(made: World) -> None:
        await made.models.load()
        await made.tasks.drain()
        told = made.fit.fit(replace(MODEL, mtime_ns=6))
        assert told is not None
        assert told.measured is None

    run(go)


def test_the_estimate_corrects_itself() -> None:
    async def go(made: World) -> None:
        measured = round(compute_of(4096) * 1.1)
        params = LoadParams(flash_attention="off", micro_batch=256)
        info = replace(info_for("starter"), compute_bytes=measured, params=params)
        made.engine.loads.append([Loaded(info)])
        await made.models.load()
        await made.tasks.drain()
        assert made.fit.factor == pytest.approx(1.1, rel=1e-3)
        other = made.fit.fit(local_model("other"))
        assert other is not None
        assert other.expected.compute_bytes == pytest.approx(1.1 * compute_of(8192), rel=1e-3)
        # What is learned from stays the formula's own figure.
        (record,) = await made.store.fits("here")
        assert record.predicted.compute_bytes == compute_of(4096)

    run(go)


def test_a_load_is_learned_from_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[FitRecord] = []

    async def keep(_machine: str, record: FitRecord, _now: int) -> None:
        kept.append(record)

    async def go(made: World) -> None:
        monkeypatch.setattr(made.store, "keep_fit", keep)
        await made.models.load()
        await made.models.open_file("other")
        await made.models.choose("starter")
        assert made.models.state.phase is ModelPhase.READY
        await made.tasks.drain()

    run(go)
    assert len(kept) == 1


def test_the_next_start_recalls_it() -> None:
    async def go(made: World) -> None:
        await made.models.load()
        await made.tasks.drain()
        for machine, expected in (("here", 123), ("elsewhere", None)):
            later = FitService(
                made.engine, made.shelf, made.store, made.load_settings.effective,
                made.models._facts,
                made.tasks, lambda: made.memory[-1], machine, lambda: 0,
            )  # fmt: skip
            await later.start()
            told = later.fit(MODEL)
            assert told is not None
            assert (told.measured.total_bytes if told.measured else None) == expected

    run(go)


def test_a_store_that_fails_loses_only_what_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise StoreError("full")

    async def go() -> None:
        async with world() as made:
            monkeypatch.setattr(made.store, "keep_fit", refuse)
            monkeypatch.setattr(made.store, "fits", refuse)
            await made.fit.start()
            await made.models.load()
            await made.tasks.drain()
            told = made.fit.fit(MODEL)
            assert told is not None
            assert told.needed_bytes == 123

    asyncio.run(go())


# -------------------------------------------------------------------------------- measuring


def test_measuring_loads_nothing_and_is_remembered() -> None:
    async def go(made: World) -> None:
        told = await made.fit.measure(MODEL, LoadParams(context_length=2048))
        assert told is not None
        assert told.needed_bytes == 123
        assert made.engine.measured == ["starter"]
        assert made.engine.asked_to_load == []
        assert len(await made.store.fits("here")) == 1

    run(go)


def test_a_measurement_that_fails_says_so() -> None:
    async def go(made: World) -> None:
        made.engine.dry_run_error = EngineCrashed("gone")
        with pytest.raises(EngineCrashed):
            await made.fit.measure(MODEL)
        assert await made.store.fits("here") == []

    run(go)


# --------------------------------------------------------------------------------- draft model

WITH_DRAFT = replace(PLAIN, context_length=2048, draft_path="other")


def draft_bytes(params: LoadParams) -> int:
    """What the invented draft model takes beside a model that is loaded like this."""
    return estimate(SHAPE, plan_of(draft_params(params, 8192), 8192)).total_bytes


def test_a_draft_model_counts_from_the_look_at_its_file_on() -> None:
    async def go(made: World) -> None:
        alone = made.fit.fit(MODEL, WITH_DRAFT)
        await made.fit.look_at_draft(WITH_DRAFT)
        beside = made.fit.fit(MODEL, WITH_DRAFT)
        assert alone is not None
        assert beside is not None
        expected = draft_bytes(made.fit.fitted(MODEL, WITH_DRAFT))
        assert (alone.draft_bytes, beside.draft_bytes) == (0, expected)
        assert beside.needed_bytes == alone.needed_bytes + expected
        assert beside.expected == alone.expected

    run(go)


def test_room_is_made_for_both() -> None:
    async def go(made: World) -> None:
        params = made.fit.fitted(MODEL, WITH_DRAFT)
        ((_, alone),) = made.fit.needs(MODEL, params)
        await made.fit.look_at_draft(WITH_DRAFT)
        assert made.fit.needs(MODEL, params) == ((MEMORY, alone + draft_bytes(params)),)

    run(go)


def test_what_fits_alone_may_not_fit_beside_a_draft_model() -> None:
    async def go(made: World) -> None:
        free = 2_000 + compute_of(8192) + CACHE * 8192
        made.memory.append(Memory(10**12, free))
        assert made.fit.largest_context(MODEL, WITH_DRAFT) == 8192
        await made.fit.look_at_draft(WITH_DRAFT)
        assert 0 < made.fit.largest_context(MODEL, WITH_DRAFT) < 8192

    run(go)


def test_what_a_load_with_a_draft_model_teaches_is_of_the_model_alone() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", WITH_DRAFT)
        made.engine.loads.append([Loaded(replace(info_for("starter"), draft_bytes=5000))])
        await made.models.load()
        await made.tasks.drain()
        (record,) = await made.store.fits("here")
        assert record.measured.total_bytes == 123

    run(go)


def test_a_draft_model_that_cannot_be_read_is_refused_before_the_engine_is_asked() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", replace(WITH_DRAFT, draft_path="/gone/small.gguf"))
        with pytest.raises(LoadSettingsRefused) as raised:
            await made.models.load()
        assert "small.gguf" in raised.value.title
        assert "Take it out" in raised.value.remedy
        assert made.engine.asked_to_load == []

    run(go)


def test_the_list_knows_the_draft_models_from_the_start() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", WITH_DRAFT)
        await made.models.start()
        fit = made.fit.fit(MODEL)
        assert fit is not None
        assert fit.draft_bytes > 0

    run(go)


def test_one_that_is_gone_does_not_keep_the_window_from_opening() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", replace(WITH_DRAFT, draft_path="gone"))
        await made.models.start()
        assert made.models.state.model is not None

    run(go)
