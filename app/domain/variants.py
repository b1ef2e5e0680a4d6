"""Which files of a repository belong together, told by their names.

Shards are `NAME-00001-of-00003.gguf` (llama.cpp, `llama_split_path`); projectors carry `mmproj`
in their name. Only names and sizes are known before a download.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.domain.hub import RepoFile, Variant

_SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
_QUANTISATION = re.compile(
    r"(?<![A-Z0-9])(?:UD-)?(?:F32|BF16|F16|Q[1-8]_K(?:_(?:XS|S|M|L|XL))?|Q[1-8]_[01]"
    r"|IQ[1-4]_(?:XXS|XS|S|M|NL)|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4)(?![A-Z0-9])"
)
_NOT_MODELS = re.compile(
    r"(?:^|[-_./])(?:imatrix|mtp|eagle3|dflash|dspark)(?=[-_.])", re.IGNORECASE
)
"""Side files that llama.cpp passes over as well (common/download.cpp)."""

_QUALITY = (
    (re.compile(r"^(?:F32|BF16|F16)$"), "as trained"),
    (re.compile(r"^Q8"), "as good as the original"),
    (re.compile(r"^Q6|^Q5_K"), "hardly a loss"),
    (re.compile(r"^Q5|^Q4_K|^IQ4|^MXFP4|^NVFP4"), "small loss, a good balance"),
    (re.compile(r"^Q4|^Q3_K_L|^Q3_K_XL|^IQ3_M"), "some loss"),
    (re.compile(r"^Q3|^IQ3"), "noticeable loss"),
    (re.compile(r"^Q2|^IQ2|^TQ"), "great loss"),
    (re.compile(r"^Q1|^IQ1"), "very great loss"),
)
_PROJECTOR_PREFERENCE = ("F16", "BF16", "Q8_0", "F32")


@dataclass(frozen=True, slots=True)
class Grouped:
    """What the files of a repository are."""

    variants: tuple[Variant, ...]
    projectors: tuple[RepoFile, ...]
    incomplete: tuple[str, ...]


def grouped(files: Iterable[RepoFile]) -> Grouped:
    """Variants from small to large, projectors by preference, and what lacks a shard."""
    single: list[Variant] = []
    shards: dict[tuple[str, int], dict[int, RepoFile]] = {}
    projectors: list[RepoFile] = []
    for file in files:
        name = file.path.rpartition("/")[2]
        if not name.lower().endswith(".gguf") or _NOT_MODELS.search(name):
            continue
        if "mmproj" in name.lower():
            projectors.append(file)
        elif match := _SHARD.match(file.path):
            key = (match["stem"], int(match["count"]))
            shards.setdefault(key, {})[int(match["number"])] = file
        else:
            single.append(_variant((file,), file.path))
    whole = {key: found for key, found in shards.items() if set(found) == set(range(1, key[1] + 1))}
    several = [
        _variant(tuple(found[number] for number in sorted(found)), stem)
        for (stem, _), found in whole.items()
    ]
    return Grouped(
        tuple(sorted((*single, *several), key=lambda variant: (variant.size_bytes, variant.path))),
        tuple(sorted(projectors, key=_preference)),
        tuple(sorted(stem for stem, count in shards if (stem, count) not in whole)),
    )


def quantisation_in(name: str) -> str:
    """The last quantisation that a file name tells, in capitals, or an empty text."""
    found = _QUANTISATION.findall(name.upper())
    return found[-1] if found else ""


def quality_of(quantisation: str) -> str:
    """What a quantisation costs, in a few words; empty where it is not known."""
    plain = quantisation.removeprefix("UD-")
    return next((words for pattern, words in _QUALITY if pattern.search(plain)), "")


def find_variant(variants: Sequence[Variant], quantisation: str) -> Variant | None:
    """The variant of that quantisation, in any spelling of its case."""
    wanted = quantisation.upper()
    return next((variant for variant in variants if variant.quantisation == wanted), None)


def recommended(variants: Sequence[Variant]) -> Variant | None:
    """What is taken where nobody chose: as llama.cpp does, Q4_K_M, then Q8_0, then the first."""
    wanted = (find_variant(variants, quantisation) for quantisation in ("Q4_K_M", "Q8_0"))
    return next((found for found in wanted if found), variants[0] if variants else None)


def _variant(files: tuple[RepoFile, ...], name: str) -> Variant:
    found = Variant(quantisation_in(name), files)
    return replace(found, quality=quality_of(found.quantisation))


def _preference(file: RepoFile) -> tuple[int, int]:
    label = quantisation_in(file.path)
    known = label in _PROJECTOR_PREFERENCE
    return (_PROJECTOR_PREFERENCE.index(label) if known else 99, file.size_bytes)
