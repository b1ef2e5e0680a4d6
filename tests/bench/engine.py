"""The engine against llama.cpp's own benchmark, beside a window that paints; how soon it stops; and
what it gains from answering several at once and from remembering (`tests.bench.slots`).

Ours and theirs run by turns, with as many threads, both with flash attention, the same niceness and
as many tokens in the context before. What counts is the median of the ratios pair by pair, which a
machine that is busy now and then hardly moves.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.domain.generation import Finished, FinishReason, PromptProgress, Sampling, TextDelta
from app.engine.supervisor import HostEngine
from tests.bench import llama_bench, slots
from tests.bench.display import screen
from tests.bench.rows import Row, at_least, at_most, told
from tests.helpers.engine_rig import Rig, collect, new_id
from tests.helpers.gguf_files import starter_file

PAIRS = 15
DECODED = 96
PROMPT = 512
STOPS = 10

BAR_RATIO = 0.93
BAR_STOP_MS = 150

STORY = "Write a very long story about a lighthouse keeper, with many details."
SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "
"""14 tokens."""

WINDOW = (sys.executable, "-m", "tests.bench.painting_window")
_ROOT = Path(__file__).parents[2]


def run(window: Sequence[str] = WINDOW) -> list[Row]:
    """All figures; `window` is the command of the window that paints meanwhile."""
    llama_bench.program()
    path = starter_file()
    with painting(window):
        rig = Rig(HostEngine)
        try:
            threads = rig.load_well(path).info.threads
            rig.ask(STORY, max_tokens=DECODED)
            return [
                *_decode(rig, path, threads),
                *_prompt(rig, path, threads),
                *_stops(rig, "decode", STORY, TextDelta),
                *_stops(rig, "4,000-token prompt", SENTENCE * 285, PromptProgress),
                *slots.rows(rig, path),
            ]
        finally:
            rig.close()


@contextmanager
def painting(window: Sequence[str]) -> Iterator[None]:
    """A window that paints for the time of the block."""
    with screen() as environment:
        process = subprocess.Popen(
            window, env=environment, cwd=_ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            if process.poll() is not None:
                raise RuntimeError("the window did not open")
            yield
        finally:
            process.terminate()
            process.communicate()


def _decode(rig: Rig, path: Path, threads: int) -> list[Row]:
    depth = rig.ask(STORY, max_tokens=1).last.stats.prompt_tokens

    def ours(number: int) -> float:
        sampling = Sampling(seed=number)
        return rig.ask(STORY, sampling=sampling, max_tokens=DECODED).last.stats.decode_rate

    def theirs() -> float:
        return llama_bench.rate(path, threads, answer=DECODED, depth=depth)

    ratio, our_rate, their_rate = _pairs(ours, theirs)
    unit = f"tok/s, {threads} threads" if threads > 1 else "tok/s, 1 thread"
    return [
        at_least("decode against llama-bench", ratio, BAR_RATIO),
        told("  engine", our_rate, unit),
        told("  llama-bench", their_rate, unit),
    ]


def _prompt(rig: Rig, path: Path, threads: int) -> list[Row]:
    def ours(number: int) -> float:
        # Another beginning each time, so that nothing of it is in the cache.
        text = f"Number {number}. " + SENTENCE * (PROMPT // 14)
        stats = rig.ask(text, max_tokens=1).last.stats
        return (stats.prompt_tokens - stats.cached_tokens) / stats.prompt_seconds

    ratio, our_rate, their_rate = _pairs(
        ours, lambda: llama_bench.rate(path, threads, prompt=PROMPT)
    )
    return [
        told("prompt against llama-bench", ratio),
        told("  engine", our_rate, "tok/s"),
        told("  llama-bench", their_rate, "tok/s"),
    ]


def _pairs(ours: Callable[[int], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
    """Medians: of the ratios, of our rates, of theirs."""
    pairs: list[tuple[float, float]] = []
    for number in range(PAIRS):
        # By turns first, so that a machine that slows down or quickens favours nobody.
        if number % 2:
            other = theirs()
            pairs.append((ours(number), other))
        else:
            pairs.append((ours(number), theirs()))
    return (
        statistics.median(own / other for own, other in pairs),
        statistics.median(own for own, _ in pairs),
        statistics.median(other for _, other in pairs),
    )


def _stops(rig: Rig, name: str, text: str, kind: type[Any]) -> list[Row]:
    times = [rig.run(_stop_ms(rig, f"{n}. {text}", kind, 2 + n % 5)) for n in range(STOPS)]
    return [
        at_most(f"stop during {name}, slowest of {STOPS}", max(times), BAR_STOP_MS, "ms"),
        told("  median", statistics.median(times), "ms"),
    ]


async def _stop_ms(rig: Rig, text: str, kind: type[Any], at: int) -> float:
    """Milliseconds from a cancel at the `at`th event of a kind to the end of the stream."""
    request_id, seen, asked_at = new_id(), 0, 0.0

    def heard(event: Any) -> None:
        nonlocal seen, asked_at
        seen += isinstance(event, kind)
        if seen == at and not asked_at:
            asked_at = time.perf_counter()
            rig.engine.cancel(request_id)

    last = (await collect(rig.generate(text, request_id), heard)).last
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.CANCELLED, "it had ended before it was cancelled"
    return (time.perf_counter() - asked_at) * 1000
