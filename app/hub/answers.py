"""From the hub's JSON to values: whatever a hub sends, the outcome is a value or a refusal.

Shapes: huggingface.js, packages/hub/src/types/api and packages/hub/src/lib/list-models.ts. Fields
that are absent or of another type count as not said; only what nothing works without is demanded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from app.domain.hub import Access, RepoDetails, RepoFile, RepoSummary
from app.domain.variants import grouped
from app.hub.huggingface import is_repo_id
from app.hub.refusals import answer_broken

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$")
_FORBIDDEN_IN_NAMES = re.compile(r'[\x00-\x1f<>:"|?*\\]')
_LARGEST = 1 << 53
"""A larger whole number is not exact in the JSON of a JavaScript server."""


def repo_list(answer: object, host: str) -> tuple[RepoSummary, ...]:
    """Of `/api/models`; entries that name no repository are left out."""
    if not isinstance(answer, list):
        raise answer_broken(host, "a list of models that is no list")
    rows = [_table(row) for row in cast("list[object]", answer)]
    return tuple(summary(row) for row in rows if is_repo_id(_text(row.get("id"))))


def summary(row: dict[str, Any]) -> RepoSummary:
    """Of one entry of a list, or of the details."""
    tags = _texts(row.get("tags"))
    gguf = _table(row.get("gguf"))
    card = _table(row.get("cardData"))
    tagged = [tag.partition(":")[2] for tag in tags if tag.startswith("license:")]
    return RepoSummary(
        repo_id=_text(row.get("id")),
        downloads=_whole(row.get("downloads")),
        likes=_whole(row.get("likes")),
        updated=_time(row.get("lastModified")),
        # Other values than false, "auto" and "manual" were seen on mirrors.
        access=Access.ON_REQUEST if row.get("gated") else Access.OPEN,
        licence=_text(card.get("license")) or next(iter(tagged), ""),
        task=_text(row.get("pipeline_tag")),
        tags=tags,
        # Of one representative file; the number of parameters is the same for all of them.
        parameters=_whole(gguf.get("total")),
        architecture=_text(gguf.get("architecture")),
    )


def details(answer: object, repo_id: str, host: str) -> RepoDetails:
    """Of `/api/models/ID?blobs=true`."""
    row = _table(answer)
    commit = _text(row.get("sha"))
    if not _COMMIT.fullmatch(commit):
        raise answer_broken(host, "a repository without a commit")
    row.setdefault("id", repo_id)
    card = _table(row.get("cardData"))
    files = [_file(_table(entry)) for entry in _list(row.get("siblings"))]
    groups = grouped(file for file in files if file is not None)
    return RepoDetails(
        summary=summary(row),
        commit=commit,
        variants=groups.variants,
        projectors=groups.projectors,
        incomplete=groups.incomplete,
        base_models=_one_or_more(card.get("base_model")),
        languages=_one_or_more(card.get("language")),
        created=_time(row.get("createdAt")),
        context_length=_whole(_table(row.get("gguf")).get("context_length")),
    )


def is_safe_path(path: str) -> bool:
    """Whether a path from outside stays below the folder it is joined to, on every system."""
    parts = path.split("/")
    return len(path) <= 1024 and all(_is_safe_name(part) for part in parts)


def _is_safe_name(name: str) -> bool:
    return (
        0 < len(name.encode(errors="replace")) <= 255
        and not name.endswith((".", " "))
        and not name.startswith(".")
        and not _FORBIDDEN_IN_NAMES.search(name)
        and not _RESERVED.match(name)
    )


def _file(entry: dict[str, Any]) -> RepoFile | None:
    path = _text(entry.get("rfilename"))
    lfs = _table(entry.get("lfs"))
    # Mirrors were seen to give the size of the pointer beside the true one in `lfs`.
    size = _whole(lfs.get("size")) or _whole(entry.get("size"))
    if not path or not size or not is_safe_path(path):
        return None
    digest = _text(lfs.get("sha256")).lower()
    return RepoFile(path, size, digest if _SHA256.fullmatch(digest) else None)


def _table(value: object) -> dict[str, Any]:
    return dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in _list(value) if isinstance(text, str))


def _one_or_more(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value else _texts(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= _LARGEST else 0


def _time(value: object) -> int:
    """Milliseconds since 1970 UTC of `2025-03-12T10:30:05.000Z`; 0 where it is no time."""
    try:
        return max(0, int(datetime.fromisoformat(_text(value)).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0
