"""Keeps the window's shape on disk while it is open, not only when it closes well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from app.flow.tasks import TaskOwner


class Remembering:
    """Writes the newest state, one write at a time, outside the event loop's thread."""

    def __init__(self, save: Callable[[Mapping[str, Any]], None], tasks: TaskOwner) -> None:
        self._save = save
        self._tasks = tasks
        self._newest: Mapping[str, Any] | None = None
        self._writing: asyncio.Task[None] | None = None

    def note(self, state: Mapping[str, Any]) -> None:
        """This is how it looks now."""
        self._newest = state
        if self._writing is None or self._writing.done():
            self._writing = self._tasks.spawn(self._write(), "remember-window")

    async def finish(self) -> None:
        """Wait until the newest state is written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        while self._newest is not None:
            state, self._newest = self._newest, None
            await asyncio.to_thread(self._save, state)
