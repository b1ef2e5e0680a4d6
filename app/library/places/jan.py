"""Jan's folder: `llamacpp/models/ID/model.yml`, which names the model's file and its projector.

ID may hold slashes. Paths are absolute (a file that was imported where it lay) or relative to the
data folder. Source: jan, extensions/llamacpp-extension, and docs/notes of its model.yml.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from app.domain.errors import FileMissing
from app.domain.library import Refusal
from app.library.places.lead import Breathe, Findings, Lead, Place
from app.library.places.unfinished import is_unfinished, unfinished
from app.library.places.walk import look_through

_FILE: Final = "model.yml"
_LARGEST: Final = 64 << 10
_LINE: Final = re.compile(r"^(?P<key>[A-Za-z_]\w*):[ \t]*(?P<value>.*?)\s*$")
_SHA256: Final = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class _Described:
    path: str
    projector: str
    name: str
    sha256: str


def look_through_jan(place: Place, breathe: Breathe) -> Findings:
    """Every model that has a `model.yml`; the place is Jan's data folder."""
    findings = Findings(place)
    root = os.path.join(place.path, "llamacpp", "models")
    if not os.path.isdir(root):
        findings.is_there = False
        return findings
    waiting = [root]
    while waiting:
        breathe()
        folder = waiting.pop()
        try:
            findings.folders[folder] = os.stat(folder).st_mtime_ns
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        if _FILE in names:
            _add(findings, root, folder)
        for name in names:
            path = os.path.join(folder, name)
            if is_unfinished(name):
                shown = os.path.relpath(folder, root).replace(os.sep, "/")
                error = unfinished(shown, place.origin)
                findings.refuse(path, Refusal.INCOMPLETE, error, os.path.getsize(path))
            elif os.path.isdir(path) and not os.path.islink(path):
                waiting.append(path)
    return findings


def _add(findings: Findings, root: str, folder: str) -> None:
    data = findings.place.path
    described = _read(os.path.join(folder, _FILE))
    identity = os.path.relpath(folder, root).replace(os.sep, "/")
    if described is None or not described.path:
        return
    path = os.path.normpath(os.path.join(data, described.path))
    projector = described.projector and os.path.normpath(os.path.join(data, described.projector))
    if not os.path.exists(path):
        # While it is fetched its description may be there already; the part is told by itself.
        if not os.path.exists(f"{path}.tmp"):
            findings.refuse(path, Refusal.INCOMPLETE, _missing(identity))
        return
    findings.leads.append(
        Lead(
            findings.place,
            _all_shards(findings, path),
            name=described.name or identity,
            source=identity,
            projector=projector,
            hashes=(described.sha256,) if described.sha256 else (),
        )
    )


def _all_shards(findings: Findings, path: str) -> tuple[str, ...]:
    """The file that is named, and what lies beside it with the same name and other numbers."""
    beside = look_through(Place(findings.place.origin, os.path.dirname(path)), lambda: None)
    return next((lead.paths for lead in beside.leads if lead.paths[0] == path), (path,))


def _missing(identity: str) -> FileMissing:
    return FileMissing(
        f"The file of Jan's model “{identity}” is not there.",
        "It was moved, renamed or deleted, or its drive is not connected.",
        "Import it again in Jan, or remove it there.",
    )


def _read(path: str) -> _Described | None:
    """The lines of the outermost level; more of YAML is not needed for what Jan writes."""
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return None
    values: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            values[match["key"]] = _scalar(match["value"])
    digest = values.get("model_sha256", "").lower()
    return _Described(
        values.get("model_path", ""),
        values.get("mmproj_path", ""),
        values.get("name", ""),
        digest if _SHA256.match(digest) else "",
    )


def _scalar(value: str) -> str:
    """A quoted or plain scalar of one line."""
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value.partition(" #")[0].strip()
