"""Which of many models the popup lists: it is for changing quickly, the library has them all."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Sequence

from app.domain.library import LibraryEntry
from app.domain.localmodel import LocalModel

MOST = 9


def few(
    models: Sequence[LocalModel],
    first: Collection[str],
    entry_of: Callable[[str], LibraryEntry | None],
) -> tuple[LocalModel, ...]:
    """All of them in their order, or of more than `MOST` those that are most likely wished for:
    the paths `first`, favourites, then what was used last."""
    if len(models) <= MOST:
        return tuple(models)

    def rank(model: LocalModel) -> tuple[bool, bool, int]:
        entry = entry_of(model.path)
        favourite, used = (entry.is_favourite, entry.last_used) if entry else (False, 0)
        return (model.path not in first, not favourite, -used)

    return tuple(heapq.nsmallest(MOST, models, key=rank))
