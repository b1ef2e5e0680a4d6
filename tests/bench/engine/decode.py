"""One answer: tokens a second."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

from app.domain.generation import Sampling
from tests.bench.engine.talk import STORY, load_as_chosen
from tests.bench.references import benchmarks
from tests.bench.references.chat import Chat, LlamaServer
from tests.bench.references.peers import start_peers
from tests.bench.rows import Row, at_least, told
from tests.bench.turns import Side, by_turns, one
from tests.helpers.engine_rig import Rig, user

TURNS = 9
WRITTEN = 96
CONTEXT = 8192

FLASH = "llama-bench with flash attention"
BARS = {"llama-bench": 0.96, "llama-server": 1.0}


def rows(rig: Rig, path: Path) -> list[Row]:
    """Against llama-bench, llama-server and the peers."""
    threads = load_as_chosen(rig, path, CONTEXT).threads
    depth = rig.ask(STORY, max_tokens=WRITTEN).last.stats.prompt_tokens

    def ours(number: int) -> float:
        sampling = Sampling(seed=number)
        return rig.ask(STORY, sampling=sampling, max_tokens=WRITTEN).last.stats.decode_rate

    def bench(_number: int) -> float:
        return benchmarks.rate(path, threads, answer=WRITTEN, depth=depth)

    def flash(_number: int) -> float:
        return benchmarks.rate(path, threads, answer=WRITTEN, depth=depth, flash=True)

    with ExitStack() as stack:
        server = stack.enter_context(closing(LlamaServer(path, threads, CONTEXT)))
        peers, absent = start_peers(stack, path, threads, CONTEXT)
        others = [server, *peers]
        for other in others:
            other.ask(user(STORY), WRITTEN)
        sides = [
            one("engine", ours),
            one("llama-bench", bench),
            one(FLASH, flash),
            *map(_side, others),
        ]
        found = by_turns(TURNS, *sides)
    made = [told("decode", found.median("engine"), f"tok/s, threads: {threads}")]
    for name in ["llama-bench", FLASH, *(other.name for other in others)]:
        ratio, label = found.ratio("engine", name), f"decode against {name}"
        made.append(at_least(label, ratio, BARS[name]) if name in BARS else told(label, ratio))
        made.append(told(f"  {name}", found.median(name), "tok/s"))
    return [*made, *absent]


def _side(chat: Chat) -> Side:
    return one(chat.name, lambda number: chat.ask(user(STORY), WRITTEN, number).decode_rate)
