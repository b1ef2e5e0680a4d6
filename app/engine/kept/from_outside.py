"""The kept states as the application sees them, whether or not an engine runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from app.domain.errors import EngineError
from app.engine.kept.folder import Keeping, KeptFolder


class KeptFromOutside:
    """The folder, by way of threads for short work. `keeping` tells where it is now; None: nothing
    is kept anywhere."""

    def __init__(self, keeping: Callable[[], Keeping | None]) -> None:
        self.keeping = keeping

    async def size(self) -> int:
        """Bytes that are kept."""
        folder = self._folder()
        return await asyncio.to_thread(folder.size) if folder else 0

    async def forget(self, tag: str | None) -> None:
        """Remove what is kept of a conversation, None: everything; raises `EngineError`."""
        folder = self._folder()
        if folder:
            await _removed(lambda: folder.forget(tag))

    def _folder(self) -> KeptFolder | None:
        keeping = self.keeping()
        return KeptFolder(Path(keeping.folder)) if keeping else None


async def _removed(work: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(work)
    except OSError as error:
        raise EngineError(
            "What was kept of read conversations could not be removed.",
            f"{error.filename}: {error.strerror}",
            "Close other programs that use this folder, then try again.",
        ) from error
