"""From GGUF headers to what is told about a model, and whether it can chat.

Keys: ggml's docs/gguf.md and llama.cpp's src/llama-arch.cpp.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import fields
from enum import Enum
from typing import Final

from app.domain.localmodel import GgufFacts
from app.domain.sampling import Sampling
from app.library import refusals
from app.library.gguf_header import Header, SkippedArray
from app.library.gguf_types import FILE_TYPES, TENSOR_LAYOUTS

_EMBEDDING_ARCHITECTURES: Final = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llama-embed",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "t5encoder",
    }
)
_SAMPLING_KEYS: Final = {
    "temp": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "penalty_last_n": "penalty_tokens",
    "penalty_repeat": "repeat_penalty",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}
"""Below `general.sampling.` in the header, and the fields of `Sampling`."""
_QUANTISATION_IN_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9])(I?Q[1-8]_(?:K(?:_(?:XS|S|M|L|XL))?|[01]|XXS|XS|NL|S|M)"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32)(?![A-Za-z0-9_])",
    re.IGNORECASE,
)


def architecture_of(header: Header, name: str) -> str:
    """The model family; a header without one is damaged."""
    architecture = _text(header, "general.architecture")
    if not architecture:
        raise refusals.damaged(name, "Its header does not say what family the model is of.")
    return architecture


class FileKind(Enum):
    """What a GGUF file holds."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    PROJECTOR = "projector"
    ADAPTER = "adapter"
    VOCABULARY = "vocabulary"
    OTHER = "other"
    """A sound file of which llama.cpp makes no text."""


def kind_of(header: Header, name: str, tensor_count: int) -> FileKind:
    """What a file is for; `name` is for sentences, `tensor_count` that of all shards."""
    architecture = architecture_of(header, name)
    general_type = _text(header, "general.type")
    if architecture == "clip" or general_type == "mmproj":
        return FileKind.PROJECTOR
    if general_type == "adapter" or architecture == "controlvector":
        return FileKind.ADAPTER
    if general_type == "imatrix" or architecture == "wavtokenizer-dec":
        return FileKind.OTHER
    # Pooling 0 is none; a model that pools gives one vector or score for the whole text.
    pools = _number(header, f"{architecture}.pooling_type") > 0
    both_ways = header.entries.get(f"{architecture}.attention.causal") is False
    if architecture in _EMBEDDING_ARCHITECTURES or pools or both_ways:
        return FileKind.EMBEDDING
    return FileKind.CHAT if tensor_count else FileKind.VOCABULARY


_REFUSED: Final = {
    FileKind.EMBEDDING: refusals.embedding,
    FileKind.PROJECTOR: refusals.projector,
    FileKind.ADAPTER: refusals.adapter,
    FileKind.VOCABULARY: refusals.vocabulary_only,
    FileKind.OTHER: refusals.no_text,
}


def refuse(kind: FileKind, name: str, *, allowed: Collection[FileKind] = (FileKind.CHAT,)) -> None:
    """Raise `NotAChatModel` for what is not wanted."""
    if kind not in allowed:
        raise _REFUSED[kind](name)


def facts_of(headers: tuple[Header, ...], file_bytes: int, name: str) -> GgufFacts:
    """What the headers of all shards say; the first one has the metadata."""
    first = headers[0]
    architecture = architecture_of(first, name)
    tensor_count = sum(len(header.tensors) for header in headers)
    parameters = sum(tensor.elements for header in headers for tensor in header.tensors)
    if parameters > 8 * file_bytes:
        raise refusals.damaged(name, f"It claims {parameters:,} weights, more than fit into it.")
    return GgufFacts(
        architecture=architecture,
        name=_text(first, "general.name"),
        file_bytes=file_bytes,
        tensor_count=tensor_count,
        parameters=parameters,
        quantisation=_quantisation(headers, name),
        trained_context=_number(first, f"{architecture}.context_length"),
        block_count=_number(first, f"{architecture}.block_count"),
        embedding_length=_number(first, f"{architecture}.embedding_length"),
        vocab_size=_vocab_size(first, architecture),
        chat_template=_text(first, "tokenizer.chat_template"),
        shards=len(headers),
        sampling=_sampling(first),
    )


def _sampling(header: Header) -> tuple[tuple[str, float], ...]:
    """The recommended values that are numbers and lie within the bounds of their field."""
    bounds = {field.name: field.metadata for field in fields(Sampling)}
    found: list[tuple[str, float]] = []
    for key, name in _SAMPLING_KEYS.items():
        value = header.entries.get(f"general.sampling.{key}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            # Files hold 32-bit floats; six digits are what their makers wrote.
            rounded = float(f"{value:.6g}")
            if bounds[name]["low"] <= rounded <= bounds[name]["high"]:
                found.append((name, rounded))
    return tuple(found)


def split_of(header: Header) -> tuple[int, int]:
    """Which shard of how many this is, counted from 0; a whole model is `(0, 1)`."""
    count = _number(header, "split.count")
    return (_number(header, "split.no"), count) if count > 1 else (0, 1)


def split_tensor_count(header: Header) -> int:
    """How many tensors all shards together must have; 0 where it is not said."""
    return _number(header, "split.tensors.count")


def _quantisation(headers: tuple[Header, ...], name: str) -> str:
    told = headers[0].entries.get("general.file_type")
    if isinstance(told, int) and told in FILE_TYPES:
        return FILE_TYPES[told]
    in_name = _QUANTISATION_IN_NAME.search(name)
    if in_name:
        return in_name[1].upper()
    return _commonest_type(headers)


def _commonest_type(headers: tuple[Header, ...]) -> str:
    elements: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            layout = TENSOR_LAYOUTS.get(tensor.type_id)
            elements[layout.name if layout else ""] += tensor.elements
    commonest = elements.most_common(1)
    return commonest[0][0] if commonest else ""


def _vocab_size(header: Header, architecture: str) -> int:
    told = _number(header, f"{architecture}.vocab_size")
    if told:
        return told
    tokens = header.entries.get("tokenizer.ggml.tokens")
    if isinstance(tokens, SkippedArray):
        return tokens.count
    return len(tokens) if isinstance(tokens, tuple) else 0


def _text(header: Header, key: str) -> str:
    value = header.entries.get(key)
    return value if isinstance(value, str) else ""


def _number(header: Header, key: str) -> int:
    value = header.entries.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
