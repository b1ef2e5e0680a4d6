"""What a measurement found, and whether it holds against its bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True)
class Row:
    """One figure. `bar` and `holds` are None for a figure that is only told, as a reference."""

    name: str
    value: float | None
    unit: str = ""
    bar: str | None = None
    holds: bool | None = None
    note: str = ""
    """Why there is no value."""

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "bar": self.bar,
            "holds": self.holds,
            "note": self.note,
        }


def at_most(name: str, value: float, bar: float, unit: str = "") -> Row:
    """A figure that must not be larger."""
    return Row(name, value, unit, f"at most {bar:g}", value <= bar)


def at_least(name: str, value: float, bar: float, unit: str = "") -> Row:
    """A figure that must not be smaller."""
    return Row(name, value, unit, f"at least {bar:g}", value >= bar)


def told(name: str, value: float, unit: str = "") -> Row:
    """A figure without a bar."""
    return Row(name, value, unit)


def missing(name: str, why: str) -> Row:
    """A figure that could not be had."""
    return Row(name, None, note=why)


def print_rows(rows: Sequence[Row], out: TextIO | None = None) -> bool:
    """A table, and `N of M bars hold`; whether all of them do."""
    cells = [(row.name, _figure(row.value), row.unit, row.bar or "", _verdict(row)) for row in rows]
    widths = [max((len(line[column]) for line in cells), default=0) for column in range(5)]
    for name, value, unit, bar, verdict in cells:
        line = (
            f"{name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  "
            f"{bar:<{widths[3]}}  {verdict}"
        )
        print(line.rstrip(), file=out)
    barred = [row for row in rows if row.holds is not None]
    holding = sum(row.holds is True for row in barred)
    print(f"{holding} of {len(barred)} bars hold", file=out)
    return holding == len(barred)


def _verdict(row: Row) -> str:
    return {True: "holds", False: "SHORT", None: row.note}[row.holds]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"
