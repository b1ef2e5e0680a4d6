"""`lamplight models` and `lamplight pull`, over a scripted hub."""

from __future__ import annotations

import asyncio
import json

import pytest

from app.cli.commands import DONE, FAILED, INTERRUPTED, Pull, SearchModels, ShowRepo
from app.domain.errors import HubSilent, NoSpace, TokenNeeded
from app.domain.fit import Memory
from app.domain.hub import Access, RepoDetails, RepoFile, RepoQuery, RepoSort, RepoSummary
from app.domain.transfer import TransferPhase
from app.domain.variants import grouped
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World, local_model

FILES = [RepoFile("m-Q4_K_M.gguf", 2_500_000_000), RepoFile("m-Q8_0.gguf", 4_300_000_000)]
SUMMARY = RepoSummary("author/model", 12_345, 3, access=Access.ON_REQUEST, licence="gemma")


def offer(world: World) -> None:
    found = grouped(FILES)
    details = RepoDetails(SUMMARY, "c" * 40, found.variants, found.projectors)
    world.hub.repos[SUMMARY.repo_id] = details
    world.hub.files |= {file.path: b"GGUF" * 10 for file in FILES}


def test_a_search_is_a_list():
    said = at_terminal(SearchModels(None, "mod", RepoSort.LIKES), offer)
    assert said.status == DONE
    assert said.out == "author/model       12,345 downloads  gemma  (on request)\n"


def test_a_search_for_a_program():
    asked: list[World] = []

    def prepare(world: World) -> None:
        offer(world)
        asked.append(world)

    said = at_terminal(SearchModels(None, "mod", RepoSort.LIKES, json=True), prepare)
    (repo,) = json.loads(said.out)
    assert (repo["id"], repo["access"]) == ("author/model", "on request")
    assert asked[0].hub.asked == [("search", RepoQuery("mod", RepoSort.LIKES), None)]


def test_nothing_found_is_said_to_a_person():
    assert "Nothing was found." in at_terminal(SearchModels(None, "x"), terminal=True).err


def test_a_repository_is_shown_with_what_fits():
    said = at_terminal(ShowRepo(None, "author/model"), offer)
    assert said.status == DONE
    lines = said.out.splitlines()
    assert lines[0] == "author/model"
    assert any(line.startswith("* Q4_K_M") and "2.5 GB" in line for line in lines)
    assert any(line.startswith("  Q8_0") for line in lines)
    assert "free memory" in lines[-1]


def test_a_repository_for_a_program():
    def prepare(world: World) -> None:
        offer(world)
        world.memory.append(Memory(2_000_000, 1_000_000))

    said = at_terminal(ShowRepo(None, "author/model:Q8_0", json=True), prepare)
    shown = json.loads(said.out)
    assert [variant["chosen"] for variant in shown["variants"]] == [False, True]
    assert shown["fit"]["verdict"] == "too large"


def test_what_cannot_be_looked_into_is_shown_all_the_same():
    def prepare(world: World) -> None:
        offer(world)
        world.hub.refuses_reading = TokenNeeded("Only for people with an account.")

    said = at_terminal(ShowRepo(None, "author/model"), prepare)
    assert said.status == DONE
    assert "Q4_K_M" in said.out
    assert "free memory" not in said.out


def test_an_interrupted_pull_says_that_nothing_is_lost():
    said = at_terminal(
        Pull(None, "author/model"),
        offer,
        terminal=True,
        interrupt=lambda world: bool(world.hub.transfers),
    )
    assert said.status == INTERRUPTED
    assert "What has come is kept" in said.err


@pytest.mark.parametrize("as_json", [False, True])
def test_a_pull_tells_its_progress_and_where_the_files_are(as_json: bool):
    def prepare(world: World) -> None:
        offer(world)
        world.shelf.files["/models/m.gguf"] = local_model("/models/m.gguf")
        world.tasks.spawn(play(world))

    async def play(world: World) -> None:
        while not world.hub.transfers:
            await asyncio.sleep(0)
        for changed in (
            {"phase": TransferPhase.RUNNING, "done_bytes": 1_000_000_000, "seconds_left": 83},
            {"phase": TransferPhase.RETRYING, "error": HubSilent("The connection broke.")},
            {"phase": TransferPhase.FINISHED, "error": None, "paths": ("/models/m.gguf",)},
        ):
            for _ in range(5):
                await asyncio.sleep(0)
            world.hub.go_on(**changed)

    said = at_terminal(Pull(None, "author/model", as_json), prepare, terminal=not as_json)
    assert said.status == DONE
    if as_json:
        assert [event["type"] for event in said.events][-2:] == ["progress", "finished"]
        assert said.events[-1]["paths"] == ["/models/m.gguf"]
        assert said.events[1]["done"] == 1_000_000_000
    else:
        assert said.out == "/models/m.gguf\n"
        assert "1.0 GB of 2.5 GB" in said.err
        assert "1:23 left" in said.err
        assert "The connection broke. Trying again …" in said.err


def test_a_pull_that_stops_says_why():
    def prepare(world: World) -> None:
        offer(world)
        world.tasks.spawn(play(world))

    async def play(world: World) -> None:
        while not world.hub.transfers:
            await asyncio.sleep(0)
        full = NoSpace("The disk is full.", "", "Make room.")
        world.hub.go_on(phase=TransferPhase.PAUSED, error=full)

    said = at_terminal(Pull(None, "author/model"), prepare)
    assert said.status == FAILED
    assert said.err == "The disk is full.\nMake room.\n"
