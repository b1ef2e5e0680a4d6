"""What is said to the engine, and how long its first text takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from app.domain.generation import Finished, LoadedInfo, Role, TextDelta, Turn
from app.domain.load_params import LoadParams
from app.domain.placement import Room, fitted
from app.engine.limits import machine_memory
from app.library.model_file import inspect_file
from tests.helpers.engine_rig import Events, Rig, collect, user

STORY = "Write a very long story about a lighthouse keeper, with many details."
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "
"""14 tokens."""
SENTENCE_TOKENS = 14
LONG = 4000
"""Tokens of what is here called a 4k conversation."""


def load_as_chosen(rig: Rig, path: Path, context_length: int) -> LoadedInfo:
    """Load as the application does, which chooses what is left automatic by what fits here."""
    shape = inspect_file(str(path))[0].shape
    assert shape is not None
    room = Room(machine_memory().available)
    params = fitted(shape, LoadParams(context_length=context_length), room)
    info: LoadedInfo = rig.load_with(path, params).info
    return info


def long_text(tokens: int) -> str:
    """Of about so many tokens."""
    return SENTENCE * (tokens // SENTENCE_TOKENS)


def conversation(name: str) -> tuple[Turn, ...]:
    """Some `LONG` tokens in a few turns, which no conversation of another name shares."""
    half = f"{name}. {long_text(LONG // 2)}"
    reply = Turn(Role.ASSISTANT, "Well, that is a fox.")
    return (*user(half), reply, *user(half), reply)


def first_text(rig: Rig, turns: tuple[Turn, ...], max_tokens: int = 1) -> tuple[float, Events]:
    """Seconds from the question to the first text, as the application sees it; all events."""
    first: list[float] = []

    def heard(event: Any) -> None:
        if isinstance(event, TextDelta | Finished):
            first.append(time.perf_counter())

    async def ask() -> tuple[float, Events]:
        began = time.perf_counter()
        events = await collect(rig.generate(turns, max_tokens=max_tokens), heard)
        assert isinstance(events.last, Finished), events.last
        return first[0] - began, events

    return rig.run(ask())
