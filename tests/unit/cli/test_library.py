"""`lamplight models` about the models on this computer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.cli.arguments import parse
from app.cli.commands import (
    DONE,
    FAILED,
    FindDuplicates,
    ImportModels,
    ListModels,
    RemoveModel,
    VerifyModel,
)
from app.domain.errors import FileDamaged
from app.domain.library import ImportWay, Origin, Refusal, RefusedFile, Scanned
from tests.helpers.scripted_shelf import entry_of
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World, local_model

OWN = entry_of(replace(local_model("/models/a/b/small.gguf"), label="Small model"))
THEIRS = entry_of(replace(local_model("/theirs/other.gguf"), label="Other"), Origin.OLLAMA)


def shelves(world: World) -> None:
    """Two models and a damaged file."""
    error = FileDamaged("“bad” is damaged.", "It ends too early.", "Download it again.")
    world.shelves.entries = [OWN, THEIRS]
    world.shelves.refused = [
        RefusedFile("/models/bad", Origin.OWN, "/models", Refusal.DAMAGED, error, 3)
    ]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("list --json", ListModels(None, True)),
        ("import /x /y", ImportModels(None, ("/x", "/y"), ImportWay.COPY)),
        ("import --move /x", ImportModels(None, ("/x",), ImportWay.MOVE)),
        ("import --in-place /x", ImportModels(None, ("/x",), ImportWay.IN_PLACE)),
        ("verify Small", VerifyModel(None, "Small")),
        ("remove Small --profile p", RemoveModel("p", "Small")),
        ("duplicates", FindDuplicates(None)),
    ],
)
def test_the_words(words: str, command: object):
    assert parse(["models", *words.split()]) == command


@pytest.mark.parametrize("words", ["import", "verify", "import --move --in-place x"])
def test_words_that_make_no_sense(words: str):
    with pytest.raises(SystemExit) as ended:
        parse(["models", *words.split()])
    assert ended.value.code == 2


def test_the_list_tells_whose_they_are_and_what_cannot_be_used():
    said = at_terminal(ListModels(None), shelves)
    first, second, *rest = said.out.splitlines()
    assert first.split() == ["Small", "model", "Q4_1", "1", "kB", "Lamplight", "chat"]
    assert second.split() == ["Other", "Q4_1", "1", "kB", "Ollama", "chat"]
    assert "damaged: “bad” is damaged. It ends too early." in rest


def test_the_list_for_a_program():
    found = json.loads(at_terminal(ListModels(None, True), shelves).out)
    assert [entry["origin"] for entry in found["models"]] == ["lamplight", "ollama"]
    assert found["models"][0]["path"] == "/models/a/b/small.gguf"
    assert found["refused"][0]["refusal"] == "damaged"


@pytest.mark.parametrize("name", ["Small model", "small", "/models/a/b/small.gguf"])
def test_a_check_by_name_or_path(name: str):
    def prepare(world: World) -> None:
        shelves(world)
        known = {"hashes": ("good",), "sha256": "good"}
        world.shelves.entries[0] = replace(OWN, **known)
        world.shelves.hash_of[OWN.path] = "good"

    said = at_terminal(VerifyModel(None, name), prepare)
    assert said.status == DONE
    assert "is sound" in said.out


def test_a_check_that_fails_is_a_failure():
    def prepare(world: World) -> None:
        shelves(world)
        world.shelves.entries[0] = replace(OWN, hashes=("good",), sha256="good")

    said = at_terminal(VerifyModel(None, "small", True), prepare)
    assert said.status == FAILED
    assert [event["type"] for event in said.events] == ["progress", "finished"]
    assert said.events[-1]["verdict"] == "changed"


@pytest.mark.parametrize("name", ["nothing", ""])
def test_a_name_that_is_none_or_several(name: str):
    said = at_terminal(VerifyModel(None, name), shelves)
    assert said.status == FAILED
    assert "models list" in said.err


def test_removing_ours_and_not_theirs():
    assert "is in the trash" in at_terminal(RemoveModel(None, "small"), shelves).out
    said = at_terminal(RemoveModel(None, "other"), shelves)
    assert said.status == FAILED
    assert "ollama rm" in said.err


def test_adding_files():
    def prepare(world: World) -> None:
        found = entry_of(local_model("/x/new.gguf"), Origin.CHOSEN)
        world.shelves.given = Scanned((found,), (), (), {})

    said = at_terminal(ImportModels(None, ("/x/new.gguf",)), prepare)
    assert (said.status, said.out) == (DONE, "/models/imported/x-new.gguf/new.gguf\n")


def test_adding_what_is_no_model_tells_why():
    def prepare(world: World) -> None:
        shelves(world)
        world.shelves.given = Scanned((), tuple(world.shelves.refused), (), {})

    said = at_terminal(ImportModels(None, ("/x/bad",)), prepare)
    assert said.status == FAILED
    assert "Download it again." in said.err


def test_duplicates():
    def prepare(world: World) -> None:
        world.shelves.entries = [replace(OWN, key="k"), replace(THEIRS, key="k")]
        world.shelves.hash_of |= {OWN.path: "h", THEIRS.path: "h"}

    said = at_terminal(FindDuplicates(None), prepare)
    assert "1 kB can be freed" in said.out
    finished = at_terminal(FindDuplicates(None, True), prepare).events[-1]
    assert (finished["reclaimable"], len(finished["groups"])) == (1000, 1)
