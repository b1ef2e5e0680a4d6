"""A host that is started for one thing, tells of it, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from app.engine import protocol
from app.engine.host_process import HostEnd, HostProcess

_CLOSE_SECONDS = 2.0


class Errand:
    """One such host, as a context: on leaving it, the process has ended.

    It is killed where the context is left by an exception, a cancellation above all. Belongs to the
    event loop's thread.
    """

    def __init__(self, command: Sequence[str], folder: Path | None, asked: protocol.Frame) -> None:
        """`asked` is what it does; `folder` as `HostProcess` takes it."""
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._heard: asyncio.Queue[protocol.Frame | None] = asyncio.Queue()
        self._ended: asyncio.Future[HostEnd] = loop.create_future()
        self._asked = asked
        self._host = HostProcess(command, folder, self._into_loop, self._into_loop)

    async def __aenter__(self) -> Errand:
        self._host.start()
        self._host.send(self._asked)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._host.send({"do": "close"})
            await asyncio.wait({self._ended}, timeout=_CLOSE_SECONDS)
        self._host.kill()
        # Shielded: a second cancellation must not leave a process behind.
        await asyncio.shield(self._ended)
        self._host.join()

    def kill(self) -> None:
        """End the process at once."""
        self._host.kill()

    async def frame(self) -> protocol.Frame | None:
        """The next that the host tells; None, once, when it has ended."""
        return await self._heard.get()

    async def end(self) -> HostEnd:
        """How the process ended."""
        return await asyncio.shield(self._ended)

    def _into_loop(self, news: protocol.Frame | HostEnd) -> None:
        """Called in threads of the host's."""
        try:
            self._loop.call_soon_threadsafe(self._take, news)
        except RuntimeError:
            # The loop is closed: the application has ended without closing its engine.
            return

    def _take(self, news: protocol.Frame | HostEnd) -> None:
        if isinstance(news, HostEnd):
            self._ended.set_result(news)
            self._heard.put_nowait(None)
        else:
            self._heard.put_nowait(news)
