"""What is asked again, and conversations that are come back to: times to the first text."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from pathlib import Path

from app.domain.generation import Turn
from tests.bench.engine.talk import conversation, first_text
from tests.bench.rows import Row, at_most, told
from tests.helpers.engine_rig import Rig, user

ROUNDS = 5
CONTEXT = 8192
BAR_AGAIN = 0.05
BAR_WARM = 0.03
BAR_EVICTED = 0.15

_AROUND = 3
"""Conversations of 4,000 tokens that take turns where two have room: each comes back evicted."""


def rows(rig: Rig, path: Path) -> list[Row]:
    """Against a full read: regenerate, edit, fork, and a conversation that is still warm."""
    rig.load_well(path, context_length=CONTEXT)
    wholes: list[float] = []
    shares: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        said = conversation(str(number))
        question = (*said, *user("Sum it up."))
        whole, _ = first_text(rig, question)
        wholes.append(whole)
        for name, turns in _again(said, question).items():
            shares.setdefault(name, []).append(first_text(rig, turns)[0] / whole)
        rig.ask(f"Another conversation, number {number}.", max_tokens=16)
        back = (*said, *user("Sum it up. And then?"))
        shares.setdefault("return to a warm one", []).append(first_text(rig, back)[0] / whole)
    bars = {"return to a warm one": BAR_WARM}
    return [
        told("first text of a 4k conversation, read in full", statistics.median(wholes), "s"),
        *(
            at_most(f"  {name}, against that", statistics.median(found), bars.get(name, BAR_AGAIN))
            for name, found in shares.items()
        ),
    ]


def _again(said: tuple[Turn, ...], question: tuple[Turn, ...]) -> dict[str, tuple[Turn, ...]]:
    return {
        "regenerate": question,
        "edit the last message": (*said, *user("Say it in a word.")),
        "fork": (*said[:3], *user("What else?")),
    }


def evicted_rows(rig: Rig, path: Path) -> list[Row]:
    """A conversation that had to make room for others."""
    rig.load_well(path, context_length=CONTEXT)
    wholes: list[float] = []
    talks: list[tuple[Turn, ...]] = []
    for number in range(_AROUND):
        talks.append((*conversation(f"Talk {number}"), *user("Sum it up.")))
        wholes.append(first_text(rig, talks[-1])[0])
    whole = statistics.median(wholes)
    turns: Callable[[int], tuple[Turn, ...]] = lambda n: (*talks[n % _AROUND], *user(f"More {n}."))
    shares = [first_text(rig, turns(n))[0] / whole for n in range(ROUNDS)]
    return [
        at_most("return to an evicted one, against a full read", statistics.median(shares), BAR_EVICTED),
        told("  a full read", whole, "s"),
    ]
