"""Fetching one file: several connections, one checksum, and a journal that keeps up."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from app.domain.errors import AppError, ChecksumWrong, HubBusy, NetworkOff
from app.domain.network import Purpose
from app.hub.body import FAST, Body
from app.hub.transfers.answer import RangesIgnored, check_answer
from app.hub.transfers.coverage import LONG_PIECE, PIECE, Claim, Coverage, Plan
from app.hub.transfers.gathered import Gathered
from app.hub.transfers.journal import FileRecord
from app.hub.transfers.part_file import PartFile
from app.hub.transfers.source import Located, Source, changed
from app.hub.transfers.traffic import PASSING, CrawlWatch, Traffic, broken_off

if TYPE_CHECKING:
    import httpx2

_HASHED_AT_ONCE = 8 << 20
_MOST_CHANGES = 3
_WAIT_WHILE_OFF = 2.0
_ALONE = 200e6
"""Bytes per second of a first connection that others do not join: more than a gigabit line has."""
_LOOK = 0.1
"""Seconds over which a first connection is measured before others join it."""
_LONGEST_ALONE = 1.0
"""Seconds without a byte after which others join it all the same."""


class _StartOver(Exception):
    """What has come is not (or no longer) the file."""


class FileFetch:
    """Brings one file into its part file and compares it with its checksum."""

    def __init__(
        self,
        traffic: Traffic,
        source: Source,
        part: PartFile,
        record: FileRecord,
        save: Callable[[], Awaitable[None]],
    ) -> None:
        """`save` writes the journal."""
        self._traffic = traffic
        self._source = source
        self._part = part
        self._record = record
        self._save_journal = save
        self._size = record.file.size_bytes
        self._plan = Plan(self._size, Coverage(record.spans))
        self._arrived = asyncio.Event()
        self._unsaved = 0
        self._save_due = asyncio.Event()
        self._announced: str | None = None
        self._whole = False
        self._waiting = 0
        self._workers = 0
        self._received = 0
        self._joining = asyncio.Event()

    @property
    def done_bytes(self) -> int:
        """How much of the file is in its part file."""
        return self._plan.coverage.nbytes

    async def run(self) -> None:
        """Fetch what is missing and verify; raises final `HubError` and `TransferError` cases.

        Cancelling closes the connections at once; `save` keeps what had come.
        """
        changes = wrong = 0
        while not self._record.verified:
            try:
                digest = await self._fetch_and_hash()
            except RangesIgnored:
                self._whole = True
                continue
            except _StartOver:
                changes += 1
                if changes > _MOST_CHANGES:
                    raise changed(self._source.name, "it changes again and again") from None
                await self._start_over()
                continue
            expected = self._record.file.sha256 or self._announced or digest
            if digest == expected:
                # In this order: whoever writes the journal meanwhile must not claim too much.
                await self._part.sync()
                self._record.verified = True
                await self._save_journal()
                return
            wrong += 1
            await self._start_over()
            if wrong > 1:
                raise _checksum_wrong(self._source.name, expected, digest)

    async def save(self) -> None:
        """Everything written so far is on disk, and the journal knows."""
        spans = self._plan.coverage.spans
        self._unsaved = 0
        await self._part.sync()
        self._record.spans = spans
        await self._save_journal()

    # ------------------------------------------------------------------------- the tasks

    async def _fetch_and_hash(self) -> str:
        self._workers = self._waiting = 0
        try:
            async with asyncio.TaskGroup() as group:
                hashing = group.create_task(self._hash())
                beside = [group.create_task(self._save_now_and_then())]
                if self._whole:
                    workers = [group.create_task(self._fetch_whole())]
                else:
                    workers = [group.create_task(self._fetch_first())]
                    beside.append(group.create_task(self._call_others()))
                    others = range(1, self._traffic.connections)
                    workers += [group.create_task(self._fetch_too()) for _ in others]
                await asyncio.wait(workers)
                if all(not task.cancelled() and task.exception() is None for task in workers):
                    await hashing
                for task in beside:
                    task.cancel()
        except BaseExceptionGroup as errors:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # Before Python 3.13 a group whose tasks fail as well forgets it.
                raise asyncio.CancelledError from errors
            raise _first_of(errors) from errors
        return hashing.result()

    async def _hash(self) -> str:
        digest = hashlib.sha256()
        hashed = 0
        while hashed < self._size:
            ready = min(self._plan.coverage.frontier - hashed, _HASHED_AT_ONCE)
            if ready > 0:
                await self._part.feed(hashed, ready, digest.update)
                hashed += ready
            else:
                self._arrived.clear()
                await self._arrived.wait()
        return digest.hexdigest()

    async def _save_now_and_then(self) -> None:
        while True:
            # Not `wait_for`: see `Patience.wait`.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._traffic.pace.checkpoint):
                    await self._save_due.wait()
            self._save_due.clear()
            if self._unsaved:
                await self.save()

    async def _fetch_first(self) -> None:
        self._joining.clear()
        try:
            await self._fetch_pieces()
        finally:
            self._joining.set()

    async def _fetch_too(self) -> None:
        await self._joining.wait()
        await self._fetch_pieces()

    async def _call_others(self) -> None:
        """Other connections join the first as soon as it is seen not to be a fast one.

        Where it is fast they would only cost: its bytes come in their order, and are hashed while
        they are fresh.
        """
        began = time.monotonic()
        # Not an event, which would have to be set with each block that comes.
        while not self._received and time.monotonic() - began < _LONGEST_ALONE:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK / 10)
        speed = _ALONE
        while speed >= _ALONE:
            before, since = self._received, time.monotonic()
            await asyncio.sleep(_LOOK)
            speed = (self._received - before) / (time.monotonic() - since)
        self._joining.set()

    async def _fetch_pieces(self) -> None:
        longest = PIECE
        self._workers += 1
        while (claim := self._plan.take(longest)) is not None:
            first, began = claim.at, time.monotonic()
            try:
                await self._trying(claim)
            finally:
                self._plan.give_back(claim)
            speed = (claim.at - first) / (time.monotonic() - began)
            longest = LONG_PIECE if speed >= FAST else PIECE
        self._workers -= 1

    async def _fetch_whole(self) -> None:
        """From a server that knows no ranges: each time from the beginning."""
        self._workers = 1
        while not self._plan.complete:
            await self._trying(Claim(0, self._size))

    async def _trying(self, claim: Claim) -> None:
        """One request; after a passing fault wait before whoever calls takes up the next one."""
        try:
            await self._request(claim)
        except PASSING as error:
            await self._wait_after(error)

    async def _wait_after(self, error: AppError) -> None:
        traffic = self._traffic
        if isinstance(error, NetworkOff):
            seconds = _WAIT_WHILE_OFF
        else:
            asked = error.wait_seconds if isinstance(error, HubBusy) else 0.0
            seconds = traffic.patience.next_wait(asked)
        self._waiting += 1
        if self._waiting >= self._workers:
            traffic.trouble, traffic.retry_at = error, time.monotonic() + seconds
        try:
            await traffic.patience.wait(seconds)
        finally:
            self._waiting -= 1

    # ------------------------------------------------------------------------ one request

    async def _request(self, claim: Claim) -> None:
        """Write what comes; raises `HubSilent` where it ends too early or crawls."""
        gathered = Gathered(self._part, claim.at, self._traffic, partial(self._landed, claim))
        try:
            with self._traffic.connection():
                located = await self._source.locate()
                self._check_identity(located)
                asked = {"Accept-Encoding": "identity"}
                wanted = None if self._whole else claim.at
                if wanted is not None:
                    asked["Range"] = f"bytes={claim.at}-{claim.end - 1}"
                async with self._traffic.client.request(
                    "GET", located.url, Purpose.DOWNLOAD, headers=asked
                ) as response:
                    await check_answer(
                        response, self._traffic.client, self._source, located, self._size, wanted
                    )
                    await self._receive(response, claim, gathered)
        finally:
            # Also after a cancellation: what came over a slow line is worth a write.
            await gathered.settle()
        if claim.at < claim.end:
            raise broken_off(response.url.host)

    def _check_identity(self, located: Located) -> None:
        """Of a file without a checksum what the hub calls its content must stay the same."""
        known = self._record.identity
        if self._record.file.sha256 is None and known not in ("", located.identity):
            raise _StartOver
        self._record.identity = located.identity
        self._announced = located.sha256

    async def _receive(self, response: httpx2.Response, claim: Claim, gathered: Gathered) -> None:
        traffic, host = self._traffic, response.url.host
        watch = CrawlWatch(traffic, host)
        async with Body(response) as body:
            # The end comes nearer where another connection has taken the second half over.
            while (room := claim.end - claim.at - gathered.nbytes) > 0:
                space = gathered.space(min(room, traffic.bandwidth.gulp))
                if not (count := await body.fill(space)):
                    return
                traffic.speed.add(count)
                traffic.trouble = traffic.retry_at = None
                self._received += count
                traffic.client.gate.ask(Purpose.DOWNLOAD, host)
                await gathered.took(count)
                watch.look(time.monotonic(), count)
                watch.excuse(await traffic.bandwidth.pay(count))

    def _landed(self, claim: Claim, nbytes: int) -> None:
        before = self._plan.coverage.nbytes
        self._plan.received(claim, nbytes)
        if self._plan.coverage.nbytes > before:
            self._traffic.patience.progress()
        self._unsaved += nbytes
        if self._unsaved >= self._traffic.pace.checkpoint_bytes:
            self._save_due.set()
        self._arrived.set()

    async def _start_over(self) -> None:
        self._plan.start_over()
        self._record.identity = ""
        await self.save()


def _checksum_wrong(name: str, expected: str, found: str) -> ChecksumWrong:
    return ChecksumWrong(
        f"“{name}” came twice with an error in it, so it is not used.",
        f"SHA-256 {expected} was promised, {found} came",
        "Try again later, or choose another repository: this one may be damaged.",
    )


def _first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a person should be told of several: a state of the world rather than a consequence."""
    flat = list(_flattened(errors))
    for kind in (_StartOver, RangesIgnored, AppError):
        for error in flat:
            if isinstance(error, kind):
                return error
    return flat[0]


def _flattened(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    flat: list[BaseException] = []
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            flat += _flattened(cast("BaseExceptionGroup[BaseException]", error))
        else:
            flat.append(error)
    return flat
