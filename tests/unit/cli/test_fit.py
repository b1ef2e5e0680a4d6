"""`lamplight fit`, over scripted services."""

from __future__ import annotations

import json

from app.cli.arguments import parse
from app.cli.commands import DONE, FAILED, TellFit
from app.domain.errors import EngineNotStarted
from app.domain.fit import Memory
from app.domain.hub import RepoDetails, RepoFile, RepoSummary
from app.domain.placement import Device, DeviceKind
from app.domain.variants import grouped
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World, local_model

FILE = TellFit(None, "/models/m.gguf", is_file=True)
MB = 1_000_000


def shelve(world: World) -> None:
    world.shelf.files["/models/m.gguf"] = local_model("/models/m.gguf")


def offer(world: World) -> None:
    found = grouped([RepoFile("m-Q4_K_M.gguf", 90), RepoFile("mmproj-m-F16.gguf", 77 * MB)])
    summary = RepoSummary("author/model")
    repo = RepoDetails(summary, "c" * 40, found.variants, found.projectors)
    world.hub.repos["author/model"] = repo
    world.hub.files["m-Q4_K_M.gguf"] = b"GGUF" * 30


def test_a_file_is_itemised():
    said = at_terminal(FILE, shelve)
    assert said.status == DONE
    lines = said.out.splitlines()
    assert lines[:2] == [
        "/models/m.gguf Q4_1",
        "context of 8,192 tokens of 8,192 that it knows, kept as f16",
    ]
    assert [line.split()[0] for line in lines[3:7]] == ["weights", "context", "buffers", "together"]
    assert lines[-1] == "it fits; the longest context that fits: 8,192 tokens"
    assert lines[-2].startswith("memory: ")


def test_a_context_can_be_asked_for():
    def short_of_memory(world: World) -> None:
        shelve(world)
        world.memory.append(Memory(8 * MB, 2 * MB))

    command = TellFit(None, "/models/m.gguf", is_file=True, context=8192, json=True)
    said = json.loads(at_terminal(command, short_of_memory).out)
    assert (said["verdict"], said["context_length"]) == ("too large", 8192)
    assert 0 < said["largest_context"] < 8192
    assert said["needed"] == said["weights"] + said["context"] + said["buffers"]
    assert said["free"] == 2 * MB


def test_of_a_name_only_the_header_is_read_and_the_projector_takes_no_memory():
    worlds: list[World] = []

    def prepare(world: World) -> None:
        offer(world)
        worlds.append(world)

    said = at_terminal(TellFit(None, "author/model", is_file=False), prepare)
    assert said.status == DONE
    assert "images" not in said.out
    assert worlds[0].hub.reads
    assert worlds[0].hub.transfers == ()


def test_graphics_processors_are_told_one_by_one():
    def with_card(world: World) -> None:
        shelve(world)
        card = Device("CUDA0", "A card", "CUDA", DeviceKind.GRAPHICS, 4000 * MB, 8000 * MB)
        world.engine.there = (card,)

    lines = at_terminal(FILE, with_card).out.splitlines()
    assert "CUDA0: 3 layers, " in lines[-2]
    assert lines[-3].startswith("memory: 0 layers, ")
    places = json.loads(
        at_terminal(TellFit(None, "/models/m.gguf", True, json=True), with_card).out
    )["places"]
    assert [place["place"] for place in places] == ["memory", "CUDA0"]


def test_without_an_engine_memory_is_told_all_the_same():
    def broken(world: World) -> None:
        shelve(world)
        world.engine.devices_error = EngineNotStarted("The engine does not start.")

    said = at_terminal(FILE, broken, terminal=True)
    assert said.status == DONE
    assert "graphics processors are left out" in said.err


def test_what_is_not_there_is_said():
    said = at_terminal(FILE)
    assert (said.status, said.out) == (FAILED, "")
    assert "gone" in said.err


def test_a_word_is_a_file_or_a_name():
    assert parse(["fit", "/no/such.gguf"]) == TellFit(None, "/no/such.gguf", True)
    assert parse(["fit", "author/model:Q4_0"]) == TellFit(None, "author/model:Q4_0", False)
    address = "https://huggingface.co/author/model/blob/main/m.gguf"
    assert parse(["fit", address, "--ctx", "4096", "--json"]) == TellFit(
        None, address, False, 4096, True
    )
