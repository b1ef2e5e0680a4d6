"""Several answers at once, and a long prompt beside an answer."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

from app.domain.fit import SEQUENCES
from app.domain.generation import Sampling, TextDelta
from tests.bench.engine.talk import STORY, load_as_chosen, long_text
from tests.bench.references import benchmarks
from tests.bench.rows import Row, at_least, at_most, told
from tests.bench.turns import by_turns
from tests.helpers.engine_rig import Rig, collect, new_id

TURNS = 5
WRITTEN = 128
COUNTS = (1, 2, 4, 8)

BAR_TOGETHER = 0.95
BAR_GAP_MS = 250
GAPS = 1
"""Each is the longest of some hundred gaps already, and takes minutes."""


def rows(rig: Rig, path: Path) -> list[Row]:
    """All tokens a second of some answers at once, against llama-batched-bench."""
    threads = load_as_chosen(rig, path, 8192).threads
    prompt = rig.ask(f"0, 0. {STORY}", max_tokens=WRITTEN).last.stats.prompt_tokens

    def ours(number: int) -> dict[str, float]:
        return {f"{count} ours": rig.run(_all_rates(rig, count, number)) for count in COUNTS}

    def theirs(_number: int) -> dict[str, float]:
        rates = benchmarks.together(path, threads, COUNTS, prompt=prompt, answer=WRITTEN)
        return {f"{count} theirs": rate for count, rate in rates.items()}

    found = by_turns(TURNS, ours, theirs)
    made: list[Row] = []
    for count in COUNTS:
        own, other = f"{count} ours", f"{count} theirs"
        name, ratio = f"streams against llama-batched-bench: {count}", found.ratio(own, other)
        made += [
            told(name, ratio) if count == 1 else at_least(name, ratio, BAR_TOGETHER),
            told("  engine, all tokens", found.median(own), "tok/s"),
            told("  llama-batched-bench", found.median(other), "tok/s"),
            told("  engine, against one stream", found.ratio(own, "1 ours")),
        ]
    return made


async def _all_rates(rig: Rig, count: int, number: int) -> float:
    """The rates of all answers added up, of as many as run at the same time.

    They begin one step after another, so that the first ones are written while prompts are read,
    and the last ones while others have ended already; with texts of this length the one outweighs
    the other by less than a hundredth, to our loss.
    """
    asked = [
        collect(
            rig.generate(
                f"{number}, {one}. {STORY}", max_tokens=WRITTEN, sampling=Sampling(seed=one)
            )
        )
        for one in range(count)
    ]
    rates = [answer.last.stats.decode_rate for answer in await asyncio.gather(*asked)]
    return sum(rates) * min(count, SEQUENCES) / count


# ------------------------------------------------------------------- a prompt beside an answer


def gap_rows(rig: Rig, path: Path) -> list[Row]:
    """The longest time between pieces of an answer while 8,000 tokens are read for another one.

    Seen from the application, whose stream has an interval of its own (33 ms) between batches.
    """
    load_as_chosen(rig, path, 12_288)
    found = [rig.run(_longest_gap(rig, f"{n}. {long_text(8000)}")) for n in range(GAPS)]
    gaps = [1000 * gap for gap, _ in found]
    seconds = [seconds for _, seconds in found]
    return [
        at_most(
            "longest gap of an answer beside an 8k prompt",
            statistics.median(gaps),
            BAR_GAP_MS,
            "ms",
        ),
        told(f"  the longest of {GAPS} such", max(gaps), "ms"),
        told("  the prompt was read in", statistics.median(seconds), "s"),
    ]


async def _longest_gap(rig: Rig, prompt: str) -> tuple[float, float]:
    writing = new_id()
    writes = asyncio.Event()
    arrivals: list[float] = []

    def heard(event: Any) -> None:
        if isinstance(event, TextDelta):
            arrivals.append(time.perf_counter())
            writes.set()

    answer = asyncio.ensure_future(collect(rig.generate(f"{writing}. {STORY}", writing), heard))
    await writes.wait()
    began = time.perf_counter()
    arrivals.clear()
    await collect(rig.generate(prompt, max_tokens=1))
    seconds = time.perf_counter() - began
    assert not answer.done(), "the answer had ended before the prompt was read"
    rig.engine.cancel(writing)
    await answer
    times = [began, *arrivals]
    return max(after - before for before, after in itertools.pairwise(times)), seconds
