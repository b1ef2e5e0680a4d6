"""Which projector belongs to which model, where they lie in the same folder or just above it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.library.seen_file import SeenFile

_PREFERENCE: Final = ("F16", "BF16", "Q8_0", "F32")
_NO_NAME: Final = re.compile(
    r"mmproj|(?:UD-)?(?:F32|BF16|F16|I?Q\d[A-Z0-9_]*|TQ\d_0|MXFP4(?:_MOE)?|NVFP4)(?![A-Z0-9])"
    r"|-\d{5}-of-\d{5}|\.gguf$|model",
    re.IGNORECASE,
)
_LEVELS: Final = 2


@dataclass(frozen=True, slots=True)
class Companion:
    """A projector that was found."""

    path: str
    seen: SeenFile


class Projectors:
    """All projectors, by the folder they lie in."""

    def __init__(self, found: Sequence[Companion], stems: Mapping[str, set[str]]) -> None:
        """`stems`: for each folder the names of the models in it, as `stem_of` gives them."""
        self._by_folder: dict[str, list[Companion]] = {}
        for companion in found:
            self._by_folder.setdefault(os.path.dirname(companion.path), []).append(companion)
        self._stems = stems

    def of(self, path: str, seen: SeenFile) -> Companion | None:
        """The one for a model at `path`; None where none is for it."""
        folder = os.path.dirname(path)
        for _ in range(_LEVELS):
            fitting = [
                companion
                for companion in self._by_folder.get(folder, ())
                if self._belongs(companion, folder, path, seen)
            ]
            if fitting:
                return min(fitting, key=_rank)
            folder = os.path.dirname(folder)
        return None

    def _belongs(self, companion: Companion, folder: str, path: str, seen: SeenFile) -> bool:
        width = companion.seen.width
        if width and seen.width and width != seen.width:
            return False
        if len(self._stems.get(folder, set())) <= 1:
            # One model, perhaps in several quantisations: the folder of a repository.
            return True
        own, other = stem_of(path), stem_of(companion.path)
        return bool(other) and (other in own or own in other)


def stem_of(path: str) -> str:
    """A file's name without what differs between the files of one model; letters and digits."""
    plain = _NO_NAME.sub("", os.path.basename(path))
    return "".join(letter for letter in plain.lower() if letter.isalnum())


def _rank(companion: Companion) -> tuple[int, str]:
    label = companion.seen.model.facts.quantisation
    known = _PREFERENCE.index(label) if label in _PREFERENCE else len(_PREFERENCE)
    return known, companion.path
