"""The file that remembers how the window was left."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any, cast

from app.config.whole_file import write_whole
from app.domain.windowstate import WindowState

log = logging.getLogger(__name__)

WIDEST = 100_000
"""Pixels: the toolkit takes no number larger than a C int."""


class WindowStateFile:
    """Reads whatever can be used of it, and never stands in the way of the window."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> WindowState:
        """How the window was left; defaults for what is missing or makes no sense."""
        try:
            found: Any = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return WindowState()
        if not isinstance(found, dict):
            return WindowState()
        state = cast("dict[str, object]", found)
        return WindowState(
            geometry=_bytes(state.get("geometry")),
            splitter=_widths(state.get("splitter")),
            inspector_folded=state.get("inspector_folded") is True,
        )

    def write(self, state: WindowState) -> None:
        """Remember it; where that can't be done the window opens its own way next time."""
        data = {
            "geometry": base64.b64encode(state.geometry).decode("ascii"),
            "splitter": state.splitter,
            "inspector_folded": state.inspector_folded,
        }
        try:
            write_whole(self._path, json.dumps(data, indent=1).encode())
        except OSError as error:
            log.info("the window's place is not kept: %s", error.strerror)


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        return b""
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


def _widths(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    widths = cast("list[object]", value)
    if not all(type(width) is int and 0 <= width <= WIDEST for width in widths):
        return ()
    return tuple(cast("list[int]", widths))
