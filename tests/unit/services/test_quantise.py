"""Making a model smaller: what is offered, what is refused, and how a job ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.domain.errors import EngineBusy, FileMissing
from app.domain.facts import QuantiseChanged
from app.domain.library_errors import AlreadyQuantised, QuantiseError, QuantiseRefused, ResultExists
from app.domain.quantise import QuantisePhase, QuantiseRequest, QuantiseState, QuantiseWork
from tests.unit.services.world import World, local_model, run

REQUEST = QuantiseRequest("other", "/models/small.gguf", "Q4_K_M")


def makes_a_file(world: World) -> None:
    """What a job writes is on the shelf afterwards."""

    def made(work: QuantiseWork) -> None:
        world.shelf.files[work.result] = local_model(work.result)

    world.quantiser.made = made


def states(world: World) -> list[QuantiseState]:
    return [fact.state for fact in world.facts if isinstance(fact, QuantiseChanged)]


def refusal(request: QuantiseRequest, *, is_quantised: bool = False) -> QuantiseError:
    async def go(world: World) -> QuantiseError:
        world.quantiser.is_quantised = is_quantised
        with pytest.raises(QuantiseError) as caught:
            await world.quantise.make(request)
        assert world.quantiser.asked == []
        assert world.quantise.state.error is caught.value
        return caught.value

    return run(go)


def test_the_options_tell_size_quality_and_fit():
    async def go(world: World) -> None:
        options = await world.quantise.options("other")
        assert options.source_bytes == 1000
        assert [option.target for option in options.options][:3] == ["Q8_0", "Q6_K", "Q5_K_M"]
        named = {option.target: option for option in options.options}
        # 900 bytes of tensors, and 100 of header that stay.
        assert named["Q8_0"].file_bytes == 478 + 100
        assert named["Q4_K_M"].quality == "small loss, a good balance"
        fits = [option.fit.needed_bytes for option in options.options if option.fit]
        assert fits == sorted(fits, reverse=True)
        assert len(fits) == len(options.options)

    run(go)


def test_what_was_measured_of_the_source_is_not_told_of_the_result():
    async def go(world: World) -> None:
        await world.fit.measure(world.shelf.files["other"])
        options = await world.quantise.options("other")
        assert all(option.fit and option.fit.measured is None for option in options.options)

    run(go)


def test_a_result_is_told_offered_and_can_be_chosen():
    async def go(world: World) -> None:
        makes_a_file(world)
        done = await world.quantise.make(REQUEST)
        assert (done.phase, done.result_bytes) == (QuantisePhase.DONE, 369)
        assert done.result_path in [model.path for model in world.models.models]
        assert done.result_path in world.settings.current.library.model_files
        await world.models.choose(done.result_path)
        assert [state.fraction for state in states(world)] == [0, 0, 0.25, 1.0, 1.0]
        assert states(world)[1].label == "other"

    run(go)


def test_where_a_result_goes():
    async def go(world: World) -> None:
        result_for = world.quantise.result_for
        assert result_for("/models/a/b/T-F16.gguf", "Q8_0") == "/models/a/b/T-Q8_0.gguf"
        assert result_for("/elsewhere/T-F16.gguf", "Q8_0") == "/models/T-Q8_0.gguf"
        assert result_for("/models2/T-F16.gguf", "Q8_0") == "/models/T-Q8_0.gguf"

    run(go)


def test_a_name_that_no_model_has_is_refused():
    assert "ends in .gguf" in refusal(replace(REQUEST, result="/models/small.bin")).remedy
    split = replace(REQUEST, result="/models/small-00001-of-00002.gguf")
    assert "one part" in refusal(split).title


def test_what_would_not_become_smaller_is_refused():
    refused = refusal(replace(REQUEST, target="F16"))
    assert isinstance(refused, QuantiseRefused)
    assert "would not become smaller as F16" in refused.title


def test_what_was_made_smaller_before_must_be_asked_for():
    assert isinstance(refusal(REQUEST, is_quantised=True), AlreadyQuantised)

    async def go(world: World) -> None:
        world.quantiser.is_quantised = True
        makes_a_file(world)
        await world.quantise.make(replace(REQUEST, again=True, replace=True, threads=3))
        ((work, expected, may_replace),) = world.quantiser.asked
        assert (work.again, work.threads, expected, may_replace) == (True, 3, 370, True)

    run(go)


def test_a_source_that_is_gone_is_said():
    async def go(world: World) -> None:
        with pytest.raises(FileMissing):
            await world.quantise.make(replace(REQUEST, source="gone"))
        assert world.quantise.state.phase is QuantisePhase.FAILED

    run(go)


def test_a_failure_in_the_background_is_in_the_state():
    async def go(world: World) -> None:
        world.quantiser.error = ResultExists("It is there.")
        world.quantise.begin(REQUEST)
        await world.until(lambda: world.quantise.state.phase is QuantisePhase.FAILED)
        assert world.quantise.state.error is world.quantiser.error

    run(go)


def test_a_cancel_ends_it_and_another_may_begin():
    async def go(world: World) -> None:
        makes_a_file(world)
        world.quantiser.hold = asyncio.Event()
        world.quantise.begin(REQUEST)
        await world.until(lambda: bool(world.quantiser.asked))
        with pytest.raises(EngineBusy):
            await world.quantise.make(REQUEST)
        world.quantise.cancel()
        await world.until(lambda: world.quantise.state.phase is QuantisePhase.CANCELLED)
        world.quantiser.hold = None
        await world.quantise.make(REQUEST)
        assert world.quantise.state.phase is QuantisePhase.DONE

    run(go)
