"""Downloads as the window and the command line follow them."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.errors import FileMissing, NoSpace, NoSuchTransfer, ProfileInUse
from app.domain.facts import TransfersChanged, Trouble
from app.domain.hub import RepoDetails, RepoFile, RepoSummary, Variant
from app.domain.settings import HubSettings
from app.domain.transfer import Transfer, TransferLimits, TransferPhase, TransferRequest
from app.services.transfers import TransferService
from tests.helpers.scripted_shelf import entry_of
from tests.unit.services.world import World, local_model, run

SHARDS = (RepoFile("m-00001-of-00002.gguf", 5), RepoFile("m-00002-of-00002.gguf", 5))
PROJECTOR = RepoFile("mmproj.gguf", 1)
VARIANT = Variant("Q4_0", SHARDS)
DETAILS = RepoDetails(RepoSummary("author/model"), "c" * 40, (VARIANT,), (PROJECTOR,))


def service(world: World) -> TransferService:
    return TransferService(world.hub, world.models, world.models._facts, world.tasks)


def test_a_variant_is_fetched_with_all_that_belongs_to_it():
    async def steps(world: World):
        assert await service(world).download(DETAILS, VARIANT) == "t1"
        request = TransferRequest("author/model", "c" * 40, "model Q4_0", (*SHARDS, PROJECTOR))
        assert world.hub.asked == [("add", request)]

    run(steps)


@pytest.mark.parametrize(
    "last", [TransferPhase.FINISHED, TransferPhase.FAILED, TransferPhase.PAUSED]
)
def test_it_is_followed_until_it_runs_no_more(last: TransferPhase):
    async def steps(world: World):
        made = service(world)
        transfer = await made.download(DETAILS, VARIANT)

        async def follow() -> list[Transfer]:
            return [state async for state in made.follow(transfer)]

        following = asyncio.create_task(follow())
        for changed in (
            {"phase": TransferPhase.RUNNING, "done_bytes": 3},
            {"phase": TransferPhase.RETRYING},
            {"phase": last, "error": NoSpace("Full."), "paths": ("other",)},
        ):
            await asyncio.sleep(0)
            world.hub.go_on(**changed)
        seen = await following
        assert seen[-1].phase is last
        assert seen[0].phase is TransferPhase.WAITING

    run(steps)


def test_one_that_was_removed_cannot_be_followed():
    async def steps(world: World):
        made = service(world)
        await made.download(DETAILS, VARIANT)
        states = made.follow("t1")
        await anext(states)
        world.hub.announce()
        with pytest.raises(NoSuchTransfer):
            await anext(states)

    run(steps)


def test_a_finished_one_can_be_chosen_and_the_library_remembers_it():
    async def steps(world: World):
        made = service(world)
        await made.download(DETAILS, VARIANT)
        world.shelf.files["new"] = local_model("new")
        world.shelves.entries = [entry_of(local_model("new"))]
        chosen = world.models.state.model
        for _ in range(3):
            world.hub.go_on(phase=TransferPhase.FINISHED, paths=("new", "second"))
        await world.tasks.drain()
        assert "new" in [model.path for model in world.models.models]
        assert world.settings.current.library.model_files == ()
        assert world.models.state.model == chosen
        assert sum(isinstance(fact, TransfersChanged) for fact in world.facts) == 5

    run(steps)


def test_a_finished_one_that_nothing_can_run_is_said():
    async def steps(world: World):
        made = service(world)
        await made.download(DETAILS, VARIANT)
        world.hub.go_on(phase=TransferPhase.FINISHED, paths=("unknown",))
        (transfer,) = made.transfers
        assert transfer.phase is TransferPhase.CHECKING
        await world.tasks.drain()
        (transfer,) = made.transfers
        assert transfer.phase is TransferPhase.UNUSABLE
        assert isinstance(transfer.error, FileMissing)
        assert world.facts[-1] == TransfersChanged((transfer,))

    run(steps)


def test_that_another_process_downloads_is_told_at_the_start():
    async def steps(world: World):
        world.hub.refuses = ProfileInUse("In use.")
        await service(world).start()
        assert world.facts[-1] == Trouble(world.hub.refuses)

    run(steps)


def test_what_is_asked_of_a_download_is_passed_on():
    async def steps(world: World):
        made = service(world)
        await made.pause("t1")
        await made.resume("t1")
        await made.pause_all()
        await made.resume_all()
        await made.move("t1", 2)
        await made.remove("t1")
        await made.set_limits(HubSettings(limit=1.5, at_once=3, connections=1))
        assert world.hub.asked == [
            ("pause", "t1"),
            ("resume", "t1"),
            ("pause all",),
            ("resume all",),
            ("move", "t1", 2),
            ("remove", "t1"),
            ("limits", TransferLimits(1_500_000, 3, 1)),
        ]

    run(steps)
