"""Folders as other applications keep them, with small GGUF files in them, and what tells that
nothing in them has changed.

Built after each application's own sources and documentation, independently of what reads them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.library.places.known import Surroundings
from tests.helpers.gguf_files import LLAMA_ENTRIES, GgufFile, Tensor

MODEL = "application/vnd.ollama.image.model"
COMMIT = "c" * 40
OLDER_COMMIT = "d" * 40


@dataclass(frozen=True)
class Home:
    """A person's home folder with nothing in it but what is put there."""

    path: Path

    @property
    def around(self) -> Surroundings:
        """As on Linux, with no variable set."""
        return Surroundings("linux", str(self.path), {})

    @property
    def hub(self) -> Path:
        """Hugging Face's cache."""
        return self.path / ".cache" / "huggingface" / "hub"

    @property
    def lmstudio(self) -> Path:
        """LM Studio's models."""
        return self.path / ".lmstudio" / "models"

    @property
    def ollama(self) -> Path:
        """Ollama's models."""
        return self.path / ".ollama" / "models"

    @property
    def jan(self) -> Path:
        """Jan's data."""
        return self.path / ".local" / "share" / "Jan" / "data"

    @property
    def gpt4all(self) -> Path:
        """GPT4All's models."""
        return self.path / ".local" / "share" / "nomic.ai" / "GPT4All"

    @property
    def llamacpp(self) -> Path:
        """llama.cpp's older cache."""
        return self.path / ".cache" / "llama.cpp"


def gguf(**changes: Any) -> bytes:
    """A small sound chat model; `name="x"` makes it one of its own."""
    entries = {**LLAMA_ENTRIES, **{key.replace("__", "."): value for key, value in changes.items()}}
    return GgufFile(entries).to_bytes()


def projector_gguf(width: int = 32) -> bytes:
    """A projector for models of that width."""
    entries = {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "general.file_type": 1,
        "clip.has_vision_encoder": True,
        "clip.vision.projection_dim": width,
    }
    return GgufFile(entries).to_bytes()


def shard_gguf(number: int, total: int) -> bytes:
    """One of several parts, counted from 1."""
    split = {"split.no": number - 1, "split.count": total, "split.tensors.count": total}
    entries = {**LLAMA_ENTRIES, **split} if number == 1 else split | _ARCHITECTURE
    return GgufFile(entries, (Tensor(f"blk.{number}.weight"),)).to_bytes()


_ARCHITECTURE = {"general.architecture": "llama"}


def put(path: Path, content: bytes) -> Path:
    """Write a file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def in_hub(home: Home, repo: str, files: Mapping[str, bytes], commit: str = COMMIT) -> Path:
    """A repository in Hugging Face's cache; the folder of its snapshot."""
    folder = home.hub / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit
    for name, content in files.items():
        blob = put(folder / "blobs" / hashlib.sha256(content).hexdigest(), content)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    if commit == COMMIT:
        put(folder / "refs" / "main", commit.encode())
    return snapshot


def in_ollama(
    home: Home, name: str, model: bytes | None, layers: Mapping[str, bytes | str] | None = None
) -> Path | None:
    """A model of Ollama's under `HOST/NAMESPACE/MODEL/TAG`; the path of its weights."""
    root = home.ollama
    blobs = [(MODEL, model)] if model is not None else []
    for kind, content in (layers or {}).items():
        raw = content.encode() if isinstance(content, str) else content
        blobs.append((f"application/vnd.ollama.image.{kind}", raw))
    made: list[dict[str, Any]] = []
    for kind, content in blobs:
        digest = hashlib.sha256(content).hexdigest()
        put(root / "blobs" / f"sha256-{digest}", content)
        made.append({"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)})
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "x"},
        "layers": made,
    }
    put(root / "manifests" / name, json.dumps(manifest).encode())
    if model is None:
        return None
    return root / "blobs" / f"sha256-{hashlib.sha256(model).hexdigest()}"


def in_jan(home: Home, identity: str, model: bytes, **described: str) -> Path:
    """A model of Jan's."""
    folder = home.jan / "llamacpp" / "models" / identity
    path = put(folder / "model.gguf", model)
    lines = {"model_path": os.path.relpath(path, home.jan), "name": identity, **described}
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    put(folder / "model.yml", text.encode())
    return path


def in_llamacpp(home: Home, user: str, repo: str, name: str, model: bytes) -> Path:
    """A model of llama.cpp's older cache, with its manifest."""
    path = put(home.llamacpp / f"{user}_{repo}_{name}", model)
    digest = hashlib.sha256(model).hexdigest()
    manifest = {"ggufFile": {"rfilename": name, "size": len(model), "lfs": {"sha256": digest}}}
    put(home.llamacpp / f"manifest={user}={repo}=Q4_K_M.json", json.dumps(manifest).encode())
    return path


def all_six(home: Home, model: bytes | None = None) -> dict[str, Path]:
    """One model in the folder of each application, each another one; their paths by application.

    With `model` they all have that content.
    """

    def content(name: str) -> bytes:
        return model or gguf(general__name=name)

    weights = in_ollama(home, "registry.ollama.ai/library/small/latest", content("of Ollama"))
    assert weights is not None
    snapshot = in_hub(home, "ada/small-GGUF", {"small.Q4_K_M.gguf": content("of the hub")})
    return {
        "huggingface": snapshot / "small.Q4_K_M.gguf",
        "lmstudio": put(home.lmstudio / "bea/tiny-GGUF/tiny.gguf", content("of LM Studio")),
        "ollama": weights,
        "jan": in_jan(home, "cleo/jan-model", content("of Jan")),
        "gpt4all": put(home.gpt4all / "four.gguf", content("of GPT4All")),
        "llamacpp": in_llamacpp(home, "dora", "old-GGUF", "old.gguf", content("of llama.cpp")),
    }


def state_of(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Every name below a folder with what it holds or leads to, its kind and when it was changed:
    equal before and after, nothing was changed."""
    found: dict[str, tuple[str, int, int]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            content = str(path.readlink())
        else:
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (content, status.st_mode, status.st_mtime_ns)
    return found


def without_links(snapshot: Path) -> None:
    """As the cache is where the system allows no links: the files lie in the snapshot itself."""
    for link in snapshot.rglob("*"):
        if link.is_symlink():
            blob = link.resolve()
            link.unlink()
            shutil.move(blob, link)
