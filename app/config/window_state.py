"""The file that remembers how the window was left."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from app.config.whole_file import write_whole

log = logging.getLogger(__name__)


class WindowStateFile:
    """JSON values by name; the window gives them their meaning and checks them.

    Reads whatever can be used, writes what it can, and never stands in the way of the window.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """How the window was left; empty where that is not known."""
        try:
            found: Any = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def write(self, state: Mapping[str, Any]) -> None:
        """Remember it; where that can't be done the window opens its own way next time."""
        try:
            write_whole(self._path, json.dumps(dict(state), indent=1).encode())
        except OSError as error:
            log.info("the window's place is not kept: %s", error.strerror)
