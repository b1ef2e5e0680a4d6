"""The words after `lamplight bench`."""

from __future__ import annotations

import argparse

from app.cli.commands import Bench
from app.domain.benchmark import DEEPEST, DEPTHS, MOST_REPEATS, BenchPlan


def bench(parser: argparse.ArgumentParser, words: list[str]) -> Bench:
    """What they ask for; ends the process with status 2 after wrong usage."""
    plan = BenchPlan()
    parser.description = (
        "Measure how fast a model reads prompts and writes answers on this machine, at several "
        "depths of the conversation, and tell what slows it down. It takes about a minute."
    )
    parser.epilog = (
        "The method is llama-bench's (its tests pp and tg with -d). The result is kept in the "
        "profile's history and compared with the last one."
    )
    parser.add_argument(
        "--model",
        metavar="PATH|starter",
        help="a GGUF file, or the starter model; without it, the model chosen in the window",
    )
    parser.add_argument(
        "--depths",
        metavar="N,N,…",
        type=_depths,
        default=DEPTHS,
        help=f"tokens that lie before; {','.join(map(str, DEPTHS))} if nothing is said",
    )
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=_repeats,
        default=plan.repeats,
        help=f"measure each N times and tell the median; {plan.repeats} if nothing is said",
    )
    parser.add_argument(
        "--try-threads", action="store_true", help="also find the best number of threads"
    )
    parser.add_argument(
        "--full", action="store_true", help="take as long as it takes, and leave nothing out"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    found = parser.parse_args(words)
    return Bench(
        profile=found.profile,
        model=found.model,
        plan=BenchPlan(
            depths=found.depths,
            repeats=found.repeat,
            seconds=0.0 if found.full else plan.seconds,
            try_threads=found.try_threads,
        ),
        json=found.json,
    )


def _depths(word: str) -> tuple[int, ...]:
    depths = sorted({_number(piece) for piece in word.split(",")})
    if not 0 <= depths[0] <= depths[-1] <= DEEPEST:
        raise argparse.ArgumentTypeError(f"a depth must lie between 0 and {DEEPEST}")
    return tuple(depths)


def _repeats(word: str) -> int:
    repeats = _number(word)
    if not 1 <= repeats <= MOST_REPEATS:
        raise argparse.ArgumentTypeError(f"the repetitions must lie between 1 and {MOST_REPEATS}")
    return repeats


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{word}” is not a number") from None
