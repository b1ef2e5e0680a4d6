"""The list of models that Lamplight proposes for a first choice; it comes with the application."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from app.domain.hub import CuratedList, CuratedRepo


def curated(path: Path) -> CuratedList:
    """From the smallest to the largest. Sizes are about those at the list's date.

    The file is ours: one that cannot be read is a fault of the installation, and raises.
    """
    content: dict[str, Any] = json.loads(path.read_bytes())
    repos = (CuratedRepo(**entry) for entry in content["repos"])
    in_order = tuple(sorted(repos, key=lambda repo: repo.size_bytes))
    return CuratedList(date.fromisoformat(content["dated"]), in_order)
