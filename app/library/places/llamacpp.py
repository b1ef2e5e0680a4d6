"""llama.cpp's own cache in its older form: flat files, described by `manifest=USER=REPO=TAG.json`.

Since it uses Hugging Face's cache the same folder may hold that form instead. Source: llama.cpp,
common/download.cpp and common/arg.cpp.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from app.library.places.huggingface import look_through_cache
from app.library.places.lead import Breathe, Findings, Lead, Place
from app.library.places.walk import look_through

_MANIFEST: Final = re.compile(r"^manifest=(?P<user>[^=]+)=(?P<repo>[^=]+)=(?P<tag>[^=]+)\.json$")
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Manifest:
    repo: str
    file: str
    """The flat name of the (first) file."""
    projector: str
    sha256: str
    """Empty where it is of a part only, or not told."""


def look_through_llamacpp(place: Place, breathe: Breathe) -> Findings:
    """Every model in the folder, in either form."""
    findings = look_through(place, breathe)
    if not findings.is_there:
        return findings
    manifests = {found.file: found for found in _manifests(place.path)}
    projectors = {found.projector for found in manifests.values() if found.projector}
    leads = [
        _described(lead, manifests.get(os.path.basename(lead.paths[0])), place.path)
        for lead in findings.leads
        if os.path.basename(lead.paths[0]) not in projectors
    ]
    cached = look_through_cache(place, breathe)
    in_cache = [lead for lead in leads if f"{os.sep}models--" in lead.paths[0]]
    findings.leads = [lead for lead in leads if lead not in in_cache] + cached.leads
    findings.refused += cached.refused
    findings.folders |= cached.folders
    return findings


def _described(lead: Lead, manifest: _Manifest | None, folder: str) -> Lead:
    if manifest is None:
        return lead
    projector = os.path.join(folder, manifest.projector) if manifest.projector else ""
    known = (manifest.sha256,) if manifest.sha256 and len(lead.paths) == 1 else ()
    return replace(lead, source=manifest.repo, projector=projector, hashes=known)


def _manifests(folder: str) -> list[_Manifest]:
    found: list[_Manifest] = []
    for name in sorted(os.listdir(folder)):
        match = _MANIFEST.match(name)
        if match:
            manifest = _read(os.path.join(folder, name), match["user"], match["repo"])
            found += [manifest] if manifest else []
    return found


def _read(path: str, user: str, repo: str) -> _Manifest | None:
    try:
        with open(path, "rb") as file:
            given: Any = json.loads(file.read(_LARGEST))
        weights = cast("dict[str, Any]", given["ggufFile"])
        name = str(weights["rfilename"])
        digest = str(weights.get("lfs", {}).get("sha256", ""))
        projector = cast("dict[str, Any]", given.get("mmprojFile") or {}).get("rfilename", "")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return _Manifest(
        f"{user}/{repo}",
        _flat(user, repo, name),
        _flat(user, repo, str(projector)) if projector else "",
        digest,
    )


def _flat(user: str, repo: str, name: str) -> str:
    """As llama.cpp names the file in its cache."""
    return f"{user}_{repo}_{name}".replace("/", "_").replace("\\", "_")
