"""Dry runs in a host of their own.

The host that answers is not asked: it would be busy for the length of an answer, and a file that
ends it would take the loaded model along. A host for one measurement starts in half a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.domain.errors import AppError, EngineCrashed, EngineError
from app.domain.fit import MeasuredSizes
from app.domain.load_params import LoadParams
from app.engine import protocol
from app.engine.errand import Errand
from app.engine.host_process import HostEnd

DRY_RUN_SECONDS = 30.0
"""A sound file takes well under one."""


class MeasuringHosts:
    """Starts a host for each dry run, one after the other. Belongs to the event loop's thread."""

    def __init__(self, command: Sequence[str], folder: Path | None) -> None:
        self._command = command
        self._folder = folder
        self._turn = asyncio.Lock()
        self._running: Errand | None = None
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
        asked = {"do": "dry_run", "path": path, "params": asdict(params)}
        async with Errand(self._command, self._folder, asked) as errand:
            self._running = errand
            # One that takes too long hangs in native code.
            late = asyncio.get_running_loop().call_later(DRY_RUN_SECONDS, errand.kill)
            try:
                while (frame := await errand.frame()) is not None:
                    if frame["is"] in ("measured", "refused"):
                        return frame
            finally:
                late.cancel()
                self._running = None
        raise _crashed(path, await errand.end())


def _crashed(path: str, end: HostEnd) -> EngineCrashed:
    name = Path(path).name
    return EngineCrashed(
        f"“{name}” could not be measured: the engine stopped unexpectedly.",
        "\n".join((end.what, *end.last_lines)),
        "The file may be damaged. Download it again, or choose another model.",
    )
