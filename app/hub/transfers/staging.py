"""Where downloads are gathered. Apart, so that a start can look there without anything heavier."""

from __future__ import annotations

import os
from pathlib import Path

from app.domain.transfer import STAGING

__all__ = ["STAGING", "anything_left"]


def anything_left(models: Path) -> bool:
    """Whether an earlier run left a download. Not for the event loop's thread."""
    try:
        return bool(os.listdir(models / STAGING))
    except OSError:
        return False
