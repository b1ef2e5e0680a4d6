"""A look through folders, as tests need it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from app.domain.library import LibraryEntry, RefusedFile, Scanned, ScanWish
from app.library.shelf import Shelf
from tests.helpers.model_folders import Home

T = TypeVar("T")


def with_shelf(home: Home, work: Callable[[Shelf], Awaitable[T]], index: Path | None = None) -> T:
    """Run `work` with the folders of a home, closed afterwards."""

    async def run() -> T:
        shelf = Shelf(index, home.around, lambda: None)
        try:
            return await work(shelf)
        finally:
            await shelf.close()

    return asyncio.run(run())


def look(home: Home, index: Path | None = None, **wish: Any) -> Scanned:
    """What one scan finds; the own folder is `models` unless the wish says otherwise."""
    own = wish.pop("own", (str(home.path / "models"),))
    return with_shelf(home, lambda shelf: shelf.scan(ScanWish(own=own, **wish)), index)


def one(found: Scanned) -> LibraryEntry:
    """The only entry."""
    (entry,) = found.entries
    return entry


def the_refused(found: Scanned) -> RefusedFile:
    """The only refused file."""
    (file,) = found.refused
    return file
