"""Every text colour stands out from every ground it is used on (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import itertools

import pytest

from app.gui.theme.tokens import DARK, LIGHT, Tokens

GROUNDS = ("paper", "sidebar", "surface", "hover", "selected", "user_bubble")
PAIRS = [
    *itertools.product(("text",), (*GROUNDS, "code_ground", "code_header", "hit", "pressed")),
    *itertools.product(("muted",), ("paper", "sidebar", "surface", "code_header")),
    *itertools.product(("accent",), ("paper", "surface", "sidebar")),
    ("text", "text_selection"),
    ("text", "danger_ground"),
    ("danger", "danger_ground"),
    *itertools.product(("danger",), ("paper", "surface", "sidebar")),
    ("on_accent", "accent_fill"),
    # What rows of painted lists say in colour, also under the mouse and selected.
    *itertools.product(("muted", "accent", "success", "danger"), ("hover", "selected", "surface")),
]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_is_readable(tokens: Tokens, ink: str, ground: str) -> None:
    assert contrast(getattr(tokens, ink), getattr(tokens, ground)) >= 4.5


def test_the_measure_knows_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
