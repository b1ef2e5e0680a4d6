"""Whether a value from outside fits a setting, as its description says."""

from __future__ import annotations

import math
from dataclasses import Field
from typing import Any, cast

_TAKES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list of texts",
}


def accept(field: Field[Any], value: object) -> object:
    """The value in the setting's own type; raises `ValueError` with what it must be."""
    kind = type(cast("object", field.default))
    fitting = _in_type(kind, value)
    if fitting is None:
        raise ValueError(f"It must be {_TAKES[kind]}.")
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if choices and fitting not in choices:
        raise ValueError(f"It must be one of: {', '.join(choices)}.")
    if isinstance(fitting, int | float) and not isinstance(fitting, bool):
        if low is not None and fitting < low:
            raise ValueError(f"It must be {low} or more.")
        if high is not None and fitting > high:
            raise ValueError(f"It must be {high} or less.")
    return fitting


def _in_type(kind: type, value: object) -> object | None:
    """The value as `kind`, or None. Nothing is guessed: "1" is no number and 1 is not true."""
    if kind is tuple:
        if isinstance(value, list | tuple):
            texts = tuple(cast("list[object]", value))
            if all(isinstance(text, str) for text in texts):
                return texts
        return None
    if kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        return None
    return value if type(value) is kind else None
