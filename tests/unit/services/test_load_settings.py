"""Load settings: what is wished reaches the engine, and what cannot be is said before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import LoadSettingsRefused
from app.domain.facts import LoadSettingsChanged, ModelPhase
from app.domain.fit import MEMORY, Memory
from app.domain.load_params import Adapter, AutomaticThreads, LoadParams, ThreadsFrom
from app.domain.placement import Device, DeviceKind
from tests.unit.services.world import World, run

GB = 1_000_000_000
CARD = Device("CUDA0", "A card", "CUDA", DeviceKind.GRAPHICS, 8 * GB, 8 * GB)


def asked(made: World) -> LoadParams:
    """What the engine was last asked to load with."""
    return made.engine.asked_to_load[-1].params


def test_a_wish_is_kept_by_model_and_told() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", LoadParams(context_length=1024))
        assert made.load_settings.wished("starter").context_length == 1024
        assert made.load_settings.wished("other") == LoadParams()
        assert LoadSettingsChanged("starter") in made.facts

    run(go)


def test_what_cannot_be_is_not_kept() -> None:
    async def go(made: World) -> None:
        with pytest.raises(LoadSettingsRefused):
            made.load_settings.change(
                "starter", LoadParams(value_type="q4_0", flash_attention="off")
            )
        assert made.load_settings.wished("starter") == LoadParams()

    run(go)


def test_numbers_are_kept_within_their_bounds() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", LoadParams(threads=100_000))
        assert made.load_settings.wished("starter").threads == 512

    run(go)


def test_the_next_load_is_as_wished() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", LoadParams(context_length=1024, key_type="q5_1"))
        await made.models.load()
        assert (asked(made).context_length, asked(made).key_type) == (1024, "q5_1")

    run(go)


def test_a_conversations_own_context_counts_more() -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", LoadParams(context_length=1024, key_type="f32"))
        await made.models.load(2048)
        assert (asked(made).context_length, asked(made).key_type) == (2048, "f32")

    run(go)


def test_what_is_loaded_stays_until_it_is_loaded_again() -> None:
    async def go(made: World) -> None:
        await made.models.load()
        assert not made.models.is_outdated("starter")
        made.load_settings.change("starter", LoadParams(context_length=1024))
        assert made.models.is_outdated("starter")
        await made.models.load()
        assert len(made.engine.asked_to_load) == 1
        await made.models.load(again=True)
        assert asked(made).context_length == 1024
        assert not made.models.is_outdated("starter")

    run(go)


def test_threads_of_the_model_then_of_the_settings_then_of_this_machine() -> None:
    async def go(made: World) -> None:
        threads: list[int | None] = []

        def note() -> None:
            threads.append(made.load_settings.effective("starter").threads)

        note()
        made.load_settings.use_threads("starter", 5)
        note()
        engine = replace(made.settings.current.engine, threads=6)
        made.settings.change(replace(made.settings.current, engine=engine))
        assert made.load_settings.automatic_threads == AutomaticThreads(6, ThreadsFrom.SETTINGS)
        note()
        made.load_settings.change("starter", LoadParams(threads=7))
        note()
        assert threads == [None, 5, 6, 7]

    run(go)


def test_who_says_how_many_threads_is_told_and_a_measurement_can_be_forgotten() -> None:
    async def go(made: World) -> None:
        settings = made.load_settings
        assert settings.automatic_threads == AutomaticThreads(None, ThreadsFrom.CORES)
        settings.use_threads("starter", 5)
        assert settings.automatic_threads == AutomaticThreads(5, ThreadsFrom.MEASURED)
        made.facts.clear()
        settings.forget_threads("starter")
        assert settings.automatic_threads == AutomaticThreads(None, ThreadsFrom.CORES)
        assert made.facts == [LoadSettingsChanged("starter")]

    run(go)


def test_a_forgotten_measurement_asks_for_another_load() -> None:
    async def go(made: World) -> None:
        made.load_settings.use_threads("starter", 5)
        await made.models.load()
        made.load_settings.forget_threads("starter")
        assert made.models.is_outdated("starter")

    run(go)


@pytest.mark.parametrize("own", [None, 7])
def test_threads_to_use_take_the_place_of_those_in_force(own: int | None) -> None:
    async def go(made: World) -> None:
        made.load_settings.change("starter", LoadParams(threads=own))
        made.load_settings.use_threads("starter", 2)
        assert made.load_settings.effective("starter").threads == 2
        # Another model computes with as many, unless it was the first one's own wish.
        assert made.load_settings.effective("other").threads == (None if own else 2)
        assert made.facts[-1] == LoadSettingsChanged("starter")

    run(go)


def test_an_adapter_is_looked_at_before_the_engine_is_asked() -> None:
    async def go(made: World) -> None:
        made.shelf.adapters = {"good": "llama", "foreign": "qwen2"}
        made.load_settings.change("starter", LoadParams(adapters=(Adapter("good"),)))
        await made.models.load()
        for bad in ("foreign", "no adapter"):
            made.load_settings.change("starter", LoadParams(adapters=(Adapter(bad),)))
            with pytest.raises(LoadSettingsRefused):
                await made.models.load(again=True)
            assert made.models.state.phase is ModelPhase.FAILED
        assert len(made.engine.asked_to_load) == 1

    run(go)


def test_the_load_is_fitted_to_what_is_free() -> None:
    async def go(made: World) -> None:
        # Of the invented model the cache of 8,192 tokens takes 4 MB of 15, and 256 MiB stay free.
        made.memory.append(Memory(GB, 256 * 1024**2 + 13_500_000))
        await made.models.load()
        assert (asked(made).context_length, asked(made).key_type) == (8192, "q8_0")

    run(go)


def test_a_card_takes_it_all_if_there_is_room() -> None:
    async def go(made: World) -> None:
        made.engine.there = (CARD,)
        await made.models.load()
        (request,) = made.engine.asked_to_load
        assert request.params.gpu_layers == 3
        assert [name for name, _ in request.needs] == [MEMORY, "CUDA0"]
        assert made.fit.devices == (CARD,)

    run(go)


def test_the_needs_are_told_so_that_others_can_make_way() -> None:
    async def go(made: World) -> None:
        fit = made.fit.fit(made.models.models[0])
        assert fit is not None
        await made.models.load()
        (request,) = made.engine.asked_to_load
        assert dict(request.needs) == {MEMORY: fit.expected.total_bytes}

    run(go)
