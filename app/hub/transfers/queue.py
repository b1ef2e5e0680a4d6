"""All transfers: which run, which wait, and in which order."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

from app.domain.errors import NoSuchTransfer
from app.domain.library_errors import LibraryBusy
from app.domain.transfer import Transfer, TransferLimits, TransferPhase, TransferRequest
from app.hub.client import HubClient
from app.hub.transfers.job import Job
from app.hub.transfers.journal import FileRecord, JobRecord, read_all
from app.hub.transfers.pace import Bandwidth, Pace

_STOPPED = (TransferPhase.PAUSED, TransferPhase.FAILED)


class Queue:
    """Confined to one loop, in whose thread `heard` is called too."""

    def __init__(
        self,
        models: Path,
        client: HubClient,
        limits: TransferLimits,
        heard: Callable[[tuple[Transfer, ...]], None],
        pace: Pace | None = None,
    ) -> None:
        """`heard` is told of every change, and several times a second of progress."""
        self._models = models
        self._client = client
        self._heard = heard
        self._pace = pace or Pace()
        self._bandwidth = Bandwidth()
        self._limits = limits
        self._bandwidth.bytes_per_second = limits.bytes_per_second
        self._jobs: list[Job] = []
        self._reporting: asyncio.Task[None] | None = None
        self._closing = False
        self._left: set[str] = set()
        """Of an earlier run, and not asked for in this one."""

    async def load(self, *, go_on: bool = True) -> None:
        """Take up what an earlier run of the application has left.

        Without `go_on` each of them waits until it is asked for.
        """
        for record in await asyncio.to_thread(read_all, self._models):
            self._jobs.append(self._job(record))
            if not go_on:
                self._left.add(record.transfer_id)
        self._fill()
        self._tell()

    def snapshot(self) -> tuple[Transfer, ...]:
        """All of them, in their order."""
        return tuple(job.snapshot() for job in self._jobs)

    async def add(self, request: TransferRequest) -> str:
        """Put it at the end of the line; its id. The same thing twice is one transfer."""
        for job in self._jobs:
            if job.record.request == request and job.phase is not TransferPhase.FINISHED:
                await self.resume(job.record.transfer_id)
                return job.record.transfer_id
        record = JobRecord(
            secrets.token_hex(6),
            request,
            rank=1 + max((job.record.rank for job in self._jobs), default=0),
            files=[FileRecord(file) for file in request.files],
        )
        job = self._job(record)
        self._jobs.append(job)
        await job.save()
        self._fill()
        self._tell()
        return record.transfer_id

    async def use_folder(self, models: Path) -> None:
        """New ones go there; raises `LibraryBusy` while there are any that have not ended."""
        if any(job.phase is not TransferPhase.FINISHED for job in self._jobs):
            raise LibraryBusy(
                "The folder for models can't be changed while a download has not ended.",
                "",
                "Let the downloads finish, or remove them, and change it then.",
            )
        self._models = models

    async def pause(self, transfer_id: str) -> None:
        """On return nothing of it is received any more; raises `NoSuchTransfer`."""
        job = self._find(transfer_id)
        if job.phase.is_active or job.phase is TransferPhase.WAITING:
            await job.pause()
            self._fill()

    async def pause_all(self) -> None:
        """Every one that runs or waits."""
        # Those that wait first, or they would take the places that become free.
        waiting_first = sorted(self._jobs, key=lambda job: job.running)
        for job in waiting_first:
            # Some may be removed while others are paused.
            if job in self._jobs:
                await self.pause(job.record.transfer_id)

    async def resume(self, transfer_id: str) -> None:
        """Go on, as soon as there is a place; one that waits to try again tries now."""
        job = self._find(transfer_id)
        self._left.discard(transfer_id)
        if job.phase in _STOPPED:
            await job.settle()
            # Two may have asked for it meanwhile.
            if not job.running and job.phase in _STOPPED:
                job.wait_in_line()
                await job.save()
        elif job.phase is TransferPhase.WAITING:
            self._fill()
        else:
            job.hurry()

    async def resume_all(self) -> None:
        """Every one that is paused or failed."""
        for job in tuple(self._jobs):
            if job in self._jobs:
                await self.resume(job.record.transfer_id)

    async def remove(self, transfer_id: str) -> None:
        """Stop it and take its part files away; of a finished one only the entry."""
        job = self._find(transfer_id)
        self._jobs.remove(job)
        try:
            await job.remove()
        finally:
            self._fill()
            self._tell()

    async def move(self, transfer_id: str, place: int) -> None:
        """Put it at a place of the line, counted from 0; those that run go on."""
        job = self._find(transfer_id)
        self._jobs.remove(job)
        self._jobs.insert(max(0, place), job)
        self._tell()
        for rank, each in enumerate(tuple(self._jobs), 1):
            if each.record.rank != rank:
                each.record.rank = rank
                if each.phase is not TransferPhase.FINISHED:
                    await each.save()

    def set_limits(self, limits: TransferLimits) -> None:
        """From now on; the number of connections from each transfer's next start."""
        self._limits = limits
        self._bandwidth.bytes_per_second = limits.bytes_per_second
        self._fill()

    async def close(self) -> None:
        """Stop everything and make safe what has come."""
        self._closing = True
        await asyncio.gather(*(job.stop() for job in self._jobs))
        if self._reporting is not None:
            self._reporting.cancel()

    def _job(self, record: JobRecord) -> Job:
        return Job(
            record, self._models, self._client, self._pace, self._bandwidth, self._job_changed
        )

    def _find(self, transfer_id: str) -> Job:
        for job in self._jobs:
            if job.record.transfer_id == transfer_id:
                return job
        raise NoSuchTransfer("This download is not in the list any more.")

    def _job_changed(self) -> None:
        self._fill()
        self._tell()

    def _fill(self) -> None:
        """Start those whose turn it is."""
        if self._closing:
            return
        places = self._limits.at_once - sum(job.running for job in self._jobs)
        for job in self._jobs:
            if places <= 0:
                break
            if self._is_ready(job):
                places -= 1
                promised = sum(
                    other.outstanding for other in self._jobs if other.running and other is not job
                )
                job.start(self._limits.connections, promised)
        if self._reporting is None and any(job.running for job in self._jobs):
            self._reporting = asyncio.ensure_future(self._report())

    def _is_ready(self, job: Job) -> bool:
        waits = job.phase is TransferPhase.WAITING and not job.running
        return waits and job.record.transfer_id not in self._left

    async def _report(self) -> None:
        while any(job.running for job in self._jobs):
            await asyncio.sleep(self._pace.report)
            self._tell()
        self._reporting = None

    def _tell(self) -> None:
        self._heard(self.snapshot())
