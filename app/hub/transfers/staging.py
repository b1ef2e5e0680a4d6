"""Where downloads are gathered. Apart, so that a start can look there without anything heavier."""

from __future__ import annotations

import os
from pathlib import Path

STAGING = ".downloads"
"""In the folder of the models, so that a finished file only has to get its name."""


def anything_left(models: Path) -> bool:
    """Whether an earlier run left a download. Not for the event loop's thread."""
    try:
        return bool(os.listdir(models / STAGING))
    except OSError:
        return False
