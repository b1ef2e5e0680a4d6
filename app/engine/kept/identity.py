"""Which states a loaded model can use: those of the same weights, read in the same way."""

from __future__ import annotations

import glob
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from app.domain.generation import LoadRequest
from app.domain.load_params import plan_of
from app.engine.kept.folder import digest
from app.engine.native.bindings import VERSION

_DO_NOT_MATTER = frozenset(
    {
        "context_length",
        "threads",
        "prompt_threads",
        "gpu_layers",
        "tensor_split",
        "main_device",
        "batch",
        "micro_batch",
        "mmap",
        "mlock",
        "template",
        "draft_path",
    }
)
"""Parameters that change how fast the same state is computed, or how much room there is for it. Any
other one counts until it is named here."""

_SHARD = re.compile(r"-\d{5}-of-(\d{5})\.gguf$")


def model_keys(request: LoadRequest, *, stretched: bool) -> tuple[str, ...]:
    """Names for what is loaded: by the file's hash where it is known, and by the file itself.

    A state is written under the first and found under each, because the hash of a file that was
    just opened is known only later. `stretched`: the context is longer than the trained one, where
    some models turn to other rotations.
    """
    plan = plan_of(request.params, 0)
    settled = replace(request.params, key_type=plan.key_type, value_type=plan.value_type)
    params = {name: value for name, value in asdict(settled).items() if name not in _DO_NOT_MATTER}
    adapters = [_file(Path(adapter.path)) for adapter in settled.adapters]
    read = [VERSION, stretched, params, adapters]
    hashed = [request.file_hash] if request.file_hash else []
    return tuple(_key(identity, read) for identity in (*hashed, _files(Path(request.path))))


def _key(identity: Any, read: Any) -> str:
    return digest(json.dumps([identity, read], sort_keys=True))


def _files(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of the file and of its other shards."""
    shard = _SHARD.search(path.name)
    paths = [path]
    if shard:
        pattern = f"{glob.escape(path.name[: shard.start()])}-*-of-{shard[1]}.gguf"
        paths = sorted(path.parent.glob(pattern))
    return [_file(path) for path in paths]


def _file(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns
