"""The library as the window and the command line see it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.domain.errors import ConfigError, FileDamaged, FileMissing
from app.domain.facts import LibraryChanged, TransfersChanged, Trouble
from app.domain.hub import RepoFile
from app.domain.library import (
    FileCopy,
    LibraryEntry,
    ModelNote,
    Origin,
    Refusal,
    RefusedFile,
    Verdict,
)
from app.domain.library_errors import NotOurs
from app.domain.localmodel import LocalModel, ModelDefaults
from app.domain.settings import ChatSettings
from app.domain.transfer import Transfer, TransferPhase, TransferRequest
from app.services import library_view
from app.services.conversations import starting_params
from tests.helpers.scripted_shelf import entry_of
from tests.unit.services.world import World, local_model, run


def own(path: str = "/models/a/b/x.gguf", **values: object) -> LibraryEntry:
    """An own model."""
    return replace(entry_of(local_model(path)), **values)


def theirs(path: str = "/theirs/x.gguf", origin: Origin = Origin.OLLAMA) -> LibraryEntry:
    """Another application's."""
    return entry_of(local_model(path), origin)


def names(world: World) -> list[str]:
    """What can be chosen."""
    return [model.path for model in world.models.models]


async def scan(world: World, *entries: LibraryEntry) -> None:
    """Find these."""
    world.shelves.entries = list(entries)
    await world.library.scan()


# ----------------------------------------------------------------------------------- scanning


def test_what_is_found_can_be_chosen_and_is_not_remembered_as_opened():
    async def steps(world: World):
        no_chat = replace(own("/models/v.gguf"), capabilities=frozenset())
        await scan(world, own(), no_chat)
        assert names(world) == ["starter", "/models/a/b/x.gguf"]
        assert {entry.path for entry in world.library.entries} == {
            "/models/a/b/x.gguf",
            "/models/v.gguf",
        }
        await world.models.choose("/models/a/b/x.gguf")
        assert world.settings.current.library.model_files == ()

    run(steps)


def test_what_is_gone_is_not_offered_unless_it_is_in_use():
    async def steps(world: World):
        await scan(world, own(), own("/models/y.gguf"))
        await world.models.choose("/models/y.gguf")
        await scan(world)
        assert names(world) == ["starter", "/models/y.gguf"]

    run(steps)


def test_an_opened_file_stays_but_not_a_second_time_by_another_path():
    async def steps(world: World):
        await world.models.open_file("other")
        await world.models.choose("starter")
        await scan(world)
        assert names(world) == ["starter", "other"]
        await scan(world, replace(own(), also_at=("other",)))
        assert names(world) == ["starter", "/models/a/b/x.gguf"]
        assert world.library.entry("other") == world.library.entry("/models/a/b/x.gguf")
        assert world.settings.current.library.model_files == ("other",)

    run(steps)


def test_a_chosen_model_takes_the_name_that_the_library_knows():
    async def steps(world: World):
        await world.models.open_file("other")
        named = replace(own("other"), model=replace(local_model("other"), label="pirate:7b"))
        await scan(world, named)
        assert world.models.state.model is not None
        assert world.models.state.model.label == "pirate:7b"
        await world.models.load()
        assert world.models.state.model.label == "pirate:7b"

    run(steps)


def test_two_that_want_a_scan_at_once_get_what_is_there_afterwards():
    async def steps(world: World):
        world.shelves.gate = asyncio.Event()
        first = asyncio.create_task(world.library.scan())
        await world.until(lambda: len(world.shelves.wishes) == 1)
        assert world.library.is_scanning
        world.shelves.entries = [own()]
        second = asyncio.create_task(world.library.scan())
        await asyncio.sleep(0)
        world.shelves.gate.set()
        await asyncio.gather(first, second)
        assert len(world.shelves.wishes) == 2
        assert not world.library.is_scanning
        assert isinstance(world.facts[-1], LibraryChanged)

    run(steps)


def test_where_is_looked_is_a_matter_of_the_settings():
    async def steps(world: World):
        await world.library.add_folder("/big")
        await world.library.look_at(Origin.JAN, False)
        wish = world.shelves.wishes[-1]
        assert (wish.own, wish.chosen) == (("/models",), ("/big",))
        assert wish.switched_off == {Origin.JAN}
        await world.library.look_at(Origin.JAN, True)
        await world.library.remove_folder("/big")
        wish = world.shelves.wishes[-1]
        assert (wish.chosen, wish.switched_off) == ((), frozenset())

    run(steps)


def test_the_space_they_take():
    async def steps(world: World):
        await scan(world, own(), theirs())
        space = world.library.space()
        assert (space.own_bytes, space.used_in_place_bytes) == (1000, 1000)
        assert space.free_bytes == 7_000_000

    run(steps)


def test_changes_are_noticed_while_it_is_watched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(library_view, "WATCH_SECONDS", 0.001)

    async def steps(world: World):
        world.library.watch(True)
        await world.until(lambda: ("has_changed",) in world.shelves.asked)
        assert world.shelves.wishes == []
        world.shelves.changed = True
        await world.until(lambda: len(world.shelves.wishes) == 1)
        world.library.watch(False)
        await world.tasks.drain()
        world.shelves.changed = True
        await asyncio.sleep(0.01)
        assert len(world.shelves.wishes) == 1

    run(steps)


def test_closed_it_looks_no_more():
    async def steps(world: World):
        await world.library.close()
        await world.library.scan()
        assert world.shelves.wishes == []

    run(steps)


# ---------------------------------------------------------------------------------- remembered


def test_names_favourites_and_last_use_outlive_a_move():
    async def steps(world: World):
        await scan(world, own())
        await world.library.rename("/models/a/b/x.gguf", "  My  model ")
        await world.library.set_favourite("/models/a/b/x.gguf", True)
        await world.models.choose("/models/a/b/x.gguf")
        world.shelf.files["/models/a/b/x.gguf"] = local_model("/models/a/b/x.gguf")
        await world.models.load()
        await world.tasks.drain()
        moved = replace(own("/elsewhere/x.gguf"), key=own().key)
        await scan(world, moved)
        (entry,) = world.library.entries
        assert (entry.name, entry.own_name, entry.is_favourite) == ("My model", "My model", True)
        assert entry.last_used > 0
        assert world.notes.kept[own().key].name == "My model"
        await world.library.rename("/elsewhere/x.gguf", "")
        (entry,) = world.library.entries
        assert entry.name == "/elsewhere/x.gguf"

    run(steps)


def test_what_was_used_before_the_first_scan_is_noted_then():
    async def steps(world: World):
        await world.models.load()
        await scan(world, own("starter"))
        assert world.library.entries[0].last_used > 0

    run(steps)


def test_what_cannot_be_kept_is_said_and_holds_all_the_same():
    async def steps(world: World):
        world.notes.refuses = ConfigError("Full.")
        await scan(world, own())
        await world.library.set_favourite("/models/a/b/x.gguf", True)
        await world.tasks.drain()
        assert Trouble(world.notes.refuses) in world.facts
        assert world.library.entries[0].is_favourite

    run(steps)


def test_a_download_s_hash_is_remembered():
    async def steps(world: World):
        path = "/models/a/b/x.gguf"
        world.shelves.entries = [own(path)]
        world.shelf.files[path] = local_model(path)
        files = (RepoFile("x.gguf", 1000, "ab" * 32),)
        request = TransferRequest("a/b", "c" * 40, "x", files)
        done = Transfer("t", request, TransferPhase.FINISHED, paths=(path,))
        for _ in range(2):
            world.models._facts.publish(TransfersChanged((done,)))
        await world.tasks.drain()
        assert len(world.shelves.wishes) == 1
        assert world.library.entries[0].sha256 == "ab" * 32
        assert world.library.path_of("AB" * 32) is None  # known from the next scan on
        world.shelves.hash_of[path] = "ab" * 32
        assert (await world.library.verify(path)).expected_from == "the hub"

    run(steps)


# ------------------------------------------------------------------------------------- verify


def test_the_first_check_is_remembered_and_the_next_compares():
    async def steps(world: World):
        path = own().path
        await scan(world, own())
        told: list[object] = []
        first = await world.library.verify(path, told.append)
        assert (first.verdict, first.sha256) == (Verdict.RECORDED, path)
        assert told
        second = await world.library.verify(path)
        assert (second.verdict, second.expected_from) == (Verdict.SOUND, "an earlier check")
        assert world.library.entries[0].verified > 0
        world.shelves.hash_of[path] = "another"
        third = await world.library.verify(path)
        assert (third.verdict, third.wrong_files) == (Verdict.CHANGED, ("x.gguf",))
        assert world.library.entries[0].verified == 0
        assert (await world.library.verify(path)).verdict is Verdict.CHANGED

    run(steps)


def test_a_file_with_another_content_at_its_place_is_held_to_the_old_promise():
    async def steps(world: World):
        await scan(world, own())
        await world.library.verify(own().path)
        await world.library.set_favourite(own().path, True)
        world.shelves.hash_of[own().path] = "rotten"
        await scan(world, own(key="of what it holds now"))
        assert world.library.entries[0].is_favourite
        assert (await world.library.verify(own().path)).verdict is Verdict.CHANGED

    run(steps)


def test_a_folder_that_tells_hashes_is_believed():
    async def steps(world: World):
        entry = replace(theirs(), hashes=("ab" * 32,), sha256="ab" * 32)
        world.shelves.hash_of[entry.path] = "ab" * 32
        await scan(world, entry)
        found = await world.library.verify(entry.path)
        assert (found.verdict, found.expected_from) == (Verdict.SOUND, "Ollama")
        assert world.library.path_of("AB" * 32) == entry.path

    run(steps)


# --------------------------------------------------------------------------------- duplicates


def test_the_same_content_is_found_by_reading_it():
    async def steps(world: World):
        entries = [own("/models/1"), own("/models/2"), theirs("/theirs/3"), own("/models/4")]
        alike = [replace(entry, key="same") for entry in entries]
        world.shelves.hash_of |= {"/models/1": "h", "/models/2": "h", "/theirs/3": "h"}
        await scan(world, *alike, own("/models/5"))
        found = await world.library.find_duplicates()
        (group,) = found.groups
        assert [copy.path for copy in group.copies] == ["/theirs/3", "/models/1", "/models/2"]
        assert found.reclaimable_bytes == 2000
        read = [call[1] for call in world.shelves.asked if call[0] == "hashes"]
        assert "/models/5" not in read

    run(steps)


# ------------------------------------------------------------------------------------- remove


def test_an_own_model_goes_into_the_trash_with_all_its_files():
    async def steps(world: World):
        path = own().path
        await scan(world, own(files=(path, "/models/a/b/mmproj.gguf")))
        await world.models.choose(path)
        await world.library.remove(path)
        assert ("trash", "/models/a/b/mmproj.gguf", path) in world.shelves.asked
        assert world.library.entries == ()
        assert names(world) == ["starter"]
        assert world.models.state.model is not None
        assert world.models.state.model.path == "starter"

    run(steps)


def test_a_projector_that_another_variant_needs_stays():
    async def steps(world: World):
        first = own("/models/a/q4.gguf", files=("/models/a/q4.gguf", "/models/a/mmproj.gguf"))
        second = own("/models/a/q8.gguf", files=("/models/a/q8.gguf", "/models/a/mmproj.gguf"))
        await scan(world, first, second)
        await world.library.remove(first.path)
        assert world.shelves.asked[-1] == ("trash", "/models/a/q4.gguf")

    run(steps)


@pytest.mark.parametrize("origin", [origin for origin in Origin if origin is not Origin.OWN])
def test_what_is_not_ours_is_never_removed(origin: Origin):
    async def steps(world: World):
        await scan(world, theirs(origin=origin))
        with pytest.raises(NotOurs) as raised:
            await world.library.remove("/theirs/x.gguf")
        assert raised.value.remedy
        assert not any(call[0] == "trash" for call in world.shelves.asked)

    run(steps)


def test_of_two_copies_the_own_one_can_go():
    async def steps(world: World):
        copy = FileCopy("/theirs/x", Origin.LM_STUDIO, 1000, ("/theirs/x",))
        await scan(world, own(copies=(copy,)))
        with pytest.raises(NotOurs, match="not Lamplight's"):
            await world.library.remove("/theirs/x")
        await world.library.remove(own().path)
        assert world.shelves.asked[-1] == ("trash", own().path)

    run(steps)


def test_a_refused_own_file_can_go():
    async def steps(world: World):
        error = FileDamaged("Damaged.")
        bad = RefusedFile("/models/1-of-2", Origin.OWN, "/models", Refusal.DAMAGED, error)
        world.shelves.refused = [
            replace(bad, others=("/models/2-of-2",)),
            replace(bad, path="/theirs/bad", origin=Origin.OLLAMA),
        ]
        await world.library.scan()
        assert world.library.refused == tuple(world.shelves.refused)
        await world.library.remove("/models/1-of-2")
        assert world.shelves.asked[-1] == ("trash", "/models/2-of-2", "/models/1-of-2")
        with pytest.raises(NotOurs):
            await world.library.remove("/theirs/bad")
        with pytest.raises(FileMissing):
            await world.library.remove("/nowhere")

    run(steps)


# ------------------------------------------------------------------------------- the defaults


def test_what_ollama_s_model_asks_for_is_what_a_conversation_starts_with():
    defaults = ModelDefaults("You are a pirate.", (("temperature", 0.3),), ("<end>",))
    model: LocalModel = replace(local_model("x"), defaults=defaults)
    params = starting_params(ChatSettings(), model)
    assert (params.system_prompt, params.sampling.temperature) == ("You are a pirate.", 0.3)
    assert params.stop == ("<end>",)
    mine = starting_params(ChatSettings(system_prompt="Mine.", temperature=1.2), model)
    assert (mine.system_prompt, mine.sampling.temperature) == ("Mine.", 1.2)


def test_notes_that_are_read_are_shown():
    async def steps(world: World):
        world.notes.kept = {own().key: ModelNote(name="Kept", is_favourite=True)}
        await scan(world, own())
        assert world.library.entries[0].name == "Kept"

    run(steps)
