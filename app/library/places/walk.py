"""Looking through a folder in which models lie as files: which belong together, which are parts.

Layout with names of repositories: `AUTHOR/REPO/FILE.gguf`, LM Studio's, which is Lamplight's too.
Hidden folders are left out, and so is a folder that was seen before by another way (a link that
leads back).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

from app.domain.library import Refusal
from app.library import refusals
from app.library.model_file import SHARD, name_of, translate_os_error
from app.library.places.lead import Breathe, Findings, Lead, Place
from app.library.places.unfinished import is_unfinished, unfinished

DEEPEST: Final = 12
MOST_FOLDERS: Final = 20_000
"""Of one place; whoever chose the root of a disk gets the models that are found until then."""
_NOT_MODELS: Final = re.compile(
    r"(?:^|[-_.])(?:imatrix|mtp|eagle3|dflash|dspark)(?=[-_.])", re.IGNORECASE
)
"""Side files that llama.cpp passes over as well (common/download.cpp)."""


def look_through(place: Place, breathe: Breathe, *, published: bool = False) -> Findings:
    """Every model below a folder. `published`: its folders are named by author and repository."""
    findings = Findings(place)
    if not os.path.isdir(place.path):
        findings.is_there = False
        return findings
    for folder, names in _folders(findings, breathe):
        source = source_of(place.path, folder) if published else ""
        group_files(findings, folder, names, source)
    return findings


def source_of(root: str, folder: str) -> str:
    """`author/repo`, by where a folder lies below the root; empty where it lies elsewhere."""
    parts = os.path.relpath(folder, root).split(os.sep)
    return "/".join(parts[:2]) if len(parts) >= 2 else ""


def group_files(findings: Findings, folder: str, names: list[str], source: str = "") -> None:
    """Make leads of the files of one folder: single ones, and shards that belong together."""
    shards: dict[tuple[str, int], dict[int, str]] = {}
    for name in sorted(names):
        path = os.path.join(folder, name)
        if is_unfinished(name):
            _note_unfinished(findings, path)
        elif not name.lower().endswith(".gguf") or _NOT_MODELS.search(name):
            continue
        elif match := SHARD.match(name):
            key = (match["stem"], int(match["total"]))
            shards.setdefault(key, {})[int(match["number"])] = path
        else:
            findings.leads.append(Lead(findings.place, (path,), source=source))
    for (_, total), found in shards.items():
        _add_shards(findings, found, total, source)


def _add_shards(findings: Findings, found: dict[int, str], total: int, source: str) -> None:
    paths = tuple(found[number] for number in sorted(found))
    missing = next((number for number in range(1, total + 1) if number not in found), None)
    if missing is None and len(found) == total:
        findings.leads.append(Lead(findings.place, paths, source=source))
        return
    name = name_of(paths[0])
    absent = re.sub(r"-\d{5}-of-", f"-{missing or 1:05d}-of-", name)
    error = refusals.shard_missing(name, absent, missing or 1, total)
    size = sum(_size_of(path) for path in paths)
    findings.refuse(paths[0], Refusal.INCOMPLETE, error, size, paths[1:])


def _note_unfinished(findings: Findings, path: str) -> None:
    error = unfinished(name_of(path), findings.place.origin)
    findings.refuse(path, Refusal.INCOMPLETE, error, _size_of(path))


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _folders(findings: Findings, breathe: Breathe) -> Iterator[tuple[str, list[str]]]:
    """Each folder, and the names of the files in it."""
    seen: set[tuple[int, int]] = set()
    waiting = [(findings.place.path, 0)]
    while waiting and len(findings.folders) < MOST_FOLDERS:
        breathe()
        folder, depth = waiting.pop()
        try:
            status = os.stat(folder)
            identity = (status.st_dev, status.st_ino)
            if status.st_ino and identity in seen:
                continue
            seen.add(identity)
            findings.folders[folder] = status.st_mtime_ns
            names, below = _content(folder)
        except OSError as error:
            refused = translate_os_error(error, name_of(folder))
            findings.refuse(folder, Refusal.UNSUPPORTED, refused)
            continue
        if depth < DEEPEST:
            waiting += [(os.path.join(folder, name), depth + 1) for name in reversed(below)]
        if names:
            yield folder, names


def _content(folder: str) -> tuple[list[str], list[str]]:
    """Names of files that matter, and of folders."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if ".gguf" in name.lower():
                # A folder of such a name is looked into as well; a link that leads nowhere is said.
                (folders if _is_folder(entry) else files).append(name)
            elif not name.startswith(".") and _is_folder(entry):
                folders.append(name)
    folders.sort()
    return files, folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads in a circle.
        return False
