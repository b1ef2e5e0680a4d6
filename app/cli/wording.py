"""Numbers as a person at a terminal reads them."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size_text(count: int) -> str:
    """Bytes in decimal units: `98 MB`, `4.7 GB`."""
    value = float(count)
    for unit in _UNITS[:-1]:
        if value < 999.5:
            return f"{value:.1f} {unit}" if unit == "GB" else f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} {_UNITS[-1]}"
