"""Reading a prompt: tokens a second."""

from __future__ import annotations

from pathlib import Path

from tests.bench.engine.talk import conversation, load_as_chosen, long_text
from tests.bench.references import benchmarks
from tests.bench.rows import Row, at_least, told
from tests.bench.turns import by_turns, one
from tests.helpers.engine_rig import Rig, user

TURNS = 5
CONTEXT = 12_288
LENGTHS = {"2k": 2048, "8k": 8000}
BAR = 0.95


def rows(rig: Rig, path: Path) -> list[Row]:
    """Against llama-bench, by length; and beside a conversation that stays warm."""
    made: list[Row] = []
    for name, length in LENGTHS.items():
        made += _length(rig, path, name, length)
    return made


def _length(rig: Rig, path: Path, name: str, length: int) -> list[Row]:
    threads, tokens = 0, length

    def ours(number: int) -> float:
        nonlocal threads, tokens
        # As new, so that the cache is as empty as theirs.
        threads = load_as_chosen(rig, path, CONTEXT).threads
        rig.ask("Hello.", max_tokens=2)
        rate, tokens = _read(rig, f"Number {number}. {long_text(length)}")
        return rate

    def theirs(_number: int) -> float:
        # The warm-up reads all once before: too long where it makes no difference.
        return benchmarks.rate(path, threads, prompt=tokens, warm_up=length == LENGTHS["2k"])

    found = by_turns(TURNS, one("engine", ours), one("llama-bench", theirs))
    ratio = found.ratio("engine", "llama-bench")
    rig.ask((*conversation("warm"), *user("Go on.")), max_tokens=1)
    beside, _ = _read(rig, f"Beside it. {long_text(length)}")
    return [
        at_least(f"prompt of {name} tokens against llama-bench", ratio, BAR),
        told("  engine", found.median("engine"), "tok/s"),
        told("  llama-bench", found.median("llama-bench"), "tok/s"),
        told("  engine, beside a warm conversation of 4k", beside, "tok/s"),
    ]


def _read(rig: Rig, text: str) -> tuple[float, int]:
    """Tokens a second, from the request to the first token, and how many were read."""
    stats = rig.ask(text, max_tokens=1).last.stats
    read = stats.prompt_tokens - stats.cached_tokens
    return read / stats.prompt_seconds, read
