"""The log files of a profile. What people write and models answer never goes into them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE = "lamplight.log"
LARGEST = 1_000_000
"""Bytes of a file before the next one is begun."""
KEPT = 3
"""Earlier files."""
_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s"


class _ProfileLog(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: a disk that is full or protected is told where something of worth is lost."""
        del record


def start_logging(folder: Path) -> Callable[[], None]:
    """Write INFO of ours and WARNING of others to a file, made with its first line.

    The returned call ends it.
    """
    handler = _ProfileLog(
        folder / FILE, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    root, ours = logging.getLogger(), logging.getLogger("app")
    level = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)

    def stop() -> None:
        root.removeHandler(handler)
        ours.setLevel(level)
        handler.close()

    return stop
