"""Finding a variant by name, and looking into it before it is downloaded."""

from __future__ import annotations

import asyncio
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from app.domain.errors import AppError, HubAnswerBroken, NotGguf, RepoMissing
from app.domain.hub import CuratedList, RepoDetails, RepoFile, RepoSummary, Variant
from app.domain.localmodel import LocalModel
from app.domain.variants import grouped
from app.library.local_library import LocalLibrary
from app.library.model_file import inspect_file
from app.services.hub import HubService
from tests.helpers.gguf_files import starter_file
from tests.helpers.scripted_hub import ScriptedHub


def no_list() -> CuratedList:
    return CuratedList(date(2026, 11, 24))


def details(**sizes: int) -> RepoDetails:
    files = [RepoFile(f"m-{name}.gguf", size) for name, size in sizes.items()]
    found = grouped(files)
    return RepoDetails(RepoSummary("author/model"), "c" * 40, found.variants, found.projectors)


def found(hub: ScriptedHub, name: str) -> tuple[RepoDetails, Variant]:
    return asyncio.run(HubService(hub, LocalLibrary(lambda: None), no_list).find(name))


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("author/model", "Q4_K_M"),
        ("author/model:q8_0", "Q8_0"),
        ("https://hf.co/author/model/blob/main/m-Q2_K.gguf", "Q2_K"),
    ],
)
def test_a_name_finds_its_variant(name: str, quantisation: str):
    hub = ScriptedHub({"author/model": details(Q2_K=1, Q4_K_M=2, Q8_0=3)})
    assert found(hub, name)[1].quantisation == quantisation


def test_where_nothing_is_recommended_the_smallest_is_taken():
    hub = ScriptedHub({"author/model": details(Q6_K=9, Q3_K_S=3)})
    assert found(hub, "author/model")[1].quantisation == "Q3_K_S"


@pytest.mark.parametrize(
    ("there", "name", "said"),
    [
        (details(Q4_0=1), "author/model:Q8_0", "It has: Q4_0."),
        (details(), "author/model", "Look for a repository with GGUF files."),
        (details(Q4_0=1), "author/other", "Choose another one."),
    ],
)
def test_what_is_not_there_is_said_with_what_is(there: RepoDetails, name: str, said: str):
    with pytest.raises(RepoMissing) as caught:
        found(ScriptedHub({"author/model": there}), name)
    assert caught.value.remedy == said


# ---------------------------------------------------------------------- a look into a file


def looked_into(
    hub: ScriptedHub, variant: Variant, repo: RepoDetails | None = None
) -> LocalModel | AppError:
    async def main() -> LocalModel | AppError:
        library = LocalLibrary(lambda: None)
        try:
            service = HubService(hub, library, no_list)
            bare = RepoDetails(RepoSummary("author/model"), "c" * 40)
            return await service.look_into(repo or bare, variant)
        except AppError as error:
            return error
        finally:
            await library.close()

    return asyncio.run(main())


def test_a_header_alone_tells_what_the_whole_file_tells(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.services.hub._FIRST_LOOK", 100_000)
    content = starter_file().read_bytes()
    hub = ScriptedHub(files={"m.gguf": content})
    looked = looked_into(hub, Variant("", (RepoFile("m.gguf", len(content)),)))
    whole, _ = inspect_file(str(starter_file()))
    assert isinstance(looked, LocalModel)
    assert looked.shape == whole.shape
    assert looked.facts == whole.facts
    # Each look asks only for what is not there yet.
    assert hub.reads[0] == (0, 100_000)
    assert all(first[0] + first[1] == second[0] for first, second in pairwise(hub.reads))
    assert sum(length for _, length in hub.reads) < len(content) / 10


def test_a_projector_that_comes_along_takes_no_memory():
    content = starter_file().read_bytes()
    files = (RepoFile("m.gguf", len(content)), RepoFile("mmproj-m-f16.gguf", 800_000_000))
    there = grouped(files)
    repo = RepoDetails(RepoSummary("author/model"), "c" * 40, there.variants, there.projectors)
    looked = looked_into(ScriptedHub(files={"m.gguf": content}), there.variants[0], repo)
    assert isinstance(looked, LocalModel)
    assert looked.shape is not None
    # The engine does not load it.
    assert looked.shape.weights_bytes < len(content)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"<!doctype html>" * 100, NotGguf), (b"GGUF\3\0\0\0" + b"\xff" * 5000, AppError)],
)
def test_what_is_no_model_is_refused_before_it_is_downloaded(content: bytes, kind: type):
    hub = ScriptedHub(files={"m.gguf": content})
    assert isinstance(looked_into(hub, Variant("", (RepoFile("m.gguf", 9_000_000),))), kind)


def test_a_file_that_gives_no_more_is_not_asked_for_ever():
    content = starter_file().read_bytes()[:50_000]
    hub = ScriptedHub(files={"m.gguf": content})
    looked = looked_into(hub, Variant("", (RepoFile("m.gguf", 98_000_000),)))
    assert isinstance(looked, HubAnswerBroken)


def test_the_curated_list_is_sound():
    from app.hub.curated import curated

    path = Path(__file__).parents[3] / "resources" / "curated" / "models.json"
    service = HubService(ScriptedHub(), LocalLibrary(lambda: None), lambda: curated(path))
    repos = service.curated().repos
    assert service.curated().dated >= date(2026, 11, 24)
    assert len(repos) >= 8
    assert [repo.size_bytes for repo in repos] == sorted(repo.size_bytes for repo in repos)
    assert all(repo.licence and repo.about.endswith(".") for repo in repos)
    assert {repo.task for repo in repos} == {"chat", "code", "reasoning", "vision"}
    assert all(repo.size_bytes < 1.2 * repo.parameters for repo in repos)
