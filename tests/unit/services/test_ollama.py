"""A model of Ollama's is offered only if it can be used here; else it is said why not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.domain.errors import (
    ArchitectureUnknown,
    EngineCrashed,
    EngineError,
    EngineNotStarted,
    FileUnreadable,
    LoadRefused,
    ModelFileError,
    OllamaOnly,
)
from app.domain.library import Origin
from app.domain.localmodel import LocalModel
from app.services.ollama import OllamaService
from tests.helpers.scripted_shelf import entry_of
from tests.unit.services.world import World, local_model, run

BLOB = "/ollama/blobs/sha256-ab"


def service(world: World) -> OllamaService:
    return OllamaService(world.ollama, world.library, world.models, world.fit)


def there(world: World) -> None:
    world.ollama.paths = (BLOB,)
    world.shelf.files[BLOB] = local_model(BLOB)


def test_what_can_be_used_can_be_chosen_where_ollama_keeps_it():
    async def go(world: World) -> None:
        there(world)
        model = await service(world).use("tiny:1b")
        assert model.path == BLOB
        assert BLOB in [known.path for known in world.models.models]
        # llama.cpp was asked, and nothing was loaded.
        assert world.engine.measured == [BLOB]
        assert world.models.loaded == ()

    run(go)


def test_it_has_its_name_of_ollama_at_once_and_is_not_remembered_as_opened():
    async def go(world: World) -> None:
        there(world)
        named = replace(local_model(BLOB), label="tiny:1b")
        world.shelves.entries = [entry_of(named, Origin.OLLAMA)]
        model = await service(world).use("tiny:1b")
        await world.models.choose(model.path)
        chosen = world.models.state.model
        assert chosen is not None
        assert (model.label, chosen.label) == ("tiny:1b", "tiny:1b")
        assert world.settings.current.library.model_files == ()

    run(go)


@pytest.mark.parametrize(
    "error", [LoadRefused("No.", "unknown tensor"), EngineCrashed("It ended.")]
)
def test_what_llama_cpp_cannot_use_is_not_offered(error: EngineError):
    async def go(world: World) -> None:
        there(world)
        world.engine.dry_run_error = error
        with pytest.raises(OllamaOnly) as caught:
            await service(world).use("tiny:1b")
        assert "made for Ollama alone" in caught.value.title
        assert BLOB not in [known.path for known in world.models.models]

    run(go)


def test_an_engine_that_does_not_start_says_nothing_about_the_model():
    async def go(world: World) -> None:
        there(world)
        world.engine.dry_run_error = EngineNotStarted("It does not start.")
        assert (await service(world).use("tiny:1b")).path == BLOB

    run(go)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileUnreadable("No.", BLOB), "may not read the models of Ollama"),
        (ArchitectureUnknown("No.", "family “odd”"), "made for Ollama alone"),
    ],
)
def test_why_a_file_is_of_no_use(error: ModelFileError, sentence: str):
    async def go(world: World) -> None:
        there(world)

        async def refuse(path: str) -> LocalModel:
            raise error

        world.shelf.inspect = refuse
        with pytest.raises(OllamaOnly) as caught:
            await service(world).look_at("tiny:1b")
        assert sentence in caught.value.title
        assert "sha256" not in caught.value.title
        assert caught.value.remedy

    run(go)


def test_an_ollama_on_another_computer_keeps_its_files_there():
    async def go(world: World) -> None:
        world.ollama.paths = ("/usr/share/ollama/blobs/sha256-cd",)
        with pytest.raises(OllamaOnly) as caught:
            await service(world).look_at("tiny:1b")
        assert "not on this computer" in caught.value.title

    run(go)


def test_a_model_without_a_gguf():
    async def go(world: World) -> None:
        with pytest.raises(OllamaOnly):
            await service(world).look_at("tiny:1b")

    run(go)


def test_a_pull_that_is_left_is_stopped():
    async def go(world: World) -> None:
        world.ollama.hold = asyncio.Event()
        pulling = service(world).pull("tiny:1b")
        await anext(pulling)
        await pulling.aclose()
        assert world.ollama.stopped == ["tiny:1b"]

    run(go)
