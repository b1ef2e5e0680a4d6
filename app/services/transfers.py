"""Downloading models: begun here, followed through facts, and offered when they are complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from app.domain.errors import AppError, ModelFileError, NoSuchTransfer
from app.domain.facts import Fact, TransfersChanged, Trouble
from app.domain.hub import RepoDetails, Variant
from app.domain.network_ports import TransferKeeper
from app.domain.settings import HubSettings
from app.domain.transfer import Transfer, TransferLimits, TransferPhase, TransferRequest
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.models import ModelService


class TransferService:
    """Publishes `TransfersChanged`; a finished download can be chosen as a model."""

    def __init__(
        self,
        keeper: TransferKeeper,
        models: ModelService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
    ) -> None:
        self._keeper = keeper
        self._models = models
        self._facts = facts
        self._tasks = tasks
        self._verdicts: dict[str, AppError | None] = {}
        """Of finished ones that were looked at: why they cannot be used, None where they can."""
        self._looking: set[str] = set()
        keeper.on_change(self._heard)

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """All of them in their order. What has come is finished when it can be chosen."""
        return tuple(map(self._judged, self._keeper.transfers))

    async def start(self) -> None:
        """Go on with what an earlier run has left; what stands in the way is only told."""
        try:
            await self._keeper.start()
        except AppError as error:
            self._facts.publish(Trouble(error))

    async def download(self, details: RepoDetails, variant: Variant) -> str:
        """Fetch a variant with all that belongs to it; the transfer's id."""
        title = f"{details.summary.name} {variant.quantisation}".strip()
        files = details.item(variant)
        request = TransferRequest(details.summary.repo_id, details.commit, title, files)
        return await self._keeper.add(request)

    async def follow(self, transfer_id: str) -> AsyncGenerator[Transfer]:
        """Each state of a transfer until it runs no more; raises `NoSuchTransfer`."""
        news = asyncio.Event()
        end = self._facts.subscribe(lambda _: news.set())
        try:
            while True:
                news.clear()
                transfer = _named(self.transfers, transfer_id)
                yield transfer
                if not transfer.phase.is_active and transfer.phase is not TransferPhase.WAITING:
                    return
                await news.wait()
        finally:
            end()

    async def pause(self, transfer_id: str) -> None:
        """On return nothing of it is received any more."""
        await self._keeper.pause(transfer_id)

    async def resume(self, transfer_id: str) -> None:
        """Go on as soon as there is a place; one that waits to try again tries now."""
        await self._keeper.resume(transfer_id)

    async def pause_all(self) -> None:
        """Every one that runs or waits."""
        await self._keeper.pause_all()

    async def resume_all(self) -> None:
        """Every one that is paused or failed."""
        await self._keeper.resume_all()

    async def remove(self, transfer_id: str) -> None:
        """Stop it and delete its part files; of a finished one only the entry goes."""
        await self._keeper.remove(transfer_id)

    async def move(self, transfer_id: str, place: int) -> None:
        """Put it at a place of the line, counted from 0."""
        await self._keeper.move(transfer_id, place)

    async def set_limits(self, settings: HubSettings) -> None:
        """What the settings say holds from now on."""
        await self._keeper.set_limits(limits_of(settings))

    def _judged(self, transfer: Transfer) -> Transfer:
        if transfer.phase is not TransferPhase.FINISHED:
            return transfer
        if transfer.transfer_id not in self._verdicts:
            return replace(transfer, phase=TransferPhase.CHECKING)
        error = self._verdicts[transfer.transfer_id]
        if error is None:
            return transfer
        return replace(transfer, phase=TransferPhase.UNUSABLE, error=error)

    def _heard(self, transfers: tuple[Transfer, ...]) -> None:
        for transfer in transfers:
            seen = self._looking | self._verdicts.keys()
            if transfer.phase is TransferPhase.FINISHED and transfer.transfer_id not in seen:
                self._looking.add(transfer.transfer_id)
                self._tasks.spawn(self._offer(transfer), "offer-download")
        self._facts.publish(TransfersChanged(self.transfers))

    async def _offer(self, transfer: Transfer) -> None:
        verdict: AppError | None = None
        try:
            await self._models.offer(transfer.paths[0], remember=False)
        except ModelFileError as error:
            # It is what its checksum promises; that nothing can run it must be said all the same.
            verdict = error
        self._looking.discard(transfer.transfer_id)
        self._verdicts[transfer.transfer_id] = verdict
        self._facts.publish(TransfersChanged(self.transfers))


def limits_of(settings: HubSettings) -> TransferLimits:
    """The settings, in bytes."""
    return TransferLimits(settings.limit * 1e6, settings.at_once, settings.connections)


def _named(transfers: tuple[Transfer, ...], transfer_id: str) -> Transfer:
    for transfer in transfers:
        if transfer.transfer_id == transfer_id:
            return transfer
    raise NoSuchTransfer("This download is not in the list any more.")
