"""One transfer: a model as one item, from the first byte to the names it appears under."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.domain.errors import AppError, NoSpace, TransferError
from app.domain.transfer import Transfer, TransferPhase
from app.hub.client import HubClient
from app.hub.transfers.disk import check_largest, check_room, is_set_aside, publish, translated
from app.hub.transfers.file_fetch import FileFetch
from app.hub.transfers.journal import FileRecord, JobRecord, Journal, encoded
from app.hub.transfers.pace import Bandwidth, Pace, Patience, Speedometer
from app.hub.transfers.part_file import PartFile, to_the_end
from app.hub.transfers.source import Source
from app.hub.transfers.traffic import Traffic

log = logging.getLogger(__name__)

_HASHED_AT_ONCE = 1 << 20


class Job:
    """A transfer that can run, be stopped and run again. Confined to one loop."""

    def __init__(
        self,
        record: JobRecord,
        models: Path,
        client: HubClient,
        pace: Pace,
        bandwidth: Bandwidth,
        changed: Callable[[], None],
    ) -> None:
        """`changed` hears of each change of phase."""
        self.record = record
        self.phase = TransferPhase.WAITING
        self._models = models
        self._journal = Journal(models, record.transfer_id)
        self._changed = changed
        self._traffic = Traffic(client, pace, bandwidth, Patience(pace), Speedometer(), 1)
        self._fetch: tuple[FileRecord, FileFetch] | None = None
        self._reserved: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._saving = asyncio.Lock()
        self._unwanted = threading.Event()
        self._removed = False
        if record.paused:
            self.phase = TransferPhase.PAUSED
        elif record.error is not None:
            self.phase = TransferPhase.FAILED

    # --------------------------------------------------------------------- what is asked

    @property
    def running(self) -> bool:
        """Whether it has a place among those that run."""
        return self._task is not None

    @property
    def outstanding(self) -> int:
        """Bytes that it will still take from the disk, and that nothing sets aside for it."""
        return sum(
            kept.file.size_bytes - self._done(kept)
            for number, kept in enumerate(self.record.files)
            if number not in self._reserved
        )

    def snapshot(self) -> Transfer:
        """How far it is."""
        request, speed = self.record.request, self._traffic.speed
        done = sum(map(self._done, self.record.files)) + self._traffic.held_bytes
        done = min(done, request.total_bytes)
        active = self.phase.is_active
        trouble = self._traffic.trouble if active else None
        retry_at = self._traffic.retry_at
        finished = self.phase is TransferPhase.FINISHED
        return Transfer(
            transfer_id=self.record.transfer_id,
            request=request,
            phase=self._shown_phase(done),
            done_bytes=done,
            bytes_per_second=speed.speed() if active else 0.0,
            seconds_left=speed.seconds_left(request.total_bytes - done) if active else None,
            error=trouble or self.record.error,
            retry_in=max(0.0, retry_at - time.monotonic()) if trouble and retry_at else None,
            paths=tuple(str(self._final(kept)) for kept in self.record.files) if finished else (),
        )

    def start(self, connections: int, promised: int) -> None:
        """Run; `promised` bytes of the disk belong to other transfers. Tells nobody."""
        self.record.paused, self.record.error = False, None
        self._traffic.connections = connections
        self._traffic.speed = Speedometer()
        self._unwanted = threading.Event()
        self._begun = False
        self.phase = TransferPhase.RUNNING
        self._task = asyncio.ensure_future(self._run(promised))

    def hurry(self) -> None:
        """Do not wait any longer before trying again."""
        self._traffic.patience.hurry()

    async def pause(self) -> None:
        """Close all connections; on return nothing is received any more.

        What has come is made safe after that, before it can run again.
        """
        self.record.paused = True
        self._show(TransferPhase.PAUSED)
        if self._task is None:
            await self.save()
            return
        self._cancel()
        if self._traffic.open_connections:
            await self._traffic.silent.wait()

    async def stop(self) -> None:
        """Close all connections and make safe what has come; it is no pause, only the end."""
        if self._task is not None:
            self._cancel()
            await asyncio.wait({self._task})

    async def settle(self) -> None:
        """Wait until a pause has made everything safe."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def remove(self) -> None:
        """Stop, and take away all that has come and was not finished; raises `TransferError`."""
        self._removed = True
        await self.stop()
        try:
            # Whoever writes the journal just now would bring it back.
            async with self._saving:
                await to_the_end(self._journal.remove)
        except OSError as error:
            raise translated(error, self._journal.folder) from error

    async def save(self) -> None:
        """Write the journal. On a full disk the old one stands, a little behind."""
        async with self._saving:
            if self._removed:
                return
            entry = encoded(self.record)
            try:
                await to_the_end(lambda: self._journal.write(entry))
            except OSError as error:
                log.info("the journal of a download is behind: %s", error.strerror)

    def wait_in_line(self) -> None:
        """Run again as soon as there is a place."""
        self.record.paused, self.record.error = False, None
        self._show(TransferPhase.WAITING)

    # ------------------------------------------------------------------------------- the run

    async def _run(self, promised: int) -> None:
        self._begun = True
        try:
            if self._unwanted.is_set():
                return
            await self._prepare(promised)
            for number, kept in enumerate(self.record.files):
                if not kept.verified:
                    await self._fetch_file(number, kept)
            await self._publish()
            self._show(TransferPhase.FINISHED)
        except asyncio.CancelledError:
            # Paused, removed, or the end of the application: whoever cancelled has set the phase.
            return
        except NoSpace as error:
            self.record.paused = True
            self._stopped(TransferPhase.PAUSED, error)
        except AppError as error:
            self._stopped(TransferPhase.FAILED, error)
        except Exception as error:
            # A download that stands still for ever would be worse than one that says so.
            log.exception("a download ended with a bug")
            self._stopped(TransferPhase.FAILED, _bug(error))
        finally:
            self._traffic.trouble = self._traffic.retry_at = None
            if self.phase is not TransferPhase.FINISHED:
                await self.save()
            self._task = None
            self._changed()

    async def _prepare(self, promised: int) -> None:
        """Take up what is there already, and make sure of room for the rest."""
        folder = self._journal.folder
        try:
            await to_the_end(lambda: folder.mkdir(parents=True, exist_ok=True))
            for number, kept in enumerate(self.record.files):
                kept.verified = await to_the_end(lambda n=number, k=kept: self._is_here(n, k))
            largest = max(kept.file.size_bytes for kept in self.record.files)
            await to_the_end(lambda: check_largest(folder, largest))
            # What disks set aside was set aside before this run, too.
            needed = self.outstanding
            await to_the_end(lambda: check_room(folder, needed, promised))
        except OSError as error:
            raise translated(error, folder) from error
        await self.save()
        for number, kept in enumerate(self.record.files):
            if not kept.verified:
                part = PartFile(self._journal.part(number))
                try:
                    if await part.open(kept.file.size_bytes):
                        self._reserved.add(number)
                finally:
                    await part.close()

    def _is_here(self, number: int, kept: FileRecord) -> bool:
        """Whether a file is complete, in its part file or under its name. Raises `OSError`."""
        part, final = self._journal.part(number), self._final(kept)
        size = kept.file.size_bytes
        part_size = part.stat().st_size if part.exists() else -1
        there = final.is_file() and final.stat().st_size == size
        if kept.verified and (part_size == size or there):
            return True
        if kept.verified or part_size != size:
            kept.spans = ()
        elif is_set_aside(part, size):
            self._reserved.add(number)
        if kept.spans or not there or kept.file.sha256 is None:
            return False
        return self._sha256(final) == kept.file.sha256

    async def _fetch_file(self, number: int, kept: FileRecord) -> None:
        source = Source(self._traffic.client, self.record.request, kept.file)
        part = PartFile(self._journal.part(number))
        fetch = FileFetch(self._traffic, source, part, kept, self.save)
        self._fetch = (kept, fetch)
        try:
            await part.open(kept.file.size_bytes)
            try:
                await fetch.run()
            except BaseException:
                await self._save_what_came(fetch)
                raise
        finally:
            self._fetch = None
            await part.close()

    async def _save_what_came(self, fetch: FileFetch) -> None:
        if self._removed:
            return
        try:
            await fetch.save()
        except TransferError as error:
            # Whatever ended the run is told; the journal stays a little behind.
            log.info("what came last of a download is not kept: %s", error.kind)

    async def _publish(self) -> None:
        """Give the files their names: the first shard, which makes it a model, at the very last."""
        for number, kept in reversed(list(enumerate(self.record.files))):
            part, final = self._journal.part(number), self._final(kept)
            try:
                if await to_the_end(part.exists):
                    await to_the_end(lambda p=part, f=final: publish(p, f))
            except OSError as error:
                raise translated(error, final) from error
        try:
            await to_the_end(self._journal.remove)
        except OSError as error:
            log.info("the folder of a finished download stays: %s", error.strerror)

    # ------------------------------------------------------------------------------- the rest

    def _final(self, kept: FileRecord) -> Path:
        return self._models.joinpath(*self.record.request.repo_id.split("/"), kept.file.path)

    def _done(self, kept: FileRecord) -> int:
        if kept.verified:
            return kept.file.size_bytes
        if self._fetch is not None and self._fetch[0] is kept:
            return self._fetch[1].done_bytes
        return sum(end - start for start, end in kept.spans)

    def _shown_phase(self, done: int) -> TransferPhase:
        if self.phase is not TransferPhase.RUNNING:
            return self.phase
        if self._traffic.trouble is not None:
            return TransferPhase.RETRYING
        complete = done == self.record.request.total_bytes
        return TransferPhase.CHECKING if complete else TransferPhase.RUNNING

    def _stopped(self, phase: TransferPhase, error: AppError) -> None:
        self.record.error = error
        self._show(phase)

    def _sha256(self, path: Path) -> str:
        """Of a whole file; of nothing in particular once the transfer is stopped."""
        digest = hashlib.sha256()
        with open(path, "rb", buffering=0) as file:
            while (block := file.read(_HASHED_AT_ONCE)) and not self._unwanted.is_set():
                digest.update(block)
        return digest.hexdigest()

    def _cancel(self) -> None:
        self._unwanted.set()
        # A task that is cancelled before its first step never comes to clear up after itself.
        if self._task is not None and self._begun:
            self._task.cancel()

    def _show(self, phase: TransferPhase) -> None:
        self.phase = phase
        self._changed()


def _bug(error: Exception) -> TransferError:
    return TransferError(
        "The download stopped because of a fault in Lamplight.",
        type(error).__name__,
        "What has come is kept. Resume it; if that does not help, please report it.",
    )
