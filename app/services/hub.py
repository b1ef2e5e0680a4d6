"""Finding a model on the hub: lists, details, and what a variant is before it is downloaded."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.errors import HubAnswerBroken, RepoMissing
from app.domain.hub import CuratedList, RepoDetails, RepoPage, RepoQuery, Variant
from app.domain.localmodel import FileBeginning, LocalModel
from app.domain.network_ports import HubCatalogue
from app.domain.ports import ModelLibrary
from app.domain.repo_name import ModelName, RepoName, parse_model_name, parse_repo_name
from app.domain.variants import find_variant, recommended

_FIRST_LOOK = 2 << 20
"""Bytes: holds the header of a model with a vocabulary of 32,000."""
_LONGEST_LOOK = 64 << 20


class HubService:
    """Raises `HubError` cases and `NetworkOff`; `curated` works without a network."""

    def __init__(
        self,
        catalogue: HubCatalogue,
        library: ModelLibrary,
        curated: Callable[[], CuratedList],
        address: Callable[[], str] = str,
    ) -> None:
        """`address` tells the hub's own, where it is a mirror: names may be copied from it too."""
        self._address = address
        self._catalogue = catalogue
        self._library = library
        self._curated = curated

    def curated(self) -> CuratedList:
        """What is proposed for a first choice."""
        return self._curated()

    def page_address(self, repo_id: str) -> str:
        """Where a web browser shows the repository; asks nobody."""
        return self._catalogue.page_address(repo_id)

    async def search(self, query: RepoQuery, page: str | None = None) -> RepoPage:
        """Repositories with GGUF files; `page` is the `next_page` of the part before."""
        return await self._catalogue.search(query, page)

    async def details(self, repo_id: str) -> RepoDetails:
        """What a repository holds now, pinned to its commit."""
        return await self._catalogue.details(repo_id)

    async def card(self, details: RepoDetails) -> str:
        """The repository's page in Markdown; foreign text. Empty where it has none."""
        return await self._catalogue.card(details.summary.repo_id, details.commit)

    def read_name(self, text: str) -> ModelName:
        """Whose model a name or an address means; raises `UsageError`. Asks nobody."""
        return parse_model_name(text, (self._address(),))

    async def find(self, name: str) -> tuple[RepoDetails, Variant]:
        """What a name asks for (see `parse_repo_name`); raises `UsageError` too."""
        wanted = parse_repo_name(name, (self._address(),))
        details = await self._catalogue.details(wanted.repo_id)
        return details, _chosen(details, wanted)

    async def look_into(self, details: RepoDetails, variant: Variant) -> LocalModel:
        """What the variant's header says, of which a few megabytes are read.

        Raises `ModelFileError` cases for what could not be used anyway.
        """
        shards = [FileBeginning(file.path, file.size_bytes, b"") for file in variant.files]
        for number in range(len(shards)):
            shards[number] = await self._read_on(details, shards[number])
        while True:
            found = await self._library.inspect_beginnings(shards)
            if isinstance(found, LocalModel):
                return found
            shards[found.number] = await self._read_on(details, shards[found.number])

    async def _read_on(self, details: RepoDetails, shard: FileBeginning) -> FileBeginning:
        """Four times as much of it as before."""
        there = len(shard.beginning)
        wanted = min(max(_FIRST_LOOK, 4 * there), _LONGEST_LOOK, shard.size_bytes)
        more = await self._catalogue.read_range(
            details.summary.repo_id, details.commit, shard.name, there, wanted - there
        )
        if not more:
            raise HubAnswerBroken(
                f"“{shard.name}” cannot be looked into.",
                f"{there:,} of {shard.size_bytes:,} bytes were read",
                "Choose another variant or another repository.",
            )
        return FileBeginning(shard.name, shard.size_bytes, shard.beginning + more)


def _chosen(details: RepoDetails, wanted: RepoName) -> Variant:
    if wanted.path:
        matching = (
            variant
            for variant in details.variants
            if any(file.path == wanted.path for file in variant.files)
        )
        found = next(matching, None)
    elif wanted.quantisation:
        found = find_variant(details.variants, wanted.quantisation)
    else:
        found = recommended(details.variants)
    if found is None:
        there = ", ".join(variant.quantisation or variant.path for variant in details.variants)
        what = wanted.path or wanted.quantisation
        raise RepoMissing(
            f"“{details.summary.repo_id}” has no {what or 'file that Lamplight can use'}.",
            "",
            f"It has: {there}." if there else "Look for a repository with GGUF files.",
        )
    return found
