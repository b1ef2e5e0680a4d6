"""The list of models that Lamplight proposes for a first choice; it comes with the application."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.domain.hub import CuratedRepo


def curated(path: Path) -> tuple[CuratedRepo, ...]:
    """From the smallest to the largest. Sizes are about those at the list's date.

    The file is ours: one that cannot be read is a fault of the installation, and raises.
    """
    content: dict[str, Any] = json.loads(path.read_bytes())
    repos = (CuratedRepo(**entry) for entry in content["repos"])
    return tuple(sorted(repos, key=lambda repo: repo.size_bytes))
