"""What is asked again, and conversations that are come back to: times to the first text."""

from __future__ import annotations

import statistics
from pathlib import Path

from app.domain.generation import Role, Turn
from tests.bench.engine.talk import conversation, first_text, load_as_chosen
from tests.bench.rows import Row, at_most, told
from tests.helpers.engine_rig import Rig, user

ROUNDS = 5
CONTEXT = 8192
WRITTEN = 16

WARM = "return to a warm one"
BARS = {WARM: 0.03}
BAR_AGAIN = 0.05
BAR_EVICTED = 0.15

_AROUND = 3
"""Conversations of 4,000 tokens that take turns where two have room: each comes back evicted."""


def rows(rig: Rig, path: Path) -> list[Row]:
    """Against a full read: a conversation that is still warm, regenerate, edit, fork."""
    load_as_chosen(rig, path, CONTEXT)
    wholes: list[float] = []
    shares: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        said = conversation(str(number))
        whole, events = first_text(rig, (*said, *user("Sum it up.")), WRITTEN)
        wholes.append(whole)
        rig.ask(f"Another conversation, number {number}.", max_tokens=WRITTEN)
        reply = Turn(Role.ASSISTANT, events.text)
        for name, turns in _again((*said, *user("Sum it up."), reply)).items():
            shares.setdefault(name, []).append(first_text(rig, turns, WRITTEN)[0] / whole)
    return [
        told("first text of a 4k conversation, read in full", statistics.median(wholes), "s"),
        *(
            at_most(f"  {name}, against that", statistics.median(found), BARS.get(name, BAR_AGAIN))
            for name, found in shares.items()
        ),
    ]


def _again(said: tuple[Turn, ...]) -> dict[str, tuple[Turn, ...]]:
    """What is asked next, in this order."""
    return {
        WARM: (*said, *user("And then?")),
        "regenerate": (*said, *user("And then?")),
        "edit the last message": (*said, *user("Say it in a word.")),
        "fork": (*said[:3], *user("What else?")),
    }


def evicted_rows(rig: Rig, path: Path) -> list[Row]:
    """A conversation that had to make room for others."""
    load_as_chosen(rig, path, CONTEXT)
    wholes: list[float] = []
    talks: list[tuple[Turn, ...]] = []
    for number in range(_AROUND):
        talks.append((*conversation(f"Talk {number}"), *user("Sum it up.")))
        wholes.append(first_text(rig, talks[-1])[0])
    whole = statistics.median(wholes)
    shares: list[float] = []
    for number in range(ROUNDS):
        back = (*talks[number % _AROUND], *user(f"More, {number}."))
        shares.append(first_text(rig, back)[0] / whole)
    return [
        at_most(
            "return to an evicted one, against a full read", statistics.median(shares), BAR_EVICTED
        ),
        told("  a full read", whole, "s"),
    ]
