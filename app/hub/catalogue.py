"""What the hub offers: lists, details, cards, and a look into a file without downloading it."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

from app.domain.errors import HubFault, RepoMissing, TokenRefused
from app.domain.hub import RepoDetails, RepoPage, RepoQuery, RepoSort
from app.domain.network import Purpose
from app.hub.answers import details, repo_list
from app.hub.client import HubClient
from app.hub.huggingface import file_url, is_repo_id
from app.hub.refusals import answer_broken

PAGE = 50
"""Rows that fill a few screens; the next page is asked for while they are scrolled."""
_LONGEST_NAME = 100
_SORT = {
    RepoSort.TRENDING: "trendingScore",
    RepoSort.DOWNLOADS: "downloads",
    RepoSort.LIKES: "likes",
    RepoSort.RECENT: "lastModified",
}
_EXPANDED = ("downloads", "likes", "lastModified", "gated", "pipeline_tag", "tags", "gguf")


class Catalogue:
    """Reads a hub. Belongs to the loop of its client; raises `HubError` cases and `NetworkOff`."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    async def search(self, query: RepoQuery, page: str | None = None) -> RepoPage:
        """Repositories with GGUF files; `page` is the `next_page` of the part before."""
        if page is None:
            answer, following = await self._client.json(
                "/api/models", "the list of models", _params(query)
            )
        else:
            answer, following = await self._client.json(page, "the list of models")
        return RepoPage(repo_list(answer, self._client.endpoint.host), following)

    async def details(self, repo_id: str) -> RepoDetails:
        """What a repository holds now, pinned to its commit."""
        if not is_repo_id(repo_id):
            raise RepoMissing(
                f"“{repo_id}” is not a name that a repository can have.",
                "",
                "Write it as AUTHOR/NAME, as its page shows it.",
            )
        path = f"/api/models/{quote(repo_id)}"
        answer, _ = await self._client.json(path, repo_id, {"blobs": "true"})
        return details(answer, repo_id, self._client.endpoint.host)

    async def card(self, repo_id: str, commit: str) -> str:
        """The repository's page in Markdown, empty where it has none. It is foreign text.

        At most 2 MB of it. The table of metadata at its beginning is left out.
        """
        url = file_url(self._client.endpoint.url, repo_id, commit, "README.md")
        try:
            return _without_metadata(await self._client.text(url, repo_id))
        except RepoMissing:
            return ""

    async def account(self, token: str | None = None) -> str:
        """The name of the account that a token (or the kept one) belongs to.

        Raises `TokenRefused` where the hub does not know it, or may not see it.
        """
        endpoint = self._client.endpoint
        if not endpoint.may_see_token:
            raise TokenRefused(
                f"{endpoint.host} is not asked with a token.",
                "What is said to it is not encrypted, so anybody on the way could read the token.",
                "Use an address that begins with https://.",
            )
        url = f"{endpoint.url}/api/whoami-v2"
        async with self._client.request("GET", url, Purpose.SIGN_IN, token=token) as response:
            if response.status_code == 404:
                raise HubFault(
                    f"{endpoint.host} has no accounts.", "status 404", "It needs no token."
                )
            await self._client.check(response, "the account", signed_in=True)
            answer = await self._client.body_as_json(response)
        name = cast("dict[str, Any]", answer).get("name") if isinstance(answer, dict) else None
        if not isinstance(name, str):
            raise answer_broken(endpoint.host, "it does not tell an account's name")
        return name[:_LONGEST_NAME]

    async def greet(self) -> None:
        """Ask for as little as possible: whether the hub answers."""
        await self._client.json("/api/models", "the list of models", {"limit": 1})

    async def read_range(
        self, repo_id: str, commit: str, path: str, start: int, length: int
    ) -> bytes:
        """Some bytes of a file; fewer only at its end."""
        url = file_url(self._client.endpoint.url, repo_id, commit, path)
        asked = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        found = bytearray()
        async with self._client.request("GET", url, Purpose.BROWSE, headers=asked) as response:
            if response.status_code == 416:
                return b""
            await self._client.check(response, path.rpartition("/")[2])
            if response.status_code != 206 and start:
                host = response.url.host
                raise answer_broken(host, "it sends a whole file where a part was asked for")
            async for block in response.aiter_raw():
                found += block[: length - len(found)]
                if len(found) == length:
                    break
        return bytes(found)


def _params(query: RepoQuery) -> dict[str, Any]:
    """As `HfApi.list_models` of huggingface_hub 2.4 writes them."""
    filters = ["gguf"]
    if query.licence:
        filters.append(f"license:{query.licence}")
    if query.language:
        filters.append(query.language)
    params: dict[str, Any] = {
        "filter": filters,
        "sort": _SORT[query.sort],
        "limit": PAGE,
        "expand": list(_EXPANDED),
    }
    if query.text.strip():
        params["search"] = query.text.strip()
    if query.author:
        params["author"] = query.author
    if query.task:
        params["pipeline_tag"] = query.task
    if query.min_parameters is not None or query.max_parameters is not None:
        params["num_parameters"] = _bounds(query.min_parameters, query.max_parameters)
    return params


def _bounds(low: float | None, high: float | None) -> str:
    bounds = [f"{word}:{value:g}B" for word, value in (("min", low), ("max", high)) if value]
    return ",".join(bounds)


def _without_metadata(card: str) -> str:
    """Without the YAML between two lines of three dashes; none of it is read."""
    lines = card.lstrip("\ufeff").splitlines()
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:], 1):
            if line.strip() == "---":
                return "\n".join(lines[number + 1 :]).strip()
    return card.strip()
