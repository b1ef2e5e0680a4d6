"""A hub in memory, as the services see it: what it offers, and downloads that a test moves on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.domain.errors import AppError, RepoMissing
from app.domain.hub import RepoDetails, RepoPage, RepoQuery
from app.domain.transfer import Transfer, TransferLimits, TransferPhase, TransferRequest


@dataclass
class ScriptedHub:
    """Stands for `HubCatalogue` and `TransferKeeper`."""

    repos: dict[str, RepoDetails] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """By path, for looks into them."""
    refuses: AppError | None = None
    """Raised by `start` and `add`."""
    refuses_reading: AppError | None = None
    refuses_asking: AppError | None = None
    """Raised by `search`, `details` and `card`."""
    search_gate: asyncio.Event | None = None
    """Holds back what was asked for last."""
    cards: dict[str, str] = field(default_factory=dict)
    page_size: int = 50
    transfers: tuple[Transfer, ...] = ()
    asked: list[tuple[object, ...]] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    """Start and length of each look into a file."""
    _heard: list[Callable[[tuple[Transfer, ...]], None]] = field(default_factory=list)

    async def search(self, query: RepoQuery, page: str | None = None) -> RepoPage:
        self.asked.append(("search", query, page))
        self._may_ask()
        if self.search_gate is not None:
            await self.search_gate.wait()
        wanted = query.text.lower()
        found = [repo.summary for name, repo in self.repos.items() if wanted in name.lower()]
        start = int(page or 0)
        end = start + self.page_size
        return RepoPage(tuple(found[start:end]), str(end) if end < len(found) else None)

    def _may_ask(self) -> None:
        if self.refuses_asking is not None:
            raise self.refuses_asking

    def page_address(self, repo_id: str) -> str:
        return f"https://hub.example/{repo_id}"

    async def details(self, repo_id: str) -> RepoDetails:
        self.asked.append(("details", repo_id))
        self._may_ask()
        if repo_id not in self.repos:
            raise RepoMissing(f"“{repo_id}” is not there.", remedy="Choose another one.")
        return self.repos[repo_id]

    async def card(self, repo_id: str, commit: str) -> str:
        self._may_ask()
        return self.cards.get(repo_id, f"# {repo_id} at {commit}")

    async def read_range(
        self, repo_id: str, commit: str, path: str, start: int, length: int
    ) -> bytes:
        if self.refuses_reading is not None:
            raise self.refuses_reading
        self.reads.append((start, length))
        return self.files[path][start : start + length]

    def on_change(self, heard: Callable[[tuple[Transfer, ...]], None]) -> None:
        self._heard.append(heard)

    def announce(self, *transfers: Transfer) -> None:
        """These are all the downloads now."""
        self.transfers = transfers
        for heard in self._heard:
            heard(transfers)

    async def start(self) -> None:
        if self.refuses is not None:
            raise self.refuses

    async def add(self, request: TransferRequest) -> str:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(("add", request))
        self.announce(Transfer("t1", request, TransferPhase.WAITING))
        return "t1"

    def go_on(self, **changed: object) -> None:
        """The download is further."""
        self.announce(replace(self.transfers[0], **changed))

    async def pause(self, transfer_id: str) -> None:
        self.asked.append(("pause", transfer_id))

    async def pause_all(self) -> None:
        self.asked.append(("pause all",))

    async def resume(self, transfer_id: str) -> None:
        self.asked.append(("resume", transfer_id))

    async def resume_all(self) -> None:
        self.asked.append(("resume all",))

    async def remove(self, transfer_id: str) -> None:
        self.asked.append(("remove", transfer_id))

    async def move(self, transfer_id: str, place: int) -> None:
        self.asked.append(("move", transfer_id, place))

    async def set_limits(self, limits: TransferLimits) -> None:
        self.asked.append(("limits", limits))

    async def use_folder(self, models: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(("folder", models))

    async def close(self) -> None:
        pass
