"""What one look into the files of a model tells, whatever kind of file it is."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import Final

from app.domain.library import Capability
from app.domain.localmodel import LocalModel
from app.library import refusals
from app.library.gguf_facts import FileKind, kind_of, refuse, split_of
from app.library.gguf_header import Header
from app.library.model_file import (
    FileStamp,
    described,
    name_of,
    open_header,
    shard_paths,
    translate_os_error,
)

_HEAD: Final = 64 << 10
_TAIL: Final = 64 << 10
_USABLE: Final = (FileKind.CHAT, FileKind.EMBEDDING, FileKind.PROJECTOR)

_TOOLS: Final = re.compile(r"\btools?\b|\btool_calls\b")
_THINKING: Final = re.compile(
    r"<think>|</think>|enable_thinking|reasoning_content|reasoning_effort|\[THINK\]"
    r"|<\|channel\|>analysis|<seed:think>|<\|START_THINKING\|>|\bthinking\b"
)
_ONLY_OLLAMA: Final = frozenset({"gptoss", "mllama", "qwen25vl", "glm4moelite", "deepseekocr"})
"""Families under names that only Ollama's own engine knows (ollama, model/models)."""
_PROJECTOR_TENSORS: Final = ("v.", "mm.", "a.", "vision_tower.")
"""Ollama keeps them in the model's own file, which llama.cpp refuses."""
_REPO_ADDRESS: Final = re.compile(r"^https?://(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+)/?$")


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A sound file, or all shards of one."""

    kind: FileKind
    model: LocalModel
    fingerprint: str
    """Of its beginning, its end and its length: another content has another one, as good as
    always, and a copy has the same."""
    capabilities: frozenset[Capability]
    licence: str
    source: str
    """The repository that the header names; empty where it names none."""
    width: int
    """Of a model: elements of a token; of a projector: of what it makes for the model; 0: not
    told."""


def look_into(paths: tuple[str, ...]) -> SeenFile:
    """Read the headers of all shards; raises `ModelFileError` cases."""
    opened = [open_header(path) for path in paths]
    number, total = split_of(opened[0][1])
    if number >= total or total != len(paths):
        # Its name told nothing of its parts, or something else; raises where they are not beside.
        beside = shard_paths(paths[0], total)
        opened = [open_header(path) for path in beside]
    stamps = tuple(stamp for stamp, _ in opened)
    headers = tuple(header for _, header in opened)
    name = name_of(paths[0])
    kind = kind_of(headers[0], name, sum(len(header.tensors) for header in headers))
    refuse(kind, name, allowed=_USABLE)
    if kind is FileKind.CHAT:
        _refuse_made_for_ollama(headers, name)
    model = described(stamps, headers, name)
    first = headers[0]
    return SeenFile(
        kind,
        model,
        fingerprint(stamps),
        _capabilities(kind, model, first),
        _text(first, "general.license"),
        _repository(first),
        _width(kind, model, first),
    )


def fingerprint(stamps: tuple[FileStamp, ...]) -> str:
    """Of the first shard's beginning and end and of all lengths; 32 hex digits."""
    digest = hashlib.sha256()
    for stamp in stamps:
        digest.update(stamp.size.to_bytes(8, "little"))
    first = stamps[0]
    try:
        with open(first.path, "rb", buffering=0) as file:
            digest.update(file.read(_HEAD))
            file.seek(max(0, first.size - _TAIL), os.SEEK_SET)
            digest.update(file.read(_TAIL))
    except OSError as error:
        raise translate_os_error(error, name_of(first.path)) from error
    return digest.hexdigest()[:32]


def _refuse_made_for_ollama(headers: tuple[Header, ...], name: str) -> None:
    if _text(headers[0], "general.architecture") in _ONLY_OLLAMA or any(
        tensor.name.startswith(_PROJECTOR_TENSORS)
        for header in headers
        for tensor in header.tensors
    ):
        raise refusals.made_for_ollama(name)


def _capabilities(kind: FileKind, model: LocalModel, header: Header) -> frozenset[Capability]:
    if kind is FileKind.EMBEDDING:
        return frozenset({Capability.EMBEDDING})
    if kind is FileKind.PROJECTOR:
        return frozenset()
    found = {Capability.CHAT}
    template = model.facts.chat_template
    more = any(key.startswith("tokenizer.chat_template.tool") for key in header.entries)
    if more or _TOOLS.search(template):
        found.add(Capability.TOOLS)
    if _THINKING.search(template):
        found.add(Capability.REASONING)
    return frozenset(found)


def _width(kind: FileKind, model: LocalModel, header: Header) -> int:
    if kind is not FileKind.PROJECTOR:
        return model.facts.embedding_length
    for key in ("clip.vision.projection_dim", "clip.audio.projection_dim"):
        value = header.entries.get(key)
        if isinstance(value, int) and value > 0:
            return value
    return 0


def _repository(header: Header) -> str:
    for key in ("general.repo_url", "general.source.repo_url", "general.url"):
        match = _REPO_ADDRESS.match(_text(header, key))
        if match:
            return match[1]
    return ""


def _text(header: Header, key: str) -> str:
    value = header.entries.get(key)
    return value if isinstance(value, str) else ""
