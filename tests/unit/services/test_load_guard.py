"""A load that the engine did not survive is not begun again by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.domain.errors import ConfigError, EngineCrashed, EngineNotStarted, OutOfMemory
from app.domain.facts import ModelPhase
from app.domain.generation import Failed
from app.domain.load_params import LoadParams
from app.services.load_guard import LoadGuard
from app.services.models import ModelService
from tests.unit.services.world import World, local_model, run

CRASH = Failed(EngineCrashed("It died", "SIGSEGV", "Choose another."))


@dataclass
class Mark:
    """A note in memory."""

    content: str = ""
    fails: bool = False

    def read(self) -> str:
        return self.content

    def write(self, loading: str) -> None:
        if self.fails:
            raise ConfigError("full")
        self.content = loading


async def load(w: World) -> str:
    """The title of the error, or nothing."""
    try:
        await w.models.load()
    except (EngineCrashed, OutOfMemory) as error:
        return error.title
    return ""


def test_the_same_load_is_not_tried_again_until_somebody_chooses_it():
    async def test(w: World):
        w.engine.loads.append([CRASH])
        titles = [await load(w), await load(w)]
        tried = len(w.engine.asked_to_load)
        phase = w.models.state.phase
        await w.models.choose("starter")
        titles.append(await load(w))
        return titles, tried, phase

    (first, second, third), tried, phase = run(test)
    assert (first, tried, phase, third) == ("It died", 1, ModelPhase.FAILED, "")
    assert "not tried again" in second


@pytest.mark.parametrize("error", [OutOfMemory("Too big"), EngineNotStarted("No engine")])
def test_what_is_no_crash_of_this_file_may_be_tried_again(error: OutOfMemory):
    async def test(w: World):
        w.engine.loads.append([Failed(error)])
        return await load(w), await load(w), len(w.engine.asked_to_load)

    assert run(test) == (error.title, "", 2)


def test_another_way_of_loading_may_be_tried():
    async def test(w: World):
        w.engine.loads.append([CRASH])
        await load(w)
        return await w.models.load(512)

    assert run(test) is not None


def service(w: World, mark: Mark) -> ModelService:
    """As after another start."""
    return ModelService(
        w.engine,
        w.shelf,
        w.store,
        w.settings,
        w.load_settings,
        w.fit,
        w.models._facts,
        w.tasks,
        mark,
    )


def test_after_a_crash_the_next_start_does_not_load_it_by_itself():
    async def test(w: World):
        mark = Mark()
        before = service(w, mark)
        await before.start()
        w.engine.loads.append([CRASH])
        await before.preload()
        after = service(w, mark)
        await after.start()
        await after.preload(at_start=True)
        quiet = (len(w.engine.asked_to_load), after.state.phase, after.state.error)
        await after.load()
        return quiet, mark.content, after.state.phase

    (asked, phase, error), mark, phase_after = run(test)
    assert (asked, phase) == (1, ModelPhase.FAILED)
    assert error is not None
    assert "by itself" in error.title
    assert (mark, phase_after) == ("", ModelPhase.READY)


def test_whoever_asks_for_it_gets_it_tried_again():
    async def test(w: World):
        w.engine.loads.append([CRASH])
        models = service(w, Mark())
        await models.start()
        await models.preload()
        crashed = models.state.phase
        await models.preload()
        return crashed, models.state.phase

    assert run(test) == (ModelPhase.FAILED, ModelPhase.READY)


def test_what_is_chosen_is_loaded_even_at_the_start():
    async def test(w: World):
        mark = Mark()
        LoadGuard(mark).watching(local_model("starter", starter=True), LoadParams()).__enter__()
        models = service(w, mark)
        await models.start()
        await models.choose("starter")
        await models.preload(at_start=True)
        return models.state.phase

    assert run(test) is ModelPhase.READY


def test_a_load_that_took_the_application_along_is_known():
    model = local_model("m")
    mark = Mark()
    watching = LoadGuard(mark).watching(model, None)  # type: ignore[arg-type]
    watching.__enter__()
    assert LoadGuard(mark).refusal_at_start(model) is not None
    assert LoadGuard(mark).refusal_at_start(local_model("other")) is None


def test_what_ends_well_leaves_no_mark():
    async def test(w: World):
        mark = Mark()
        models = service(w, mark)
        await models.start()
        await models.preload()
        return mark.content, models.state.phase

    assert run(test) == ("", ModelPhase.READY)


def test_a_mark_that_cannot_be_written_stops_no_load():
    async def test(w: World):
        models = service(w, Mark(fails=True))
        await models.start()
        await models.preload()
        return models.state.phase

    assert run(test) is ModelPhase.READY
