"""Models that are added to the library, and folders that are its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.library import ImportWay, LibraryEntry, ModelFolder, Origin, Scanned
from app.domain.library_errors import FolderRefused, LibraryBusy, NotOurs
from app.domain.load_params import LoadParams
from tests.unit.services.test_library import names, own, scan, theirs
from tests.unit.services.world import World, run

# ------------------------------------------------------------------------------------- import


def given(*entries: LibraryEntry, folders: tuple[ModelFolder, ...] = ()) -> Scanned:
    """What is in the paths that are to be added."""
    return Scanned(entries, (), folders, {})


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("ada/small-GGUF", "/models/ada/small-GGUF"),
        ("llama3.2:3b", "/models/imported/some-file"),
        ("../up", "/models/imported/some-file"),
        ("", "/models/imported/some-file"),
    ],
)
def test_a_copy_goes_where_its_repository_would_be(source: str, folder: str):
    async def steps(world: World):
        found = replace(theirs("/x/some.gguf", Origin.CHOSEN), source=source)
        found = replace(found, model=replace(found.model, label="some: file"))
        world.shelves.given = given(found)
        told: list[int] = []
        done = await world.library.import_paths(
            ["/x"], ImportWay.COPY, lambda progress: told.append(progress.done_bytes)
        )
        assert world.shelves.asked[0] == ("copy", folder, "some.gguf")
        assert done.paths == (f"{folder}/some.gguf",)
        assert told == [5]

    run(steps)


def test_a_blob_gets_a_name():
    async def steps(world: World):
        found = replace(theirs("/o/sha256-1"), files=("/o/sha256-1", "/o/sha256-2"))
        found = replace(found, projector="/o/sha256-2")
        found = replace(found, model=replace(found.model, label="eye:1b"))
        world.shelves.given = given(found)
        await world.library.import_paths(["/o/sha256-1"], ImportWay.COPY)
        call = ("copy", "/models/imported/eye-1b", "eye-1b.gguf", "mmproj-eye-1b.gguf")
        assert world.shelves.asked[0] == call

    run(steps)


def test_what_is_there_already_is_not_added_again():
    async def steps(world: World):
        await scan(world, own())
        world.shelves.given = given(replace(theirs(), key=own().key))
        done = await world.library.import_paths(["/theirs/x.gguf"], ImportWay.COPY)
        assert (done.paths, done.already_there) == ((), (own().path,))

    run(steps)


def test_nothing_is_moved_out_of_another_application_s_folder():
    async def steps(world: World):
        world.shelves.given = given(theirs())
        done = await world.library.import_paths(["/theirs/x.gguf"], ImportWay.MOVE)
        assert done.paths == ()
        assert isinstance(done.refused[0].error, NotOurs)
        assert not any(call[0] in ("move", "copy") for call in world.shelves.asked)

    run(steps)


def test_in_place_a_file_is_opened_and_a_folder_is_chosen():
    async def steps(world: World):
        folder = ModelFolder("/big", Origin.CHOSEN, is_looked_at=True)
        inside = replace(theirs("/big/1.gguf", Origin.CHOSEN), folder="/big")
        single = replace(theirs("/x/2.gguf", Origin.CHOSEN), folder="/x")
        world.shelves.given = given(inside, single, folders=(folder,))
        done = await world.library.import_paths(["/big", "/x/2.gguf"], ImportWay.IN_PLACE)
        wish = world.shelves.wishes[-1]
        assert (wish.chosen, wish.opened) == (("/big",), ("/x/2.gguf",))
        assert done.paths == ("/big/1.gguf", "/x/2.gguf")

    run(steps)


# ------------------------------------------------------------------------------ the own folder


def test_the_own_folder_moves_and_all_that_is_remembered_with_it():
    async def steps(world: World):
        old, new = "/models/a/b/x.gguf", "/new/a/b/x.gguf"
        await scan(world, own(old))
        await world.models.choose(old)
        world.load_settings.change(old, LoadParams(context_length=4096))
        world.shelves.moved = {old: new}
        world.shelves.entries = [own(new)]
        await world.library.use_own_folder("/new", move=True)
        assert ("folder", "/new") in world.hub.asked
        library = world.settings.current.library
        assert (library.own_folders, library.chosen) == (("/new",), new)
        assert world.load_settings.wished(new).context_length == 4096
        assert world.load_settings.wished(old) == LoadParams()
        assert names(world) == ["starter", new]
        assert world.models.state.model is not None
        assert world.models.state.model.path == new

    run(steps)


def test_another_folder_for_new_models_leaves_the_old_one_own():
    async def steps(world: World):
        await world.library.use_own_folder("/new", move=False)
        assert world.shelves.wishes[-1].own == ("/new", "/models")
        with pytest.raises(FolderRefused):
            await world.library.remove_folder("/new")
        await world.library.remove_folder("/models")
        assert world.shelves.wishes[-1].own == ("/new",)

    run(steps)


def test_a_move_that_fails_leaves_both_folders_own():
    async def steps(world: World):
        async def refuse(old: str, new: str, told: object) -> dict[str, str]:
            raise LibraryBusy("Busy.")

        world.shelves.relocate = refuse
        with pytest.raises(LibraryBusy):
            await world.library.use_own_folder("/new", move=True)
        assert world.settings.current.library.own_folders == ("/new", "/models")

    run(steps)


def test_while_anything_is_downloaded_the_folder_stays():
    async def steps(world: World):
        world.hub.refuses = LibraryBusy("Busy.")
        with pytest.raises(LibraryBusy):
            await world.library.use_own_folder("/new", move=False)
        assert world.settings.current.library.own_folders == ()

    run(steps)


def test_an_opened_file_that_is_forgotten_is_looked_for_no_more():
    async def steps(world: World):
        opened = theirs("/elsewhere/x.gguf", Origin.OPENED)
        world.shelves.given = Scanned((opened,), (), (), {})
        world.shelves.entries = [opened]
        await world.library.import_paths([opened.path], ImportWay.IN_PLACE)
        assert world.settings.current.library.model_files == (opened.path,)
        world.shelves.entries = []
        await world.library.forget(opened.path)
        assert world.settings.current.library.model_files == ()
        assert world.shelves.wishes[-1].opened == ()
        assert names(world) == ["starter"]

    run(steps)
