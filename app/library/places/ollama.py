"""Ollama's folder: manifests by name, blobs by hash.

    manifests/HOST/NAMESPACE/MODEL/TAG    JSON: the layers of a model, each with its digest
    blobs/sha256-HEX                      their content; the model's is a GGUF file

Source: ollama, server/manifest.go, types/model/name.go, server/images.go. What a person sees of a
name leaves out the usual host, namespace and tag.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final, cast

from app.domain.errors import ArchitectureUnknown, FileDamaged
from app.domain.library import Refusal
from app.domain.localmodel import ModelDefaults
from app.domain.sampling import Sampling
from app.library.places.lead import Breathe, Findings, Lead, Place
from app.library.places.unfinished import unfinished

_LAYER: Final = "application/vnd.ollama.image."
_DIGEST: Final = re.compile(r"^sha256[:-](?P<hex>[0-9a-f]{64})$")
_PARTIAL: Final = re.compile(r"^sha256[:-](?P<hex>[0-9a-f]{64})-partial$")
_LARGEST_MANIFEST: Final = 1 << 20
_LARGEST_TEXT: Final = 256 << 10
_PARAMETERS: Final = {
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "repeat_penalty": "repeat_penalty",
    "repeat_last_n": "penalty_tokens",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}
"""Ollama's names (api/types.go, `Options`) and the fields of `Sampling`."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    name: str
    layers: tuple[tuple[str, str], ...]
    """Kind and digest."""

    def of(self, kind: str) -> list[str]:
        """The digests of the layers of a kind."""
        return [digest for layer, digest in self.layers if layer == kind]


def look_through_ollama(place: Place, breathe: Breathe) -> Findings:
    """Every model whose weights are here; what runs elsewhere has none."""
    findings = Findings(place)
    blobs = os.path.join(place.path, "blobs")
    try:
        findings.folders[blobs] = os.stat(blobs).st_mtime_ns
        present = set(os.listdir(blobs))
    except OSError:
        findings.is_there = os.path.isdir(place.path)
        return findings
    by_weights: dict[str, Lead] = {}
    for manifest in _manifests(findings, os.path.join(place.path, "manifests")):
        breathe()
        lead = _lead(findings, manifest, blobs, present)
        if lead is None:
            continue
        known = by_weights.get(lead.paths[0])
        by_weights[lead.paths[0]] = lead if known is None else _together(known, lead)
    findings.leads += by_weights.values()
    for name in sorted(present):
        if match := _PARTIAL.match(name):
            path = os.path.join(blobs, name)
            error = unfinished(match["hex"][:12], place.origin)
            findings.refuse(path, Refusal.INCOMPLETE, error, _on_disk(path))
    return findings


def _together(known: Lead, other: Lead) -> Lead:
    """Several names of the same weights are one model; the shortest name is the one shown."""
    first, second = sorted((known, other), key=lambda lead: (len(lead.name), lead.name))
    names = {*known.also_named, *other.also_named, second.name}
    return replace(first, also_named=tuple(sorted(names)))


def _lead(findings: Findings, manifest: _Manifest, blobs: str, present: set[str]) -> Lead | None:
    weights = manifest.of("model")
    if len(weights) != 1 or manifest.of("tensor"):
        if weights or manifest.of("tensor"):
            findings.refuse(
                _blob(blobs, (weights or manifest.of("tensor"))[0], present),
                Refusal.UNSUPPORTED,
                _other_form(manifest.name),
            )
        return None
    path = _blob(blobs, weights[0], present)
    if os.path.basename(path) not in present:
        findings.refuse(path, Refusal.INCOMPLETE, _weights_missing(manifest.name))
        return None
    projectors = [_blob(blobs, digest, present) for digest in manifest.of("projector")]
    template = "".join(_texts(manifest, "template", blobs, present))
    return Lead(
        findings.place,
        (path,),
        name=manifest.name,
        source=manifest.name,
        projector=projectors[0] if len(projectors) == 1 else "",
        hashes=(_hex(weights[0]),),
        defaults=_defaults(manifest, blobs, present),
        # What Ollama itself looks for (server/images.go, `Capabilities`).
        uses_tools=".Tools" in template,
        thinks=".Think" in template,
    )


def _other_form(name: str) -> ArchitectureUnknown:
    return ArchitectureUnknown(
        f"“{name}” is kept by Ollama in a form that only Ollama can use.",
        "Its weights are not in one GGUF file.",
        "Use it through Ollama, or download the same model from the page Models.",
    )


def _weights_missing(name: str) -> FileDamaged:
    return FileDamaged(
        f"The weights of “{name}” are missing in Ollama's folder.",
        "",
        f"Pull it again with Ollama: ollama pull {name}",
    )


# ------------------------------------------------------------------------------------ manifests


def _manifests(findings: Findings, root: str) -> Iterator[_Manifest]:
    """The manifests exactly four folders deep."""
    for host, namespace, model, tag in _named(findings, root):
        path = os.path.join(root, host, namespace, model, tag)
        layers = _layers(path)
        if layers:
            yield _Manifest(_shown(host, namespace, model, tag), layers)


def _named(findings: Findings, root: str) -> Iterator[tuple[str, str, str, str]]:
    for host in _names(findings, root):
        for namespace in _names(findings, os.path.join(root, host)):
            below = os.path.join(root, host, namespace)
            for model in _names(findings, below):
                for tag in _names(findings, os.path.join(below, model)):
                    yield host, namespace, model, tag


def _names(findings: Findings, folder: str) -> list[str]:
    try:
        names = [name for name in sorted(os.listdir(folder)) if not name.startswith(".")]
        findings.folders[folder] = os.stat(folder).st_mtime_ns
    except OSError:
        return []
    return names


def _shown(host: str, namespace: str, model: str, tag: str) -> str:
    if host != "registry.ollama.ai":
        return f"{host}/{namespace}/{model}:{tag}"
    whole = model if namespace == "library" else f"{namespace}/{model}"
    return f"{whole}:{tag}"


def _layers(path: str) -> tuple[tuple[str, str], ...]:
    """Empty where it is none of Ollama's manifests."""
    try:
        with open(path, "rb") as file:
            found: Any = json.loads(file.read(_LARGEST_MANIFEST))
        given = cast("list[dict[str, Any]]", found["layers"])
        layers = [(str(layer["mediaType"]), str(layer["digest"])) for layer in given]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ()
    return tuple(
        (kind.removeprefix(_LAYER), digest)
        for kind, digest in layers
        if kind.startswith(_LAYER) and _DIGEST.match(digest)
    )


def _hex(digest: str) -> str:
    match = _DIGEST.match(digest)
    assert match is not None
    return match["hex"]


def _blob(blobs: str, digest: str, present: set[str]) -> str:
    """Older versions wrote a colon."""
    older = f"sha256:{_hex(digest)}"
    return os.path.join(blobs, older if older in present else f"sha256-{_hex(digest)}")


def _on_disk(path: str) -> int:
    """Bytes that are really there: a partial blob has its full length from the start."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return min(status.st_size, getattr(status, "st_blocks", 1 << 50) * 512)


# ------------------------------------------------------------------------------------- defaults


def _defaults(manifest: _Manifest, blobs: str, present: set[str]) -> ModelDefaults:
    given: dict[str, Any] = {}
    for text in _texts(manifest, "params", blobs, present):
        try:
            found: Any = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            given |= cast("dict[str, Any]", found)
    stop = given.get("stop")
    stops = cast("list[object]", stop) if isinstance(stop, list) else [stop]
    return ModelDefaults(
        "".join(_texts(manifest, "system", blobs, present)).strip(),
        tuple(_sampling(given)),
        tuple(word for word in stops if isinstance(word, str) and word),
    )


def _sampling(given: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The parameters that are numbers and lie within the bounds of their field."""
    bounds = {field.name: field.metadata for field in fields(Sampling)}
    for key, name in _PARAMETERS.items():
        value = given.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if bounds[name]["low"] <= value <= bounds[name]["high"]:
            yield name, float(value)


def _texts(manifest: _Manifest, kind: str, blobs: str, present: set[str]) -> Iterator[str]:
    for digest in manifest.of(kind):
        try:
            with open(_blob(blobs, digest, present), "rb") as file:
                yield file.read(_LARGEST_TEXT).decode("utf-8", "replace")
        except OSError:
            continue
