"""A dataclass field that says for itself what a reader and a dialog need to know about it."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def setting(
    default: Any,
    label: str,
    help: str,  # noqa: A002 - the field's standard term
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    restart: bool = False,
) -> Any:
    """A dataclass field with what a reader and a dialog need to know about it."""
    return field(
        default=default,
        metadata={
            "label": label,
            "help": help,
            "low": low,
            "high": high,
            "choices": choices,
            "restart": restart,
        },
    )
