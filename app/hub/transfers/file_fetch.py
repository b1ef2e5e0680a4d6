"""Fetching one file: several connections, one checksum, and a journal that keeps up."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from app.domain.errors import AppError, ChecksumWrong, HubBusy, NetworkOff
from app.domain.network import Purpose
from app.hub.refusals import answer_broken
from app.hub.transfers.coverage import Claim, Coverage, Plan
from app.hub.transfers.journal import FileRecord
from app.hub.transfers.part_file import PartFile
from app.hub.transfers.source import Located, Source, changed
from app.hub.transfers.traffic import PASSING, CrawlWatch, Traffic, broken_off

if TYPE_CHECKING:
    import httpx2

_BLOCK = 1 << 20
"""Bytes gathered before they are written."""
_HASHED_AT_ONCE = 8 << 20
_MOST_CHANGES = 3
_WAIT_WHILE_OFF = 2.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class _RangesIgnored(Exception):
    """The server sends the whole file, whatever part was asked for."""


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
            except _RangesIgnored:
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
        count = 1 if self._whole else self._traffic.connections
        try:
            async with asyncio.TaskGroup() as group:
                hashing = group.create_task(self._hash())
                saving = group.create_task(self._save_now_and_then())
                work = self._fetch_whole if self._whole else self._fetch_pieces
                workers = [group.create_task(work()) for _ in range(count)]
                self._workers = count
                await asyncio.wait(workers)
                if all(not task.cancelled() and task.exception() is None for task in workers):
                    await hashing
                saving.cancel()
        except BaseExceptionGroup as errors:
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
            with suppress(TimeoutError):
                await asyncio.wait_for(self._save_due.wait(), self._traffic.pace.checkpoint)
            self._save_due.clear()
            if self._unsaved:
                await self.save()

    async def _fetch_pieces(self) -> None:
        while (claim := self._plan.take()) is not None:
            try:
                await self._trying(claim)
            finally:
                self._plan.give_back(claim)
        self._workers -= 1

    async def _fetch_whole(self) -> None:
        """From a server that knows no ranges: each time from the beginning."""
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
        with self._traffic.connection():
            located = await self._source.locate()
            self._check_identity(located)
            asked = {"Accept-Encoding": "identity"}
            if not self._whole:
                asked["Range"] = f"bytes={claim.at}-{claim.end - 1}"
            async with self._traffic.client.request(
                "GET", located.url, Purpose.DOWNLOAD, headers=asked
            ) as response:
                await self._check(response, located, claim)
                await self._receive(response, claim)

    def _check_identity(self, located: Located) -> None:
        """Of a file without a checksum what the hub calls its content must stay the same."""
        known = self._record.identity
        if self._record.file.sha256 is None and known not in ("", located.identity):
            raise _StartOver
        self._record.identity = located.identity
        self._announced = located.sha256

    async def _check(self, response: httpx2.Response, located: Located, claim: Claim) -> None:
        status = response.status_code
        if status in (401, 403, 404, 410) and not self._source.belongs_to_hub(located):
            raise self._source.expired(located)
        if status == 416:
            raise changed(self._source.name, "it is shorter now")
        await self._traffic.client.check(response, self._source.name)
        if status == 206 and not self._whole:
            self._check_range(response, claim)
        elif status == 200:
            length = response.headers.get("content-length")
            if length not in (None, str(self._size)):
                raise answer_broken(response.url.host, f"{length} bytes for a file of {self._size}")
            if not self._whole:
                raise _RangesIgnored
        else:
            raise answer_broken(response.url.host, f"status {status} for a part of a file")

    def _check_range(self, response: httpx2.Response, claim: Claim) -> None:
        given = response.headers.get("content-range", "")
        match = _CONTENT_RANGE.fullmatch(given)
        if match and int(match[3]) != self._size:
            raise changed(self._source.name, f"{self._size:,} bytes, now {match[3]}")
        if match is None or int(match[1]) != claim.at:
            raise answer_broken(response.url.host, f"another part than was asked for: {given}")

    async def _receive(self, response: httpx2.Response, claim: Claim) -> None:
        """Write what comes; raises `HubSilent` where it ends too early or crawls."""
        traffic, host = self._traffic, response.url.host
        blocks: list[bytes] = []
        held, held_since = 0, time.monotonic()
        watch = CrawlWatch(traffic, host)
        try:
            async for block in response.aiter_raw():
                # The end comes nearer where another connection has taken over the second half.
                room = claim.end - claim.at - held
                kept = block if len(block) <= room else block[: max(room, 0)]
                blocks.append(kept)
                held += len(kept)
                traffic.held_bytes += len(kept)
                traffic.speed.add(len(block))
                traffic.trouble = traffic.retry_at = None
                now = time.monotonic()
                if held >= _BLOCK or now - held_since > traffic.pace.hold:
                    traffic.client.gate.ask(Purpose.DOWNLOAD, host)
                    full, blocks, held, held_since = blocks, [], 0, now
                    await self._store(claim, full)
                if len(block) >= room:
                    break
                watch.look(now, len(block))
                await traffic.bandwidth.pay(len(block))
        finally:
            # Also after a cancellation: what came over a slow line is worth a write.
            await self._store(claim, blocks)
        if claim.at < claim.end:
            raise broken_off(host)

    async def _store(self, claim: Claim, blocks: list[bytes]) -> None:
        if not blocks:
            return
        data = b"".join(blocks)
        landed = threading.Event()
        try:
            await self._part.write(claim.at, data, landed.set)
        finally:
            self._traffic.held_bytes -= len(data)
            if landed.is_set():
                self._landed(claim, len(data))

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
    for kind in (_StartOver, _RangesIgnored, AppError):
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
