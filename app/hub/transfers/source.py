"""Where the bytes of a file come from: the hub's redirect to its storage, checked and kept.

Protocol: huggingface_hub, file_download.py (`get_hf_file_metadata`). The hub answers
`/ID/resolve/COMMIT/PATH` with a redirect to a signed address that expires; its headers
`X-Linked-Etag` (the SHA-256) and `X-Linked-Size` describe the file, the storage's own do not.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import httpx2

from app.domain.errors import HubFault, OtherFileOffered
from app.domain.hub import RepoFile
from app.domain.network import Purpose
from app.domain.transfer import TransferRequest
from app.hub.client import HubClient
from app.hub.huggingface import file_url
from app.hub.refusals import answer_broken

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_NO_HEAD = (405, 501)


@dataclass(frozen=True, slots=True)
class Located:
    """An address that gives the file for a while."""

    url: str
    identity: str
    """What the hub calls this content; empty where it does not say."""
    sha256: str | None
    """As the hub announces it with its redirect."""


class Source:
    """One file of a repository at one commit."""

    def __init__(self, client: HubClient, request: TransferRequest, file: RepoFile) -> None:
        self._client = client
        self._commit = request.commit
        self._file = file
        self._url = file_url(client.endpoint.url, request.repo_id, request.commit, file.path)
        self._located: Located | None = None
        self._locating = asyncio.Lock()

    @property
    def name(self) -> str:
        """The file's name without its folders, for sentences."""
        return self._file.path.rpartition("/")[2]

    async def locate(self) -> Located:
        """The address in force; raises `HubError` cases and `OtherFileOffered`."""
        async with self._locating:
            if self._located is None:
                self._located = await self._ask_hub()
            return self._located

    def expired(self, located: Located) -> HubFault:
        """The storage refuses an address: the next `locate` asks the hub for another."""
        if self._located is located:
            self._located = None
        return HubFault(
            "The storage of the hub does not give the file.",
            httpx2.URL(located.url).host,
            "Lamplight asks the hub for another way to it.",
        )

    def belongs_to_hub(self, located: Located) -> bool:
        """Whether the hub itself gives the file, and not a storage elsewhere."""
        return self._client.endpoint.is_origin_of(located.url)

    async def _ask_hub(self) -> Located:
        url, method = self._url, "HEAD"
        asked = {"Accept-Encoding": "identity"}
        for _ in range(_MOST_REDIRECTS):
            async with self._client.request(
                method, url, Purpose.DOWNLOAD, headers=asked, follow_redirects=False
            ) as response:
                if method == "HEAD" and response.status_code in _NO_HEAD:
                    method = "GET"
                    continue
                await self._client.check(response, self.name)
                if response.status_code not in _REDIRECTS:
                    return self._checked(url, response, direct=True)
                url = str(response.url.join(response.headers.get("location", "")))
                if not self._client.endpoint.is_origin_of(url):
                    return self._checked(url, response, direct=False)
        raise answer_broken(self._client.endpoint.host, "it redirects in a circle")

    def _checked(self, url: str, response: httpx2.Response, *, direct: bool) -> Located:
        """Raises `OtherFileOffered` where the hub announces another file than was asked for."""
        headers = response.headers
        size = headers.get("x-linked-size") or (headers.get("content-length") if direct else None)
        linked = _plain(headers.get("x-linked-etag"))
        sha256 = linked if _SHA256.fullmatch(linked) else None
        if size is not None and size != str(self._file.size_bytes):
            raise changed(self.name, f"{self._file.size_bytes:,} bytes, now {size}")
        if sha256 and self._file.sha256 and sha256 != self._file.sha256:
            raise changed(self.name, f"SHA-256 {self._file.sha256}, now {sha256}")
        commit = headers.get("x-repo-commit")
        if commit and commit != self._commit:
            raise changed(self.name, f"commit {self._commit}, now {commit}")
        own = _plain(headers.get("etag")) if direct else ""
        return Located(url, linked or own, sha256)


def _plain(etag: str | None) -> str:
    """Without quotes and without the mark of a weak one."""
    return (etag or "").removeprefix("W/").strip('"').lower()


def changed(name: str, detail: str) -> OtherFileOffered:
    """The hub has another file in its place."""
    return OtherFileOffered(
        f"“{name}” has changed on the hub since it was chosen.",
        detail,
        "Remove this download and choose the file again on its page.",
    )
