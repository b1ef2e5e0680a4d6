"""The form of the index on disk: one JSON value a line, so that reading it never holds others up.

First the version, then for each model its files with their stamps and what was seen in them, or why
they were refused. Chat templates, long and often the same, stand in lines of their own before the
first model that has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias, cast

from app.domain.errors import AppError, ModelFileError
from app.domain.fit import LayerShape, ModelShape
from app.domain.library import Capability
from app.domain.localmodel import GgufFacts, LocalModel
from app.library.gguf_facts import FileKind
from app.library.seen_file import SeenFile

VERSION: Final = 1
_LAYER: Final = tuple(field.name for field in fields(LayerShape))
_SHAPE: Final = tuple(field.name for field in fields(ModelShape) if field.name != "layers")
_PLAIN_FACTS: Final = tuple(
    field.name for field in fields(GgufFacts) if field.name not in ("chat_template", "sampling")
)

Outcome: TypeAlias = SeenFile | ModelFileError


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which a file is taken to be the one that was looked into."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Record:
    """What was seen in the files of one model, as they were then."""

    stamps: tuple[Stamp, ...]
    """Of all shards in order."""
    outcome: Outcome


def written(records: Iterable[tuple[tuple[str, ...], Record]]) -> Iterator[str]:
    """The lines for these paths and records."""
    yield json.dumps({"version": VERSION})
    templates: dict[str, int] = {}
    for paths, record in records:
        outcome = record.outcome
        entry: dict[str, Any] = {
            "paths": paths,
            "stamps": [(stamp.size, stamp.mtime_ns, stamp.inode) for stamp in record.stamps],
        }
        if isinstance(outcome, SeenFile):
            template = outcome.model.facts.chat_template
            if template not in templates:
                templates[template] = len(templates)
                yield json.dumps({"template": template})
            entry |= _seen(outcome, templates[template])
        else:
            entry["error"] = outcome.to_dict()
        yield json.dumps(entry)


def read(lines: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Record]]:
    """What `written` wrote. What another version wrote gives nothing, a line that cannot be
    understood ends it."""
    parts = _Parts()
    for number, line in enumerate(lines):
        try:
            entry: Any = json.loads(line)
            if number == 0:
                if entry["version"] != VERSION:
                    return
            elif "template" in entry:
                parts.templates.append(str(entry["template"]))
            else:
                yield tuple(entry["paths"]), _record(entry, parts)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            return


class _Parts:
    """Values that many models share are kept once."""

    def __init__(self) -> None:
        self.templates: list[str] = []
        self._layers: dict[tuple[Any, ...], LayerShape] = {}

    def layer(self, values: list[Any]) -> LayerShape:
        """The layer of these values."""
        key = tuple(values)
        found = self._layers.get(key)
        if found is None:
            found = self._layers[key] = LayerShape(*key)
        return found


def _seen(seen: SeenFile, template: int) -> dict[str, Any]:
    model, facts = seen.model, seen.model.facts
    return {
        "kind": seen.kind.value,
        "fingerprint": seen.fingerprint,
        "can": sorted(seen.capabilities),
        "licence": seen.licence,
        "source": seen.source,
        "width": seen.width,
        "label": model.label,
        "mtime_ns": model.mtime_ns,
        "facts": [getattr(facts, name) for name in _PLAIN_FACTS],
        "sampling": facts.sampling,
        "in": template,
        "shape": None if model.shape is None else _shape(model.shape),
    }


def _shape(shape: ModelShape) -> list[Any]:
    """Its plain values, then each run of equal layers with its length."""
    runs: list[tuple[int, list[Any]]] = []
    for layer in shape.layers:
        values = [getattr(layer, name) for name in _LAYER]
        if runs and runs[-1][1] == values:
            runs[-1] = (runs[-1][0] + 1, values)
        else:
            runs.append((1, values))
    return [[getattr(shape, name) for name in _SHAPE], runs]


def _record(entry: dict[str, Any], parts: _Parts) -> Record:
    stamps = tuple(Stamp(*values) for values in entry["stamps"])
    if "error" in entry:
        error = AppError.from_dict(entry["error"])
        if not isinstance(error, ModelFileError):
            raise ValueError("another kind of error")
        return Record(stamps, error)
    return Record(stamps, _seen_of(entry, parts))


def _seen_of(entry: dict[str, Any], parts: _Parts) -> SeenFile:
    plain = dict(zip(_PLAIN_FACTS, entry["facts"], strict=True))
    facts = GgufFacts(
        chat_template=parts.templates[int(entry["in"])],
        sampling=tuple((name, value) for name, value in entry["sampling"]),
        **plain,
    )
    model = LocalModel(
        path=entry["paths"][0],
        label=entry["label"],
        facts=facts,
        mtime_ns=entry["mtime_ns"],
        shape=_shape_of(entry["shape"], parts),
    )
    return SeenFile(
        FileKind(entry["kind"]),
        model,
        entry["fingerprint"],
        frozenset(Capability(word) for word in entry["can"]),
        entry["licence"],
        entry["source"],
        entry["width"],
    )


def _shape_of(values: list[Any] | None, parts: _Parts) -> ModelShape | None:
    if values is None:
        return None
    plain, runs = values
    layers: list[LayerShape] = []
    for count, layer in cast("list[tuple[int, list[Any]]]", runs):
        layers += [parts.layer(layer)] * count
    named = dict(zip(_SHAPE, plain, strict=True))
    return ModelShape(layers=tuple(layers), **named)
