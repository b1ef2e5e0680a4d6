"""Downloads for tests of the window: they stand as a test says, and keep what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.domain.errors import AppError
from app.domain.facts import Fact, TransfersChanged
from app.domain.hub import RepoFile
from app.domain.settings import HubSettings
from app.domain.transfer import Transfer, TransferPhase, TransferRequest
from app.flow.broadcast import Broadcast

GB = 1_000_000_000


def transfer(
    name: str,
    phase: TransferPhase = TransferPhase.RUNNING,
    done: int = 0,
    total: int = 2 * GB,
    **more: Any,
) -> Transfer:
    """A download of one file."""
    request = TransferRequest("author/repo", "c" * 40, name, (RepoFile("m.gguf", total),))
    if phase is TransferPhase.FINISHED:
        done = total
        more.setdefault("paths", (f"/models/{name}.gguf",))
    return Transfer(name, request, phase, done, **more)


class FakeTransfers:
    """In the place of `TransferService`."""

    def __init__(self, facts: Broadcast[Fact], transfers: Sequence[Transfer] = ()) -> None:
        self._facts = facts
        self.transfers = tuple(transfers)
        self.asked: list[tuple[object, ...]] = []
        self.error: AppError | None = None

    def announce(self, *transfers: Transfer) -> None:
        """These are all of them now."""
        self.transfers = transfers
        self._facts.publish(TransfersChanged(transfers))

    def change(self, name: str, **changes: Any) -> None:
        """One of them is in another state."""
        self.announce(
            *(
                replace(each, **changes) if each.transfer_id == name else each
                for each in self.transfers
            )
        )

    def _ask(self, *what: object) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(what)

    async def start(self) -> None:
        self._ask("start")

    async def pause(self, transfer_id: str) -> None:
        self._ask("pause", transfer_id)

    async def resume(self, transfer_id: str) -> None:
        self._ask("resume", transfer_id)

    async def pause_all(self) -> None:
        self._ask("pause all")

    async def resume_all(self) -> None:
        self._ask("resume all")

    async def remove(self, transfer_id: str) -> None:
        self._ask("remove", transfer_id)
        self.announce(*(each for each in self.transfers if each.transfer_id != transfer_id))

    async def move(self, transfer_id: str, place: int) -> None:
        self._ask("move", transfer_id, place)
        others = [each for each in self.transfers if each.transfer_id != transfer_id]
        (moved,) = (each for each in self.transfers if each.transfer_id == transfer_id)
        others.insert(place, moved)
        self.announce(*others)

    async def set_limits(self, settings: HubSettings) -> None:
        self._ask("limits", settings)
