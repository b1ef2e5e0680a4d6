"""Several answers at once, a long prompt beside an answer, and conversations that stay warm.

Each figure is a ratio of runs that follow one another, or a gap; medians of a few of them, since
the machine may be busy.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.domain.fit import SEQUENCES
from app.domain.generation import Finished, Role, TextDelta, Turn
from tests.bench.rows import Row, at_least, at_most, told
from tests.helpers.engine_rig import Rig, collect, new_id, user

ROUNDS = 5
WRITTEN = 64

BARS_STREAMS = {2: 1.05, 4: 1.4, 8: 1.5}
"""Of one stream: what llama.cpp itself was seen to reach with the starter model on two cores
(notes/engine.md, section 3), each to be reached by 95 %."""
SHORT_OF = 0.95
BAR_GAP_MS = 250
BAR_AGAIN = 0.05
BAR_WARM = 0.03

STORY = "Write a very long story about a lighthouse keeper, with many details."
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "
"""14 tokens."""
CONVERSATION = SENTENCE * 285
"""4,000 tokens."""


def rows(rig: Rig, path: Path) -> list[Row]:
    """All figures; the model is loaded with another context in between."""
    streams = _streams(rig)
    warm = _remembering(rig)
    rig.load_well(path, context_length=12_288)
    return [*streams, *warm, *_gap(rig)]


def _streams(rig: Rig) -> list[Row]:
    """All tokens a second, with 1, 2, 4 and 8 answers at once."""
    rates: dict[int, list[float]] = {1: [], **{count: [] for count in BARS_STREAMS}}
    for number in range(ROUNDS):
        for count, found in rates.items():
            found.append(rig.run(_total_rate(rig, count, number)))
    single = statistics.median(rates[1])
    made = [told("one stream", single, "tok/s")]
    for count, bar in BARS_STREAMS.items():
        ratio = statistics.median(
            many / one for many, one in zip(rates[count], rates[1], strict=True)
        )
        made.append(at_least(f"{count} streams against one, all tokens", ratio, bar * SHORT_OF))
    return made


async def _total_rate(rig: Rig, count: int, number: int) -> float:
    """The rates of all answers added up, of as many as run at the same time."""
    texts = [f"{number}, {one}. {STORY}" for one in range(count)]
    asked = [collect(rig.generate(text, max_tokens=WRITTEN)) for text in texts]
    rates = [answer.last.stats.decode_rate for answer in await asyncio.gather(*asked)]
    return sum(rates) * min(count, SEQUENCES) / count


def _gap(rig: Rig) -> list[Row]:
    """The longest time between pieces of an answer while 8,000 tokens are read for another one.

    Seen from the application, whose stream has an interval of its own (33 ms) between batches.
    """
    gap, seconds = rig.run(_longest_gap(rig, SENTENCE * 570))
    return [
        at_most("longest gap of an answer beside an 8k prompt", gap * 1000, BAR_GAP_MS, "ms"),
        told("  the prompt was read in", seconds, "s"),
    ]


async def _longest_gap(rig: Rig, prompt: str) -> tuple[float, float]:
    writing = new_id()
    writes = asyncio.Event()
    arrivals: list[float] = []

    def heard(event: Any) -> None:
        if isinstance(event, TextDelta):
            arrivals.append(time.perf_counter())
            writes.set()

    turns = f"{writing}. {STORY}"
    answer = asyncio.ensure_future(collect(rig.generate(turns, writing), heard))
    await writes.wait()
    began = time.perf_counter()
    arrivals.clear()
    await collect(rig.generate(prompt, max_tokens=1))
    seconds = time.perf_counter() - began
    rig.engine.cancel(writing)
    await answer
    times = [began, *arrivals]
    return max(after - before for before, after in itertools.pairwise(times)), seconds


def _remembering(rig: Rig) -> list[Row]:
    """Times to the first token of what is asked again, against a full read."""
    again: dict[str, list[float]] = {"regenerate": [], "fork": [], "edit the last message": []}
    warm: list[float] = []
    for number in range(ROUNDS):
        conversation = _conversation(number)
        whole = _first_token(rig, (*conversation, *user("Sum it up.")))
        follow_ups: dict[str, Callable[[], tuple[Turn, ...]]] = {
            "regenerate": lambda said=conversation: (*said, *user("Sum it up.")),
            "edit the last message": lambda said=conversation: (*said, *user("Say it in a word.")),
            "fork": lambda said=conversation: (*said[:3], *user("What else?")),
        }
        for name, turns in follow_ups.items():
            again[name].append(_first_token(rig, turns()) / whole)
        rig.ask(f"Another conversation, number {number}.", max_tokens=16)
        warm.append(_first_token(rig, (*conversation, *user("Sum it up. And then?"))) / whole)
    return [
        *(
            at_most(f"{name}, first token against a full read", statistics.median(found), BAR_AGAIN)
            for name, found in again.items()
        ),
        at_most(
            "return to a warm conversation, against a full read", statistics.median(warm), BAR_WARM
        ),
    ]


def _conversation(number: int) -> tuple[Turn, ...]:
    """Some 4,000 tokens in a few turns, which no other number shares."""
    quarter = f"{number}. {CONVERSATION[: len(CONVERSATION) // 2]}"
    reply = Turn(Role.ASSISTANT, "Well, that is a fox.")
    return (*user(quarter), reply, *user(quarter), reply)


def _first_token(rig: Rig, turns: tuple[Turn, ...]) -> float:
    last = rig.ask(turns, max_tokens=1).last
    assert isinstance(last, Finished)
    return last.stats.first_token_seconds
