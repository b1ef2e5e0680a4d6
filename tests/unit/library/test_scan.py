"""What a scan makes of folders: what belongs together, what is refused, what is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.errors import FileDamaged, GgufFormUnknown, NotGguf, ShardMissing
from app.domain.library import Capability, Origin, Refusal, ScanWish
from app.library import index as index_module
from app.library.shelf import Shelf
from tests.helpers.gguf_files import starter_file
from tests.helpers.model_folders import (
    Home,
    gguf,
    in_hub,
    projector_gguf,
    put,
    shard_gguf,
)
from tests.unit.library.looking import look, one, the_refused, with_shelf


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "models").mkdir()
    return Home(tmp_path)


@pytest.fixture
def own(home: Home) -> Path:
    return home.path / "models"


# -------------------------------------------------------------------------------- one entry


def test_an_own_file_tells_repository_facts_and_badges(home: Home, own: Path):
    template = "{% if tools %}{{ tools }}{% endif %}<think>{{ messages }}"
    content = gguf_with({"general.license": "mit", "tokenizer.chat_template": template})
    path = put(own / "ada/small-GGUF/small.Q4_K_M.gguf", content)
    entry = one(look(home))
    assert (entry.path, entry.name, entry.is_own) == (str(path), "small.Q4_K_M", True)
    assert (entry.source, entry.licence, entry.folder) == ("ada/small-GGUF", "mit", str(own))
    assert entry.model.facts.quantisation == "Q4_K_M"
    assert entry.capabilities == {Capability.CHAT, Capability.TOOLS, Capability.REASONING}
    assert entry.size_bytes == path.stat().st_size


def gguf_with(entries: dict[str, object]) -> bytes:
    """The small model with these entries."""
    return gguf(**{key.replace(".", "__"): value for key, value in entries.items()})


def test_the_starter_model_keeps_its_place(home: Home):
    async def scan(shelf: Shelf):
        shelf._find_starter = lambda: str(starter_file())
        return await shelf.scan(ScanWish(own=(str(home.path / "models"),)))

    entry = one(with_shelf(home, scan))
    assert entry.origin is Origin.STARTER
    assert entry.model.is_starter


def test_shards_are_one_item(home: Home, own: Path):
    paths = [
        put(own / f"a/b/big-0000{number}-of-00003.gguf", shard_gguf(number, 3))
        for number in (1, 2, 3)
    ]
    entry = one(look(home))
    assert entry.shards == tuple(map(str, paths))
    assert entry.model.facts.shards == 3
    assert entry.size_bytes == sum(path.stat().st_size for path in paths)


def test_a_missing_shard_makes_it_incomplete(home: Home, own: Path):
    for number in (1, 3):
        put(own / f"a/b/big-0000{number}-of-00003.gguf", shard_gguf(number, 3))
    file = the_refused(look(home))
    assert (file.refusal, type(file.error)) == (Refusal.INCOMPLETE, ShardMissing)
    assert "big-00002-of-00003.gguf" in file.error.detail
    assert len(file.others) == 1


def test_an_embedding_model_is_there_but_does_not_chat(home: Home, own: Path):
    content = gguf_with({"general.architecture": "bert", "bert.embedding_length": 8})
    put(own / "a/b/vectors.gguf", content)
    entry = one(look(home))
    assert entry.capabilities == {Capability.EMBEDDING}
    assert not entry.can_chat


# --------------------------------------------------------------------------------- projectors


def test_a_projector_beside_its_model_lets_it_see(home: Home, own: Path):
    for quantisation in ("Q4_K_M", "Q8_0"):
        put(own / f"a/eye/eye.{quantisation}.gguf", gguf(general__name=quantisation))
    projector = put(own / "a/eye/mmproj-F16.gguf", projector_gguf())
    found = look(home)
    assert [entry.projector for entry in found.entries] == [str(projector)] * 2
    assert all(Capability.VISION in entry.capabilities for entry in found.entries)
    assert found.refused == ()


def test_a_projector_lies_above_the_folders_of_variants(home: Home, own: Path):
    put(own / "a/eye/Q4_K_M/eye.gguf", gguf())
    projector = put(own / "a/eye/mmproj-eye.gguf", projector_gguf())
    assert one(look(home)).projector == str(projector)


def test_a_projector_of_another_width_is_for_another_model(home: Home, own: Path):
    put(own / "a/eye/eye.gguf", gguf())
    put(own / "a/eye/mmproj-F16.gguf", projector_gguf(width=64))
    found = look(home)
    assert one(found).projector == ""
    assert the_refused(found).refusal is Refusal.UNSUPPORTED


def test_among_several_models_a_projector_goes_by_its_name(home: Home, own: Path):
    for name in ("eye-1b.Q4_K_M", "blind-1b.Q4_K_M"):
        put(own / f"{name}.gguf", gguf(general__name=name))
    put(own / "mmproj-eye-1b-f16.gguf", projector_gguf())
    seeing = [entry.name for entry in look(home).entries if entry.projector]
    assert seeing == ["eye-1b.Q4_K_M"]


# ------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("content", "refusal", "case"),
    [
        (b"", Refusal.DAMAGED, NotGguf),
        (b"<!doctype html>" * 10, Refusal.DAMAGED, NotGguf),
        (gguf()[:-40], Refusal.DAMAGED, FileDamaged),
        (gguf()[:60], Refusal.DAMAGED, FileDamaged),
        (b"GGUF\x01\0\0\0" + bytes(64), Refusal.UNSUPPORTED, GgufFormUnknown),
    ],
)
def test_what_cannot_be_used_is_told_with_the_reason(
    home: Home, own: Path, content: bytes, refusal: Refusal, case: type[Exception]
):
    put(own / "a/b/good.gguf", gguf())
    bad = put(own / "a/b/bad.gguf", content)
    found = look(home)
    file = the_refused(found)
    assert (file.path, file.refusal, type(file.error)) == (str(bad), refusal, case)
    assert file.error.remedy
    assert one(found).name == "good"


@pytest.mark.parametrize("end", [".part", ".crdownload", ".tmp", ".aria2", ".incomplete"])
def test_a_part_of_a_download_is_incomplete(home: Home, own: Path, end: str):
    put(own / f"a/b/big.gguf{end}", gguf())
    assert the_refused(look(home)).refusal is Refusal.INCOMPLETE


def test_hidden_folders_and_side_files_are_passed_over(home: Home, own: Path):
    put(own / ".downloads/1/0.gguf", gguf())
    put(own / "a/b/big.imatrix.gguf", gguf())
    put(own / "a/b/readme.md", b"x")
    found = look(home)
    assert (found.entries, found.refused) == ((), ())


def test_a_link_in_a_circle_ends(home: Home, own: Path):
    put(own / "a/b/one.gguf", gguf())
    (own / "a/again").symlink_to(own)
    (own / "a/loop").symlink_to(own / "a/loop")
    assert one(look(home)).name == "one"


# ----------------------------------------------------------------------------------- the same


def test_one_file_by_several_ways_is_one_entry(home: Home, own: Path):
    path = put(own / "a/b/one.gguf", gguf())
    os.link(path, own / "a/b/same.gguf")
    link = home.path / "chosen/link.gguf"
    link.parent.mkdir()
    link.symlink_to(path)
    found = look(home, chosen=(str(link.parent),), opened=(str(path),))
    entry = one(found)
    assert entry.origin is Origin.OWN
    assert set(entry.also_at) == {str(own / "a/b/same.gguf"), str(link)} - {entry.path}
    assert entry.copies == ()


def test_what_lies_in_an_application_s_folder_is_its_own_also_where_that_was_chosen(home: Home):
    put(home.lmstudio / "a/b/one.gguf", gguf())
    entry = one(look(home, chosen=(str(home.lmstudio.parent),), own=(str(home.lmstudio),)))
    assert entry.origin is Origin.LM_STUDIO


def test_the_same_content_is_one_entry_with_its_copies(home: Home, own: Path):
    content = gguf()
    path = put(own / "a/b/one.gguf", content)
    theirs = in_hub(home, "ada/small", {"one.gguf": content}) / "one.gguf"
    first = look(home)
    assert len(first.entries) == 2  # the own one's hash is not known
    (known,) = [entry for entry in first.entries if entry.hashes]
    found = look(home, hashes={known.key: known.hashes})
    entry = one(found)
    assert (entry.path, entry.is_own) == (str(path), True)
    assert [copy.path for copy in entry.copies] == [str(theirs)]
    assert found.paths_by_hash[known.sha256] == str(path)


def test_an_opened_file_is_there_with_its_shards(home: Home):
    paths = [
        put(home.path / f"x/big-0000{number}-of-00002.gguf", shard_gguf(number, 2))
        for number in (1, 2)
    ]
    entry = one(look(home, opened=(str(paths[0]),)))
    assert (entry.origin, entry.shards) == (Origin.OPENED, tuple(map(str, paths)))
    assert not entry.model.read_only


# --------------------------------------------------------------------------------- the index


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are opened."""
    opened: list[str] = []
    look_into = index_module.look_into

    def counted(paths: tuple[str, ...]):
        opened.append(Path(paths[0]).name)
        return look_into(paths)

    monkeypatch.setattr(index_module, "look_into", counted)
    return opened


def test_a_later_start_opens_only_what_has_changed(
    home: Home, own: Path, tmp_path: Path, reads: list[str]
):
    for name in ("a", "b", "bad"):
        content = gguf(general__name=name, general__sampling__temp=0.5)
        put(own / f"x/y/{name}.gguf", content if name != "bad" else b"no")
    index = tmp_path / "cache/library.jsonl"
    first = look(home, index)
    assert sorted(reads) == ["a.gguf", "b.gguf", "bad.gguf"]
    reads.clear()
    put(own / "x/y/b.gguf", gguf(general__name="b, but longer"))
    second = look(home, index)
    assert reads == ["b.gguf"]
    assert second.entries[0] == first.entries[0]
    assert second.entries[1].model.facts.name == "b, but longer"
    assert [type(file.error) for file in second.refused] == [NotGguf]
    assert second.refused[0].error.to_dict() == first.refused[0].error.to_dict()


def test_the_index_keeps_everything_of_a_real_model(home: Home, own: Path, tmp_path: Path):
    (own / "a").mkdir()
    (own / "a/starter.gguf").symlink_to(starter_file())
    index = tmp_path / "cache/library.jsonl"
    assert look(home, index).entries == look(home, index).entries
    assert one(look(home, index)).model.shape is not None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version": 99}\n', b'{"version": 1}\n{"x": 1}'])
def test_a_damaged_index_costs_only_time(home: Home, own: Path, tmp_path: Path, damage: bytes):
    put(own / "a/b/one.gguf", gguf())
    index = put(tmp_path / "cache/library.jsonl", damage)
    assert one(look(home, index)).name == "one"


# ---------------------------------------------------------------------------------- watching


def test_a_change_is_noticed_and_nothing_else(home: Home, own: Path):
    path = put(own / "a/b/one.gguf", gguf())
    wish = ScanWish(own=(str(own),))

    async def steps(shelf: Shelf):
        await shelf.scan(wish)
        assert not await shelf.has_changed()
        half = put(own / "a/b/two.gguf", gguf()[:-8])
        assert await shelf.has_changed()
        await shelf.scan(wish)
        assert not await shelf.has_changed()
        # A file that grows does not change its folder.
        half.write_bytes(gguf())
        assert await shelf.has_changed()
        await shelf.scan(wish)
        path.unlink()
        assert await shelf.has_changed()

    with_shelf(home, steps)


def test_an_application_that_is_installed_is_noticed(home: Home, own: Path):
    async def steps(shelf: Shelf):
        await shelf.scan(ScanWish(own=(str(own),)))
        assert not await shelf.has_changed()
        put(home.gpt4all / "four.gguf", gguf())
        assert await shelf.has_changed()

    with_shelf(home, steps)
