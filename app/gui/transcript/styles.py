"""Fonts, formats and distances of message text, made once per theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QTextBlockFormat,
    QTextCharFormat,
)

from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6
from app.gui.transcript.markdown import Piece, Place, Rule, Run, Text

if TYPE_CHECKING:
    from app.gui.theme.keeper import ThemeKeeper

INDENT = 26
"""Logical pixels of one list level."""
QUOTE = 18
"""Of one quote: its bar and the space to the text."""
GUTTER = 14
"""Left of the text column, for list numbers of more than two digits."""
DEEPEST_INDENT = 7
"""Lists and quotes further in stand no further right, so that the column keeps a width."""
LINE_SPREAD = 1.38
"""Line height over the font's own line spacing; Qt puts what is more above the line."""
HEADING_SPREAD = 1.1
MARKER_GAP = 9
"""Between the marker of a list item and its text."""

_HEADING_SCALE = (1.0, 1.45, 1.25, 1.12, 1.0, 1.0, 1.0)


def left_of(place: Place) -> int:
    """Where the text of a place begins, from the left of the column."""
    return min(place.indent, DEEPEST_INDENT) * INDENT + len(quote_bars(place)) * QUOTE


def quote_bars(place: Place) -> list[int]:
    """Where the bars of the quotes around a place stand, from the left of the column."""
    quotes = place.quotes[:DEEPEST_INDENT]
    return [
        min(indent, DEEPEST_INDENT) * INDENT + level * QUOTE for level, indent in enumerate(quotes)
    ]


def gap_between(above: Piece | None, below: Piece) -> int:
    """The space between two pieces, besides the leading that every line has above it."""
    if above is None or (isinstance(below, Text) and below.joined):
        return 0
    if isinstance(below, Rule) or isinstance(above, Rule):
        return SPACE_3
    if isinstance(above, Text) and above.heading:
        return SPACE_1
    if isinstance(below, Text):
        if below.heading:
            return SPACE_6 if below.heading <= 2 else SPACE_4
        if below.tight and (below.place.indent > 1 or _in_tight_list(above)):
            return 2
    return SPACE_2 if isinstance(above, Text) else SPACE_3


def _in_tight_list(above: Piece) -> bool:
    return isinstance(above, Text) and above.tight and above.place.indent > 0


class Styles:
    """What the widgets of a message need to know of the theme; another theme makes another one."""

    def __init__(self, theme: ThemeKeeper, *, quiet: bool = False) -> None:
        """`quiet`: for what is read in passing (reasoning), muted and a little smaller."""
        self.theme = theme
        self.tokens = theme.tokens
        self.ink = QColor(self.tokens.muted if quiet else self.tokens.text)
        self.reading = theme.reading_font()
        self.mono = theme.mono_font()
        if quiet:
            self.reading.setPointSizeF(self.reading.pointSizeF() * 0.94)
            self.mono.setPointSizeF(self.mono.pointSizeF() * 0.94)
        self._formats: dict[tuple[Run, int], QTextCharFormat] = {}

    # ----------------------------------------------------------------------------- characters

    def char_format(self, run: Run, heading: int = 0) -> QTextCharFormat:
        """How a run looks; `run.text` does not matter."""
        key = (Run("", run.bold, run.italic, run.struck, run.code, run.link), heading)
        if key not in self._formats:
            self._formats[key] = self._make_format(run, heading)
        return self._formats[key]

    def _make_format(self, run: Run, heading: int) -> QTextCharFormat:
        font = QFont(self.mono if run.code else self.reading)
        size = self.mono.pointSizeF() * 0.96 if run.code else self.reading.pointSizeF()
        font.setPointSizeF(size * _HEADING_SCALE[heading])
        if heading or run.bold:
            font.setWeight(QFont.Weight.DemiBold)
        font.setItalic(run.italic)
        font.setStrikeOut(run.struck)
        made = QTextCharFormat()
        made.setFont(font)
        made.setForeground(QBrush(self.ink))
        if run.link:
            made.setAnchor(True)
            made.setAnchorHref(run.link)
            made.setForeground(QBrush(QColor(self.tokens.accent)))
            made.setFontUnderline(True)
        return made

    def spaced(self, look: QTextCharFormat, pixels: float) -> QTextCharFormat:
        """The format with more room behind each character."""
        made = QTextCharFormat(look)
        made.setFontLetterSpacingType(QFont.SpacingType.AbsoluteSpacing)
        made.setFontLetterSpacing(pixels)
        return made

    # ---------------------------------------------------------------------------------- blocks

    @property
    def leading(self) -> int:
        """What a line of text has above it, and a whole text gets below it for symmetry."""
        spacing = QFontMetricsF(self.reading).lineSpacing()
        return round(spacing * LINE_SPREAD) - round(spacing)

    def block_format(self, piece: Text | Rule, gap: int) -> QTextBlockFormat:
        """The place and the line height of a paragraph."""
        made = QTextBlockFormat()
        made.setTopMargin(gap)
        made.setLeftMargin(left_of(piece.place))
        if isinstance(piece, Rule):
            fixed = QTextBlockFormat.LineHeightTypes.FixedHeight
            made.setLineHeight(1, fixed.value)
            return made
        scale = _HEADING_SCALE[piece.heading]
        font = QFont(self.reading)
        font.setPointSizeF(font.pointSizeF() * scale)
        spread = LINE_SPREAD if scale == 1.0 else HEADING_SPREAD
        minimum = QTextBlockFormat.LineHeightTypes.MinimumHeight
        made.setLineHeight(round(QFontMetricsF(font).lineSpacing() * spread), minimum.value)
        return made
