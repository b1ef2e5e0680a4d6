"""Making a model smaller on this machine: what it can become, and how far that has come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.errors import AppError
from app.domain.fit import Fit, ModelShape
from app.domain.variants import quantisation_in

TARGETS: Mapping[str, int] = {
    "BF16": 32,
    "F16": 1,
    "Q8_0": 7,
    "Q6_K": 18,
    "Q5_K_M": 17,
    "Q5_K_S": 16,
    "Q4_K_M": 15,
    "Q4_K_S": 14,
    "IQ4_XS": 30,
    "Q3_K_L": 13,
    "Q3_K_M": 12,
    "Q3_K_S": 11,
    "Q2_K": 10,
}
"""What a model can be made into, from the best to the smallest, with llama.cpp's number (llama.h,
`llama_ftype`). Those that are of use only with measurements of a text (an importance matrix) are
left out, and older forms that are no smaller than a better one."""
RECOMMENDED = "Q4_K_M"

_WORTH_IT = 0.98
"""A result that is hardly smaller than the source is not offered."""
_SHARD = re.compile(r"-\d{5}-of-\d{5}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuantiseSizes:
    """What llama.cpp says beforehand. Bytes of all tensors, without the header."""

    source_bytes: int
    targets: Mapping[str, int]
    is_quantised: bool
    """The source was made smaller before."""


@dataclass(frozen=True, slots=True)
class QuantiseWork:
    """What the engine is asked for. Paths are absolute; `result` is written, whatever is there."""

    source: str
    result: str
    target: str
    threads: int | None = None
    """None: one fewer than the cores."""
    again: bool = False
    """Also what was made smaller before, which loses more than its size tells."""


@dataclass(frozen=True, slots=True)
class QuantiseRequest:
    """What a person asks for. Nothing is written over unless `replace` is set."""

    source: str
    """A path as the library takes it."""
    result: str
    target: str
    threads: int | None = None
    again: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class QuantiseOption:
    """One of the types, and what the model would be then."""

    target: str
    file_bytes: int
    quality: str
    """What it costs, in a few words."""
    fit: Fit | None
    """In memory; None where the header tells too little."""


@dataclass(frozen=True, slots=True)
class QuantiseOptions:
    """What a model can become, from the best to the smallest; empty: nothing smaller."""

    path: str
    label: str
    quantisation: str
    source_bytes: int
    options: tuple[QuantiseOption, ...]
    is_quantised: bool
    """It was made smaller before: what it lost then is lost for the result as well."""


class QuantisePhase(StrEnum):
    """What has become of the last job."""

    NONE = "none"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class QuantiseState:
    """The last job that was asked for since the start."""

    phase: QuantisePhase = QuantisePhase.NONE
    request: QuantiseRequest | None = None
    label: str = ""
    """Of the model that is made smaller."""
    fraction: float = 0.0
    seconds_left: float | None = None
    """None: nothing can be said yet."""
    result_path: str = ""
    result_bytes: int = 0
    source_bytes: int = 0
    error: AppError | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.phase is QuantisePhase.RUNNING


def worth_offering(sizes: Iterable[tuple[str, int]], source_bytes: int) -> list[tuple[str, int]]:
    """Of types and bytes, from the best to the smallest: those that are smaller than the source,
    and than each better one (rows of an unusual width have several types end up alike)."""
    found: list[tuple[str, int]] = []
    least = source_bytes * _WORTH_IT
    for target, nbytes in sizes:
        if nbytes < least:
            found.append((target, nbytes))
            least = nbytes
    return found


def shape_with(shape: ModelShape, weights_bytes: int) -> ModelShape:
    """The same model with its weights in so many bytes, each layer's in proportion."""
    share = weights_bytes / max(1, shape.weights_bytes)
    layers = tuple(
        replace(layer, weights_bytes=round(layer.weights_bytes * share)) for layer in shape.layers
    )
    output = round(shape.output_bytes * share)
    return replace(shape, weights_bytes=weights_bytes, layers=layers, output_bytes=output)


def result_name(path: str, target: str) -> str:
    """What the file of `path` is called once it is of that type: `Tiny-F16.gguf` becomes
    `Tiny-Q4_K_M.gguf`. Without a folder."""
    name = re.split(r"[/\\]", path)[-1]
    stem = _SHARD.sub("", re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE))
    said = quantisation_in(stem)
    at = stem.upper().rfind(said) if said else -1
    if at < 0:
        return f"{stem}-{target}.gguf"
    return f"{stem[:at]}{target}{stem[at + len(said) :]}.gguf"


def is_shard_name(name: str) -> bool:
    """Whether a file's name says that it is one of several."""
    return _SHARD.search(re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE)) is not None
