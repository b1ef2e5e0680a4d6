"""The table of a measurement: bars, verdicts, the exit status."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.bench import __main__ as bench
from tests.bench.rows import Row, at_least, at_most, print_rows, told

ROWS = [at_most("time", 0.4, 0.5, "s"), at_least("share", 0.9, 0.93), told("memory", 80, "MiB")]


def test_bars() -> None:
    assert [row.holds for row in ROWS] == [True, False, None]
    assert at_most("x", 1, 1).holds
    assert at_least("x", 1, 1).holds


def test_the_table() -> None:
    out = io.StringIO()
    assert not print_rows(ROWS, out)
    assert out.getvalue().splitlines() == [
        "time    0.4 s    at most 0.5    holds",
        "share   0.9      at least 0.93  SHORT",
        "memory   80 MiB",
        "1 of 2 bars hold",
    ]


def test_all_hold() -> None:
    assert print_rows([ROWS[0], ROWS[2]], io.StringIO())


@pytest.mark.parametrize(("rows", "status"), [(ROWS[:1], 0), (ROWS, 1)])
def test_the_exit_status_and_the_file(
    rows: list[Row], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measurement = ModuleType("tests.bench.startup")
    measurement.run = lambda: rows  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tests.bench.startup", measurement)
    file = tmp_path / "rows.json"
    assert bench.main(["startup", "--json", str(file)]) == status
    assert [row["name"] for row in json.loads(file.read_text())] == [row.name for row in rows]
