"""Making models smaller: the adapter for `Quantiser`.

llama.cpp's quantiser cannot be stopped and may end its process, so each job has a host of its own:
ending the host is the cancel. It gives way to hosts that answer (see `app.engine.quantise`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from app.domain.errors import AppError, EngineCrashed, EngineError
from app.domain.quantise import QuantiseSizes, QuantiseWork
from app.engine.errand import Errand
from app.engine.host_process import HostEnd
from app.engine.protocol import Frame
from app.engine.result_file import ResultFile
from app.engine.supervisor import host_command, host_folder

_SIZES_SECONDS = 60.0
"""For a dozen headers; a sound file takes one."""


class QuantisingHosts:
    """Starts a host for each thing that is asked. Belongs to the event loop's thread."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = list(command) if command is not None else host_command()
        self._running: set[Errand] = set()
        self._asked = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    async def sizes(self, path: str) -> QuantiseSizes:
        """How large each type would be; raises `AppError` cases."""
        asked = {"do": "quantise_sizes", "path": path}
        with self._busy():
            answer = await self._ask(asked, path, lambda _: None, _SIZES_SECONDS)
        return QuantiseSizes(**answer["sizes"])

    async def quantise(
        self,
        work: QuantiseWork,
        expected_bytes: int,
        heard: Callable[[float], None],
        *,
        replace: bool = False,
    ) -> int:
        """Make the result, whole or not at all; its bytes. Raises `AppError` cases."""
        result = ResultFile(work.result, work.source, replace=replace)
        with self._busy():
            # A thread goes on when its caller is cancelled: what it makes must be waited for.
            begun = asyncio.ensure_future(asyncio.to_thread(result.begin, expected_bytes))
            try:
                await asyncio.shield(begun)
                answer = await self._ask(_asked(work, result.part), work.source, heard, None)
                await asyncio.to_thread(result.publish)
            finally:
                await asyncio.wait({begun})
                await asyncio.to_thread(result.discard)
        return int(answer["bytes"])

    async def close(self) -> None:
        """End what runs; afterwards no process and no part file is left."""
        self._closing = True
        for errand in self._running:
            errand.kill()
        await self._idle.wait()

    @contextmanager
    def _busy(self) -> Generator[None]:
        if self._closing:
            raise EngineError("Nothing was done.", "Lamplight is closing.")
        self._asked += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._asked -= 1
            if not self._asked:
                self._idle.set()

    async def _ask(
        self, asked: Frame, path: str, heard: Callable[[float], None], seconds: float | None
    ) -> Frame:
        async with Errand(self._command, host_folder(), asked) as errand:
            self._running.add(errand)
            late = None
            if seconds is not None:
                late = asyncio.get_running_loop().call_later(seconds, errand.kill)
            try:
                answer = await _answer(errand, heard)
            finally:
                self._running.discard(errand)
                if late is not None:
                    late.cancel()
        if answer is None:
            raise _crashed(path, await errand.end())
        if answer["is"] == "refused":
            raise AppError.from_dict(answer["error"])
        return answer


async def _answer(errand: Errand, heard: Callable[[float], None]) -> Frame | None:
    while (frame := await errand.frame()) is not None:
        match frame["is"]:
            case "quantising":
                heard(frame["done"] / max(1, frame["total"]))
            case "quantise_sizes" | "quantised" | "refused":
                return frame
            case _:
                continue
    return None


def _asked(work: QuantiseWork, part: Path) -> Frame:
    return {"do": "quantise", "work": asdict(replace(work, result=str(part)))}


def _crashed(path: str, end: HostEnd) -> EngineCrashed:
    return EngineCrashed(
        f"“{Path(path).name}” could not be made smaller: the engine stopped unexpectedly.",
        "\n".join((end.what, *end.last_lines)),
        "The file may be damaged. Download it again, or choose another model.",
    )
