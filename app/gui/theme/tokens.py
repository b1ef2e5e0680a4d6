"""Colours, spaces and sizes by meaning: paper by day, lamp light by night.

Widgets ask for a token, never for a colour. `tests/unit/gui_free/test_tokens.py` holds every text
colour to a contrast of at least 4.5:1 on the grounds it is used on (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

from dataclasses import dataclass

SPACE_1 = 4
SPACE_2 = 8
SPACE_3 = 12
SPACE_4 = 16
SPACE_6 = 24
SPACE_8 = 32
RADIUS = 8
RADIUS_SMALL = 5
FLAT_EDGE = 13
"""Logical pixels between the edge of a flat button and its words: padding and border."""
HEADER_HEIGHT = 48
"""Logical pixels of the first line of the middle; what stands beside it keeps to its middle."""
READING_WIDTH = 760
"""Logical pixels: the column of text is never wider, so that lines stay readable."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One theme. All values are `#rrggbb`."""

    name: str
    paper: str
    """The transcript's ground."""
    sidebar: str
    surface: str
    """Composer, menus, fields, cards."""
    hover: str
    pressed: str
    selected: str
    """A selected row."""
    line: str
    text: str
    muted: str
    """Secondary text; still 4.5:1 on paper, sidebar and surface."""
    accent: str
    """Links, focus ring, progress."""
    accent_fill: str
    """The one main button."""
    on_accent: str
    user_bubble: str
    code_ground: str
    code_header: str
    text_selection: str
    hit: str
    """Ground of a search hit."""
    danger: str
    danger_ground: str
    success: str


LIGHT = Tokens(
    name="light",
    paper="#fbf7f0",
    sidebar="#f3ece0",
    surface="#fffdf9",
    hover="#ece3d3",
    pressed="#e2d6c1",
    selected="#e9dcc4",
    line="#e3d9c8",
    text="#2b2620",
    muted="#675d51",
    accent="#945008",
    accent_fill="#a35a0c",
    on_accent="#ffffff",
    user_bubble="#f1e7d6",
    code_ground="#f6f0e5",
    code_header="#eee5d5",
    text_selection="#f3d6a0",
    hit="#f7dd9c",
    danger="#9c2b1b",
    danger_ground="#fae6df",
    success="#3b6529",
)

DARK = Tokens(
    name="dark",
    paper="#1f1c18",
    sidebar="#191612",
    surface="#292520",
    hover="#2f2a24",
    pressed="#3a342c",
    selected="#3b3327",
    line="#3a342c",
    text="#ece4d7",
    muted="#ab9f8e",
    accent="#e8ad55",
    accent_fill="#e0a040",
    on_accent="#211a0f",
    user_bubble="#322c24",
    code_ground="#171410",
    code_header="#221e19",
    text_selection="#5f4a22",
    hit="#6b5220",
    danger="#f2917d",
    danger_ground="#3d2620",
    success="#a2c887",
)
