"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Replace the file's content; on return it is on disk. Raises `OSError`; then nothing changed.

    A link stays a link: what it points to is replaced.
    """
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", suffix=".part", dir=target.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """The new name is on disk too. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_name(path: Path, word: str) -> Path:
    """`settings.toml` and `damaged` give `settings-damaged-2025-01-31.toml`, or `…-31-2.toml`."""
    stem = f"{path.stem}-{word}-{time.strftime('%Y-%m-%d')}"
    name = path.with_name(f"{stem}{path.suffix}")
    number = 2
    while name.exists():
        name = path.with_name(f"{stem}-{number}{path.suffix}")
        number += 1
    return name
