"""Dry runs in a host of their own.

The host that answers is not asked: it would be busy for the length of an answer, and a file that
ends it would take the loaded model along. A host for one measurement starts in half a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Generic, TypeVar

from app.domain.errors import AppError, EngineCrashed, EngineError
from app.domain.fit import MeasuredSizes
from app.domain.load_params import LoadParams
from app.engine import protocol
from app.engine.host_process import HostEnd, HostProcess

DRY_RUN_SECONDS = 30.0
"""A sound file takes well under one."""
CLOSE_SECONDS = 2.0

T = TypeVar("T")


class MeasuringHosts:
    """Starts a host for each dry run, one after the other. Belongs to the event loop's thread."""

    def __init__(self, command: Sequence[str], folder: Path | None) -> None:
        self._command = command
        self._folder = folder
        self._turn = asyncio.Lock()
        self._running: HostProcess | None = None
        self._closing = False

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        """Measure; raises `AppError` cases, `EngineCrashed` where the host did not survive."""
        async with self._turn:
            frame = await self._ask(path, params)
        if frame["is"] == "measured":
            return protocol.sizes_from_dict(frame)
        raise AppError.from_dict(frame["error"])

    async def close(self) -> None:
        """End what runs; afterwards no process is left."""
        self._closing = True
        if self._running is not None:
            self._running.kill()
        async with self._turn:
            return

    async def _ask(self, path: str, params: LoadParams) -> protocol.Frame:
        if self._closing:
            raise EngineError("Nothing was measured.", "Lamplight is closing.")
        told = _Handed[protocol.Frame]()
        ended = _Handed[HostEnd]()
        host = HostProcess(self._command, self._folder, _only_outcomes(told), ended.hand)
        self._running = host
        host.start()
        host.send({"do": "dry_run", "path": path, "params": asdict(params)})
        try:
            await asyncio.wait(
                {told.future, ended.future},
                timeout=DRY_RUN_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            host.send({"do": "close"})
            if told.future.done():
                await asyncio.wait({ended.future}, timeout=CLOSE_SECONDS)
        finally:
            host.kill()
            end = await ended.future
            host.join()
            self._running = None
        if told.future.done():
            return told.future.result()
        raise _crashed(path, end)


class _Handed(Generic[T]):
    """A value that comes once, from a thread of the host's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def hand(self, value: T) -> None:
        """Give the value; later ones are dropped."""
        try:
            self._loop.call_soon_threadsafe(self._settle, value)
        except RuntimeError:
            # The loop is closed: the application has ended without closing its engine.
            return

    def _settle(self, value: T) -> None:
        if not self.future.done():
            self.future.set_result(value)


def _only_outcomes(told: _Handed[protocol.Frame]) -> Callable[[protocol.Frame], None]:
    def heard(frame: protocol.Frame) -> None:
        if frame.get("is") in ("measured", "refused"):
            told.hand(frame)

    return heard


def _crashed(path: str, end: HostEnd) -> EngineCrashed:
    name = Path(path).name
    return EngineCrashed(
        f"“{name}” could not be measured: the engine stopped unexpectedly.",
        "\n".join((end.what, *end.last_lines)),
        "The file may be damaged. Download it again, or choose another model.",
    )
