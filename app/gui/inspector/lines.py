"""Lists of texts as lines that can be edited: stop strings and logit biases."""

from __future__ import annotations

import math

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


def written(text: str) -> str:
    r"""A text on one line: a line end is written `\n`, a tab `\t`, a backslash `\\`."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def read(line: str) -> str:
    """The inverse of `written`; another escape is taken as it stands."""
    found: list[str] = []
    rest = iter(line)
    for char in rest:
        if char != "\\":
            found.append(char)
            continue
        following = next(rest, "")
        found.append(_ESCAPES.get(following, "\\" + following))
    return "".join(found)


def stops_from(text: str) -> tuple[str, ...]:
    """One a line; empty lines and doubles are left out."""
    return tuple(dict.fromkeys(read(line) for line in text.split("\n") if line))


def biases_from(text: str) -> tuple[tuple[tuple[str, float], ...], str]:
    """Lines of `text: bias`, and what is wrong with the first line that is left out."""
    found: list[tuple[str, float]] = []
    complaint = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        word, colon, bias = line.rpartition(":")
        value = _number(bias)
        if colon and word and value is not None:
            found.append((read(word), value))
        else:
            complaint = complaint or f"Line {number} is not “text: number from -100 to 100”."
    return tuple(found), complaint


def biases_written(biases: tuple[tuple[str, float], ...]) -> str:
    """The inverse of `biases_from`."""
    return "\n".join(f"{written(text)}: {bias:g}" for text, bias in biases)


def _number(word: str) -> float | None:
    try:
        value = float(word.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and -100 <= value <= 100 else None
