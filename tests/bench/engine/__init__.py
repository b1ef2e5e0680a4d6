"""The engine against llama.cpp's own programs and against peers, beside a window that paints.

Ours and theirs run by turns, with as many threads, the same niceness and as many tokens in the
context before. The engine is loaded as the application does it; llama.cpp's measurements run with
the same kind of attention, llama-server and the peers as they are by themselves. What counts is the
median of the ratios of one turn each, which a machine that is busy now and then hardly moves. Each
group of rows loads the model anew.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.engine.supervisor import HostEngine
from tests.bench.display import screen
from tests.bench.engine import (
    decode,
    memory,
    prompts,
    remembering,
    second_turn,
    stops,
    streams,
)
from tests.bench.references.build import PROGRAMS, program
from tests.bench.rows import Row
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import starter_file

WINDOW = (sys.executable, "-m", "tests.bench.painting_window")

GROUPS: dict[str, Callable[[Rig, Path], list[Row]]] = {
    "decode": decode.rows,
    "prompts": prompts.rows,
    "stops": stops.rows,
    "streams": streams.rows,
    "gap": streams.gap_rows,
    "again": remembering.rows,
    "evicted": remembering.evicted_rows,
    "second-turn": second_turn.rows,
}
MEMORY = "memory"
"""The group that opens the real window, and no other beside it."""

_ROOT = Path(__file__).parents[3]


def run(only: str = "", window: Sequence[str] = WINDOW) -> list[Row]:
    """All figures, or those of the groups named in `only`, with commas between; `window` is the
    command of the window that paints meanwhile."""
    wanted = only.split(",") if only else [*GROUPS, MEMORY]
    unknown = set(wanted) - {*GROUPS, MEMORY}
    if unknown:
        raise SystemExit(f"No such rows: {', '.join(unknown)}. There are {', '.join(GROUPS)}.")
    for name in PROGRAMS:
        program(name)
    found: list[Row] = []
    with painting(window):
        for name in wanted:
            if name != MEMORY:
                found += _group(name)
    return [*found, *memory.rows()] if MEMORY in wanted else found


def _group(name: str) -> list[Row]:
    print(f"Measuring: {name}", file=sys.stderr, flush=True)
    rig = Rig(HostEngine)
    try:
        return GROUPS[name](rig, starter_file())
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
