"""Choosing, loading, unloading and losing a model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import EngineCrashed, FileMissing, LoadRefused, ModelFileError
from app.domain.facts import LoadedModelsChanged, ModelPhase, ModelStateChanged
from app.domain.generation import Failed
from app.domain.load_params import LoadParams
from tests.unit.services.world import World, local_model, run


def phases(w: World) -> list[ModelPhase]:
    shown = [fact.state.phase for fact in w.facts if isinstance(fact, ModelStateChanged)]
    return [phase for i, phase in enumerate(shown) if i == 0 or shown[i - 1] is not phase]


def test_the_starter_is_chosen_first_and_loads():
    async def test(w: World):
        info = await w.models.load()
        return info, w.models.state, phases(w)

    info, state, shown = run(test)
    assert info is not None
    assert (info.path, state.phase) == ("starter", ModelPhase.READY)
    assert shown == [ModelPhase.CHOSEN, ModelPhase.LOADING, ModelPhase.READY]


def test_a_second_load_of_the_same_does_nothing():
    async def test(w: World):
        await asyncio.gather(w.models.load(), w.models.load())
        await w.models.load()
        return len(w.engine.asked_to_load)

    assert run(test) == 1


def test_another_context_length_loads_again():
    async def test(w: World):
        await w.models.load()
        await w.models.load(2048)
        await w.models.load(2048)
        await w.models.load()
        return [request.params.context_length for request in w.engine.asked_to_load]

    assert run(test) == [8192, 2048]


def test_a_refused_load_is_shown_and_raised():
    async def test(w: World):
        w.engine.loads.append([Failed(LoadRefused("No"))])
        with pytest.raises(LoadRefused):
            await w.models.load()
        return w.models.state

    state = run(test)
    assert state.phase is ModelPhase.FAILED
    assert isinstance(state.error, LoadRefused)


def test_a_cancelled_load_gives_none():
    async def test(w: World):
        w.engine.hold_load = asyncio.Event()
        loading = asyncio.ensure_future(w.models.load())
        await w.until(lambda: w.models.state.phase is ModelPhase.LOADING)
        w.models.cancel_load()
        return await loading, w.models.state.phase

    assert run(test) == (None, ModelPhase.CHOSEN)


def test_choosing_another_while_loading_loads_that_one():
    async def test(w: World):
        w.engine.hold_load = asyncio.Event()
        first = asyncio.ensure_future(w.models.load())
        await w.until(lambda: bool(w.engine.asked_to_load))
        await w.models.open_file("other")
        second = asyncio.ensure_future(w.models.load())
        await asyncio.sleep(0.01)
        w.engine.hold_load.set()
        return await first, await second, w.models.state

    first, second, state = run(test)
    assert first is None
    assert second is not None
    assert (second.path, state.phase) == ("other", ModelPhase.READY)


async def held(w: World, *loads: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    """Begin each load while those before it are held back."""
    w.engine.hold_load = asyncio.Event()
    begun: list[asyncio.Future[Any]] = []
    for load in loads:
        begun.append(asyncio.ensure_future(load))
        await asyncio.sleep(0.01)
    return begun


def test_after_a_cancel_the_model_can_be_loaded_at_once():
    async def test(w: World):
        (first,) = await held(w, w.models.load())
        w.models.cancel_load()
        second = asyncio.ensure_future(w.models.load())
        assert w.engine.hold_load is not None
        w.engine.hold_load.set()
        return await first, await second

    first, second = run(test)
    assert first is None
    assert second is not None


def test_two_that_wish_for_different_lengths_are_both_served():
    async def test(w: World):
        loads = await held(w, w.models.load(1024), w.models.load(2048))
        assert w.engine.hold_load is not None
        w.engine.hold_load.set()
        infos = [await load for load in loads]
        return [info and info.context_length for info in infos], len(w.engine.asked_to_load)

    assert run(test) == ([1024, 2048], 3)


def test_a_cancel_ends_those_as_well_whose_turn_is_yet_to_come():
    async def test(w: World):
        loads = await held(w, w.models.load(1024), w.models.load(2048))
        w.models.cancel_load()
        return [await load for load in loads]

    assert run(test) == [None, None]


def test_loading_again_takes_settings_that_changed_while_it_was_loaded():
    async def test(w: World):
        first, _ = await held(w, w.models.load(), asyncio.sleep(0))
        w.load_settings.change("starter", LoadParams(threads=3))
        again = asyncio.ensure_future(w.models.load(again=True))
        twice = asyncio.ensure_future(w.models.load(again=True))
        await asyncio.sleep(0.01)
        assert w.engine.hold_load is not None
        w.engine.hold_load.set()
        served = [await load is not None for load in (first, again, twice)]
        return served, [request.params.threads for request in w.engine.asked_to_load]

    assert run(test) == ([True, True, True], [None, 3])


def test_a_reload_that_is_cancelled_before_it_begins_leaves_the_model_ready():
    async def test(w: World):
        await w.models.load()
        w.engine.hold_devices = asyncio.Event()
        again = asyncio.ensure_future(w.models.load(again=True))
        await w.until(lambda: w.models.state.phase is ModelPhase.LOADING)
        w.models.cancel_load()
        w.engine.hold_devices.set()
        return await again, w.models.state.phase

    assert run(test) == (None, ModelPhase.READY)


def test_an_opened_file_is_remembered_and_can_be_forgotten():
    async def test(w: World):
        await w.models.open_file("other")
        kept = w.settings.current.library
        await w.models.forget("other")
        return kept, w.settings.current.library, w.models.state.model

    kept, after, model = run(test)
    assert (kept.model_files, kept.chosen) == (("other",), "other")
    assert after.model_files == ()
    assert model is not None
    assert model.is_starter


def test_a_bad_file_changes_nothing():
    async def test(w: World):
        with pytest.raises(ModelFileError):
            await w.models.open_file("absent")
        return w.models.state.model, w.settings.current.library.model_files

    model, files = run(test)
    assert model is not None
    assert (model.path, files) == ("starter", ())


def test_a_file_that_went_away_is_said_at_load():
    async def test(w: World):
        await w.models.open_file("other")
        del w.shelf.files["other"]
        with pytest.raises(FileMissing):
            await w.models.load()
        return w.models.state.phase

    assert run(test) is ModelPhase.FAILED


def test_an_engine_that_dies_idle_is_shown_and_the_next_load_works():
    async def test(w: World):
        await w.models.load()
        w.engine.lose("starter", EngineCrashed("It died"))
        lost = w.models.state.phase
        await w.models.load()
        return lost, w.models.state.phase

    assert run(test) == (ModelPhase.FAILED, ModelPhase.READY)


def test_the_hash_is_computed_once_per_file():
    async def test(w: World):
        await w.models.load()
        await w.tasks.drain()
        await w.models.unload()
        await w.models.load()
        await w.tasks.drain()
        return w.shelf.hashed

    assert run(test) == ["starter"]


def test_the_engine_is_told_the_hash_once_it_is_known():
    async def test(w: World):
        await w.models.load()
        await w.tasks.drain()
        await w.models.unload()
        await w.models.load()
        await w.tasks.drain()
        return [request.file_hash for request in w.engine.asked_to_load]

    assert run(test) == ["", "ab" * 32]


def test_the_starter_cannot_be_forgotten():
    async def test(w: World):
        await w.models.forget("starter")
        return w.models.models

    assert run(test) == (local_model("starter", starter=True),)


# ------------------------------------------------------------------------- several at once


def shown_loaded(w: World) -> list[list[str]]:
    """What was told to be in memory, one after the other."""
    told = [fact.loaded for fact in w.facts if isinstance(fact, LoadedModelsChanged)]
    return [[info.path for info in infos] for infos in told]


def test_another_model_is_loaded_beside_the_first():
    async def test(w: World):
        w.engine.room = 2
        await w.models.load()
        await w.models.open_file("other")
        await w.models.load()
        return [info.path for info in w.models.loaded], shown_loaded(w)

    loaded, shown = run(test)
    assert loaded == ["starter", "other"]
    assert shown == [["starter"], ["starter", "other"]]


def test_a_model_that_is_there_is_ready_at_once():
    async def test(w: World):
        w.engine.room = 2
        await w.models.load()
        await w.models.open_file("other")
        await w.models.load()
        await w.models.choose("starter")
        phase = w.models.state.phase
        await w.models.load()
        return phase, len(w.engine.asked_to_load)

    assert run(test) == (ModelPhase.READY, 2)


def test_each_can_be_unloaded_for_itself():
    async def test(w: World):
        w.engine.room = 2
        await w.models.load()
        await w.models.open_file("other")
        await w.models.load()
        await w.models.unload("starter")
        first = [info.path for info in w.models.loaded], w.models.state.phase
        await w.models.unload()
        return first, w.models.loaded, w.models.state.phase

    assert run(test) == ((["other"], ModelPhase.READY), (), ModelPhase.CHOSEN)


def test_one_that_made_way_is_shown_as_not_loaded():
    async def test(w: World):
        await w.models.load()
        w.engine.drop("starter")
        return w.models.state.phase, shown_loaded(w)

    assert run(test) == (ModelPhase.CHOSEN, [["starter"], []])


def test_the_engine_of_another_model_that_dies_is_no_failure_of_this_one():
    async def test(w: World):
        w.engine.room = 2
        await w.models.load()
        await w.models.open_file("other")
        await w.models.load()
        w.engine.lose("starter", EngineCrashed("It died"))
        return w.models.state.phase, [info.path for info in w.models.loaded]

    assert run(test) == (ModelPhase.READY, ["other"])


def test_a_load_is_cancelled_while_the_devices_are_looked_at():
    async def test(w: World):
        w.engine.hold_devices = asyncio.Event()
        loading = asyncio.ensure_future(w.models.load())
        await w.until(lambda: w.models.state.phase is ModelPhase.LOADING)
        w.models.cancel_load()
        w.engine.hold_devices.set()
        return await loading, w.engine.asked_to_load

    assert run(test) == (None, [])


@pytest.mark.parametrize("remember", [True, False])
def test_an_offered_file_is_there_and_remembered_only_if_so_wished(remember: bool):
    async def steps(w: World):
        await w.models.offer("other", remember=remember)
        assert "other" in [model.path for model in w.models.models]
        assert w.settings.current.library.model_files == (("other",) if remember else ())
        w.shelf.files["other"] = replace(local_model("other"), mtime_ns=9)
        await w.models.offer("other")
        assert w.models.models[-1].mtime_ns == 9

    run(steps)


def test_another_one_chosen_before_a_load_has_begun_stays_chosen():
    async def test(w: World):
        await w.models.open_file("other")
        loading = asyncio.ensure_future(w.models.load())
        # The load is on its way, and has not come to its first step.
        await asyncio.sleep(0)
        await w.models.choose("starter")
        await loading
        return w.models.state

    state = run(test)
    assert state.model is not None
    assert (state.model.path, state.phase) == ("starter", ModelPhase.CHOSEN)


def test_a_name_that_the_library_finds_during_a_load_stays():
    async def test(w: World):
        w.engine.hold_load = asyncio.Event()
        loading = asyncio.ensure_future(w.models.load())
        await w.until(lambda: w.models.state.phase is ModelPhase.LOADING)
        w.models.show_found([replace(local_model("starter"), label="Found")], {})
        w.engine.hold_load.set()
        await loading
        return w.models.state

    state = run(test)
    assert state.model is not None
    assert (state.model.label, state.phase) == ("Found", ModelPhase.READY)
