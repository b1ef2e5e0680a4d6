"""The cache of Hugging Face's tools, which llama.cpp uses too.

    models--AUTHOR--REPO/refs/main                  the commit that is current
    models--AUTHOR--REPO/snapshots/COMMIT/PATH      links to …
    models--AUTHOR--REPO/blobs/SHA256               … the content (or the files themselves, where
                                                    the system allows no links)

Source: huggingface_hub, src/huggingface_hub/file_download.py; llama.cpp, common/hf-cache.cpp. Files
are opened by their path in the snapshot: the next shard is found beside the first by its name.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Final

from app.domain.library import Refusal
from app.library.places.lead import Breathe, Findings, Place
from app.library.places.unfinished import unfinished
from app.library.places.walk import look_through

_REPO: Final = re.compile(r"^models--(?P<author>[^/]+?)--(?P<name>[^/]+)$")
_COMMIT: Final = re.compile(r"^[0-9a-f]{40}$")
_SHA256: Final = re.compile(r"^[0-9a-f]{64}$")
_PARTS: Final = (".incomplete", ".downloadInProgress")


def look_through_cache(place: Place, breathe: Breathe) -> Findings:
    """Every repository in the cache that holds GGUF files."""
    findings = Findings(place)
    try:
        findings.folders[place.path] = os.stat(place.path).st_mtime_ns
        names = sorted(os.listdir(place.path))
    except OSError:
        findings.is_there = False
        return findings
    for name in names:
        breathe()
        match = _REPO.match(name)
        if match:
            repo = f"{match['author']}/{match['name']}"
            _look_at_repo(findings, os.path.join(place.path, name), repo, breathe)
    return findings


def _look_at_repo(findings: Findings, folder: str, repo: str, breathe: Breathe) -> None:
    """The current snapshot first; of older ones only what the newer ones do not have."""
    taken: set[str] = set()
    found_before = len(findings.leads)
    for commit in _snapshots(findings, folder):
        root = os.path.join(folder, "snapshots", commit)
        inside = look_through(Place(findings.place.origin, root), breathe)
        findings.folders |= inside.folders
        for lead in inside.leads:
            path = os.path.relpath(lead.paths[0], root)
            if path not in taken:
                taken.add(path)
                hashes = tuple(_hash_of(shard) for shard in lead.paths)
                known = hashes if all(hashes) else ()
                lead = replace(lead, place=findings.place, source=repo, hashes=known)
                findings.leads.append(lead)
        for refused in inside.refused:
            if os.path.relpath(refused.path, root) not in taken:
                findings.refused.append(replace(refused, folder=findings.place.path))
    if len(findings.leads) > found_before or "gguf" in repo.lower():
        _note_unfinished(findings, os.path.join(folder, "blobs"), repo)


def _snapshots(findings: Findings, folder: str) -> list[str]:
    root = os.path.join(folder, "snapshots")
    try:
        findings.folders[root] = os.stat(root).st_mtime_ns
        commits = [name for name in os.listdir(root) if _COMMIT.match(name)]
        times = {name: os.stat(os.path.join(root, name)).st_mtime_ns for name in commits}
    except OSError:
        return []
    current = _current(folder)
    return sorted(commits, key=lambda name: (name == current, times[name]), reverse=True)


def _current(folder: str) -> str:
    try:
        with open(os.path.join(folder, "refs", "main"), encoding="ascii", errors="replace") as file:
            return file.read(64).strip()
    except OSError:
        return ""


def _hash_of(path: str) -> str:
    """The name of the blob that a file of a snapshot is a link to, where it is a SHA-256."""
    try:
        blob = os.path.basename(os.readlink(path))
    except OSError:
        return ""
    return blob if _SHA256.match(blob) else ""


def _note_unfinished(findings: Findings, blobs: str, repo: str) -> None:
    try:
        findings.folders[blobs] = os.stat(blobs).st_mtime_ns
        names = os.listdir(blobs)
    except OSError:
        return
    for name in sorted(names):
        if name.endswith(_PARTS):
            path = os.path.join(blobs, name)
            error = unfinished(repo, findings.place.origin)
            size = os.path.getsize(path) if os.path.exists(path) else 0
            findings.refuse(path, Refusal.INCOMPLETE, error, size)
