"""Numbers and times as a person reads them."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size_text(count: int) -> str:
    """Bytes in decimal units, as file managers and model pages write them: `98 MB`, `4.7 GB`."""
    value = float(count)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            digits = 1 if unit in ("GB", "TB") and value < 99.5 else 0
            return f"{value:.{digits}f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def parameters_text(count: int) -> str:
    """`8.2B`, `752M`, as names of models have it."""
    if count >= 999_500_000:
        return f"{count / 1e9:.1f}".removesuffix(".0") + "B"
    return f"{count / 1e6:.0f}M"


def when_text(milliseconds: int, now: datetime) -> str:
    """A moment, short, relative to `now` (local time): `5 min`, `14:02`, `Mon`, `3 Nov`."""
    then = datetime.fromtimestamp(milliseconds / 1000, now.tzinfo)
    age = now - then
    if age < timedelta(minutes=1):
        return "now"
    if age < timedelta(hours=1):
        return f"{int(age.total_seconds() // 60)} min"
    days = (now.date() - then.date()).days
    if days == 0:
        return f"{then:%H:%M}"
    if days == 1:
        return "Yesterday"
    if days < 7:
        return f"{then:%a}"
    if then.year == now.year:
        return f"{then.day} {then:%b}"
    return f"{then.day} {then:%b %Y}"


def rate_text(tokens_per_second: float) -> str:
    """A speed: `43.1 tok/s`."""
    return f"{tokens_per_second:.1f} tok/s"
