"""`lamplight pull` and `lamplight fit` with a name of Ollama's."""

from __future__ import annotations

import asyncio

from app.cli.commands import DONE, FAILED, INTERRUPTED, Pull, TellFit
from app.domain.errors import OllamaNotRunning
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World, local_model

BLOB = "/ollama/blobs/sha256-ab"


def there(world: World) -> None:
    world.ollama.paths = (BLOB,)
    world.shelf.files[BLOB] = local_model(BLOB)


def test_the_progress_and_where_the_file_is():
    said = at_terminal(Pull(None, "tiny:1b"), there, terminal=True)
    assert (said.status, said.out) == (DONE, f"{BLOB}\n")
    assert "tiny:1b  pulling abababababab  49 MB of 98 MB" in said.err


def test_for_a_program_each_part_is_told():
    said = at_terminal(Pull(None, "ollama run tiny:1b", json=True), there)
    progress, finished = said.events
    assert (progress["type"], progress["done"], progress["total"]) == (
        "progress",
        49_000_000,
        98_000_000,
    )
    assert progress["parts"] == [
        {"digest": f"sha256:{'ab' * 32}", "done": 49_000_000, "total": 98_000_000}
    ]
    assert (finished["type"], finished["paths"]) == ("finished", [BLOB])


def test_what_stops_it_is_said():
    def prepare(world: World) -> None:
        world.ollama.error = OllamaNotRunning("Ollama is not running.", "", "Start it.")

    said = at_terminal(Pull(None, "tiny:1b"), prepare)
    assert (said.status, said.err) == (FAILED, "Ollama is not running.\nStart it.\n")


def test_an_interrupt_stops_ollama_and_says_that_nothing_is_lost():
    worlds: list[World] = []

    def prepare(world: World) -> None:
        worlds.append(world)
        world.ollama.hold = asyncio.Event()

    said = at_terminal(
        Pull(None, "tiny:1b"),
        prepare,
        terminal=True,
        interrupt=lambda world: bool(world.ollama.pulled),
    )
    assert said.status == INTERRUPTED
    assert "Ollama keeps what has come" in said.err
    assert worlds[0].ollama.stopped == ["tiny:1b"]


def test_what_ollama_has_can_be_asked_whether_it_fits():
    worlds: list[World] = []

    def prepare(world: World) -> None:
        there(world)
        worlds.append(world)

    said = at_terminal(TellFit(None, "tiny:1b", is_file=False), prepare)
    assert said.status == DONE
    assert "it fits" in said.out
    assert worlds[0].ollama.pulled == []
