"""The second turn of a long conversation: how long until the first text."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

from app.domain.generation import Role, Turn
from tests.bench.engine.talk import conversation, first_text, load_as_chosen
from tests.bench.references.chat import Chat, LlamaServer
from tests.bench.references.peers import start_peers
from tests.bench.rows import Row, at_most, told
from tests.bench.turns import Side, by_turns, one
from tests.helpers.engine_rig import Rig, user

TURNS = 5
WRITTEN = 32
SEEN = 4
"""Tokens: the text of a single one may be held back as the beginning of something else."""
CONTEXT = 8192
BAR = 1.05

QUESTION = "Sum it up."
NEXT = "And what became of the dog in the end?"


def rows(rig: Rig, path: Path) -> list[Row]:
    """Against llama-server and the peers, each with the answer it gave itself."""
    threads = load_as_chosen(rig, path, CONTEXT).threads
    with ExitStack() as stack:
        server = stack.enter_context(closing(LlamaServer(path, threads, CONTEXT)))
        peers, absent = start_peers(stack, path, threads, CONTEXT)
        others = [server, *peers]
        found = by_turns(TURNS, one("engine", lambda n: _ours(rig, n)), *map(_side, others))
    made = [
        told("second turn of a 4k conversation, first text", 1000 * found.median("engine"), "ms")
    ]
    for other in others:
        ratio, label = found.ratio("engine", other.name), f"second turn against {other.name}"
        made.append(at_most(label, ratio, BAR) if other is server else told(label, ratio))
        made.append(told(f"  {other.name}", 1000 * found.median(other.name), "ms"))
    return [*made, *absent]


def _ours(rig: Rig, number: int) -> float:
    first = _first_turn(number)
    _, events = first_text(rig, first, WRITTEN)
    second = (*first, Turn(Role.ASSISTANT, events.text), *user(NEXT))
    return first_text(rig, second, SEEN)[0]


def _side(chat: Chat) -> Side:
    return one(chat.name, lambda number: _theirs(chat, number))


def _theirs(chat: Chat, number: int) -> float:
    first = _first_turn(number)
    said = chat.ask(first, WRITTEN)
    second = (*first, Turn(Role.ASSISTANT, said.text), *user(NEXT))
    return chat.ask(second, SEEN).first_seconds


def _first_turn(number: int) -> tuple[Turn, ...]:
    return (*conversation(f"Chapter {number}"), *user(QUESTION))
