"""What can be chosen while the library looks, and after it has looked."""

from __future__ import annotations

import pytest

from app.domain.errors import FileMissing
from tests.unit.services.world import World, local_model, run

CAME, COPY = "/models/a/b/x.gguf", "/theirs/x.gguf"


def paths(world: World) -> list[str]:
    return [model.path for model in world.models.models]


def test_what_came_while_the_library_looked_stays_until_it_is_found():
    async def steps(world: World):
        world.shelf.files[CAME] = local_model(CAME)
        await world.models.offer(CAME, remember=False)
        world.models.show_found([], {})
        assert CAME in paths(world)
        world.models.show_found([local_model(CAME)], {})
        world.models.show_found([], {})
        assert CAME not in paths(world)

    run(steps)


def test_a_copy_that_stands_for_what_came_is_chosen_in_its_place():
    async def steps(world: World):
        world.shelf.files[CAME] = local_model(CAME)
        await world.models.offer(CAME, remember=False)
        world.models.show_found([local_model(COPY)], {CAME: COPY})
        assert CAME not in paths(world)
        await world.models.choose(CAME)
        assert world.models.state.model == local_model(COPY)

    run(steps)


def test_what_nobody_knows_is_refused_in_a_sentence():
    async def steps(world: World):
        with pytest.raises(FileMissing, match="not in the list"):
            await world.models.choose("/gone.gguf")

    run(steps)
