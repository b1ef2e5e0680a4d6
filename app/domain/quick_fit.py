"""Whether a model fits, told from its size alone: for lists, before any header is read.

The rule (a tenth more than the file, and half a gigabyte for context and buffers) is on the safe
side of what `app.domain.fit` says of ordinary models with 4,000 to 8,000 tokens. Sizes are bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.domain.fit import Verdict, verdict_of
from app.domain.hub import CuratedRepo, RepoSummary
from app.domain.placement import DeviceKind, Room

_FOUR_BITS = 4.85
"""Bits that a parameter takes in Q4_K_M (llama.cpp, tools/quantize/README.md, Llama 3.1 8B)."""
_MORE_THAN_FILE = 1.1
_BESIDE_FILE = 500_000_000

_PLEASANT_WITHOUT_GRAPHICS = 3_000_000_000
"""A processor reads all of a model for each token, at some 20 to 40 GB a second: what is larger
writes slower than a person reads."""

_BILLIONS = re.compile(
    r"(?<![a-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])", re.I
)
"""`8B`, `0.6B`, `135M`, `8x7B`, as names of models have it."""


def parameters_of(repo: RepoSummary) -> int:
    """As the hub says, or else as its name says; 0 where neither does."""
    if repo.parameters:
        return repo.parameters
    found = _BILLIONS.search(repo.name.replace("_", "-"))
    if found is None:
        return 0
    unit = 1e9 if found[3] in "bB" else 1e6
    return round(int(found[1] or 1) * float(found[2]) * unit)


def bytes_at_four_bits(parameters: int) -> int:
    """How large a model's file is in the quantisation that most people take."""
    return round(parameters * _FOUR_BITS / 8)


def quick_verdict(file_bytes: int, room: Room) -> Verdict:
    """Whether a model of so many bytes (of all shards) fits."""
    needed = round(file_bytes * _MORE_THAN_FILE) + _BESIDE_FILE
    return verdict_of(needed, room.memory + graphics_bytes(room))


def most_parameters(room: Room) -> int:
    """The largest model of which a file at four bits may fit, perhaps tightly; 0: none does."""
    most = (room.memory + graphics_bytes(room) - _BESIDE_FILE) / _MORE_THAN_FILE
    return max(0, int(most * 8 / _FOUR_BITS))


def graphics_bytes(room: Room) -> int:
    """What is free on graphics processors with memory of their own, which adds to the machine's."""
    return sum(each.free_bytes for each in room.devices if each.kind is DeviceKind.GRAPHICS)


def by_room(repos: Sequence[CuratedRepo], room: Room) -> tuple[CuratedRepo, ...]:
    """The proposed models in the order in which one would try them here.

    First the largest that fits and is also quick on this machine, then the others that fit, from
    small to large, then those that do not.
    """
    graphics = graphics_bytes(room)
    fitting = [repo for repo in repos if quick_verdict(repo.size_bytes, room) is Verdict.FITS]
    quick = [
        repo
        for repo in fitting
        if repo.size_bytes <= max(_PLEASANT_WITHOUT_GRAPHICS, _share_for_weights(graphics))
    ]
    first = max(quick, key=lambda repo: repo.size_bytes, default=None)
    order = {Verdict.FITS: 0, Verdict.TIGHT: 1, Verdict.TOO_LARGE: 2}
    return tuple(
        sorted(
            repos,
            key=lambda repo: (
                repo is not first,
                order[quick_verdict(repo.size_bytes, room)],
                repo.size_bytes,
            ),
        )
    )


def _share_for_weights(graphics: int) -> int:
    """How large a file may be that lies on the graphics processor as a whole."""
    return max(0, round((graphics - _BESIDE_FILE) / _MORE_THAN_FILE))
