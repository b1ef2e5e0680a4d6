"""`python -m tests.bench NAME [--json FILE]`: measure, print a table, status 1 if a bar fails.

NAME is a module of this package with `run(…) -> list[Row]`; what its `run` takes are options of the
same name.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
from pathlib import Path

from tests.bench.rows import Row, print_rows

NAMES = (
    "downloads",
    "engine",
    "fit",
    "kills",
    "library",
    "resumes",
    "soak",
    "stalls",
    "startup",
)


def main(words: list[str] | None = None) -> int:
    """Measure what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description="Measure against the bars.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    parser.add_argument("--only", metavar="ROWS", help="engine: these groups of rows, by comma")
    parser.add_argument("--minutes", type=float, help="soak: for how long")
    parser.add_argument("--rounds", type=int, help="kills: how many")
    parser.add_argument("--seed", type=int, help="soak: of its choices")
    asked = parser.parse_args(words)
    run = importlib.import_module(f"tests.bench.{asked.name}").run
    wishes = {
        "only": asked.only,
        "minutes": asked.minutes,
        "rounds": asked.rounds,
        "seed": asked.seed,
    }
    options = {name: value for name, value in wishes.items() if value is not None}
    for name in options.keys() - inspect.signature(run).parameters.keys():
        parser.error(f"{asked.name} has no --{name}")
    rows: list[Row] = run(**options)
    all_hold = print_rows(rows)
    if asked.json is not None:
        figures = [row.to_dict() for row in rows]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all_hold else 1


if __name__ == "__main__":
    raise SystemExit(main())
