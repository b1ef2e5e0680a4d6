"""Files that two runs of dev.py may want at once: a lock between processes, and whole writes."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Dict, Generator, cast

from dev_tools.console import say

if os.name == "nt":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def only_one(path: Path, what: str) -> Generator[None, None, None]:
    """Hold the lock file while the block runs; wait for another process that holds it.

    The operating system gives the lock back when its holder ends, however it ends, so the file may
    stay behind without harm.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        if not _try_lock(handle):
            say(f"Another dev.py is {what}; waiting for it.")
            while not _try_lock(handle):
                time.sleep(0.2)
        # Closing the handle gives the lock back, on Windows too.
        yield


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, or an empty one if it is missing or not sound."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("Dict[str, Any]", value) if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never half of it."""
    descriptor, name = tempfile.mkstemp(dir=str(path.parent), prefix=path.name, suffix=".part")
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(value, handle, indent=2, sort_keys=True)
    os.replace(name, path)
