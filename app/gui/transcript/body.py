"""The text of a message: segments of rich text, code blocks and tables, one above the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from app.gui.theme.tokens import READING_WIDTH
from app.gui.transcript.codeblock import CodeBlock, CodeText
from app.gui.transcript.markdown import (
    Code,
    Piece,
    Place,
    References,
    Rule,
    Table,
    Text,
    plain_pieces,
)
from app.gui.transcript.page import Page
from app.gui.transcript.reader import Change, MarkdownReader
from app.gui.transcript.richtext import RichText
from app.gui.transcript.styles import gap_between, left_of, quote_bars
from app.gui.transcript.table import TablePage

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QPaintEvent

    from app.gui.transcript.highlight import HighlightQueue
    from app.gui.transcript.styles import Styles

LONGEST_SHOWN = 200_000
"""Characters of one message that are laid out; Copy takes all of it."""
MOST_PIECES = 3_000
"""Paragraphs, list items, blocks of one message that are laid out."""
_CUT_NOTE = "*The rest of this message is too long to be shown here. Copy takes all of it.*"
_BAR_WIDTH = 3

Content: TypeAlias = RichText | CodeBlock | TablePage
Selectable: TypeAlias = Page | CodeText


@dataclass(slots=True)
class _Segment:
    widget: Content
    first: int
    """The number of its first piece."""
    count: int
    place: Place
    gap: int
    """Space above it."""
    top: int = 0
    height: int = 0


class Body(QWidget):
    """Shows one text, grown or whole. The owner calls `fit` after each change."""

    copy_wished = Signal()
    link_activated = Signal(str)
    pressed = Signal()
    """A selection may begin here."""

    def __init__(
        self, styles: Styles, queue: HighlightQueue, parent: QWidget | None = None, *, gutter: int
    ) -> None:
        """`gutter`: how far list numbers may reach out to the left of the column."""
        super().__init__(parent)
        # What is there already is not painted again when more comes below.
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self.styles = styles
        self.gutter = gutter
        self._queue = queue
        self._reader = MarkdownReader()
        self._pieces: list[Piece] = []
        self._segments: list[_Segment] = []
        self._width = READING_WIDTH
        self._taken = 0
        """Characters of the text so far."""
        self._is_cut = False

    # -------------------------------------------------------------------------------- content

    def feed(self, text: str) -> None:
        """Show more Markdown."""
        shown = self._within_bounds(text)
        if shown:
            self._apply(self._reader.feed(shown), complete=False)

    def finish(self, text: str = "") -> None:
        """Show the last Markdown."""
        self._apply(self._reader.finish(self._within_bounds(text)), complete=True)
        if self._is_cut:
            self._append([Text(_CUT_NOTE)], {})

    def set_plain(self, text: str) -> None:
        """Show a text as it was typed."""
        pieces = plain_pieces(self._within_bounds(text))
        self._apply(Change(0, pieces, {}), complete=True)
        if self._is_cut:
            self._append([Text(_CUT_NOTE)], {})

    def _within_bounds(self, text: str) -> str:
        """What of the text is still shown."""
        room = LONGEST_SHOWN - self._taken if len(self._pieces) < MOST_PIECES else 0
        self._taken += len(text)
        if len(text) <= room:
            return text
        self._is_cut = True
        return text[:room]

    @property
    def pieces(self) -> Sequence[Piece]:
        """What is shown."""
        return self._pieces

    @property
    def segments(self) -> list[Content]:
        """The widgets of the text, from top to bottom."""
        return [segment.widget for segment in self._segments]

    @property
    def selectable(self) -> list[Selectable]:
        """What of them holds text that can be selected, from top to bottom."""
        return [
            widget.text if isinstance(widget, CodeBlock) else widget for widget in self.segments
        ]

    def _apply(self, change: Change, *, complete: bool) -> None:
        new, same = change.pieces[: max(0, MOST_PIECES - change.start)], 0
        self._is_cut |= len(new) < len(change.pieces)
        if not change.refresh:
            shown = self._pieces[change.start :]
            while same < min(len(new), len(shown)) and new[same] == shown[same]:
                same += 1
        keep = min(change.start, len(self._pieces)) + same
        grows = same < len(new) and not change.refresh
        if grows and self._grow_last(keep, new[same], change.references):
            keep, same = keep + 1, same + 1
        if keep < len(self._pieces):
            self._take_back(keep)
        self._append(new[same:], change.references)
        self._colour(len(self._pieces) if complete else len(self._pieces) - 1)

    def _grow_last(self, index: int, piece: Piece, references: References) -> bool:
        """Put `piece` in the place of one of the same kind without making a new widget."""
        segment = self._segment_at(index)
        if segment is None or segment.place != piece.place:
            return False
        widget = segment.widget
        if isinstance(widget, CodeBlock) and isinstance(piece, Code):
            self._take_back(index + 1)
            widget.put(piece)
        elif isinstance(widget, TablePage) and isinstance(piece, Table):
            self._take_back(index + 1)
            widget.put(piece, references, self._width)
        else:
            return False
        self._pieces[index] = piece
        return True

    def _segment_at(self, index: int) -> _Segment | None:
        for segment in reversed(self._segments):
            if segment.first <= index < segment.first + segment.count:
                return segment
        return None

    def _take_back(self, keep: int) -> None:
        """Show only the first `keep` pieces."""
        while self._segments and self._segments[-1].first >= keep:
            widget = self._segments.pop().widget
            widget.hide()
            widget.deleteLater()
        del self._pieces[keep:]
        if self._segments:
            last = self._segments[-1]
            surplus = last.first + last.count - keep
            if surplus > 0 and isinstance(last.widget, RichText):
                # The text stays until `_append`, which replaces it in one step.
                last.count -= surplus

    def _append(self, pieces: Sequence[Piece], references: References) -> None:
        texts: list[Text | Rule] = []
        for piece in pieces:
            if isinstance(piece, Text | Rule):
                texts.append(piece)
                continue
            self._append_texts(texts, references)
            texts = []
            self._append_block(piece, references)
        self._append_texts(texts, references)
        self._settle(references)

    def _append_texts(self, texts: list[Text | Rule], references: References) -> None:
        if not texts:
            return
        above = self._pieces[-1] if self._pieces else None
        last = self._segments[-1] if self._segments else None
        if last is None or not isinstance(last.widget, RichText):
            widget = RichText(self.styles, self, gutter=self.gutter)
            last = self._add(widget, Place(), gap_between(above, texts[0]))
            last.count = 0
        assert isinstance(last.widget, RichText)
        spaced: list[tuple[Text | Rule, int]] = []
        for piece in texts:
            first = last.count == 0 and not spaced
            spaced.append((piece, 0 if first else gap_between(above, piece)))
            above = piece
        last.widget.put(last.count, spaced, references)
        last.count += len(texts)
        self._pieces.extend(texts)

    def _append_block(self, piece: Code | Table, references: References) -> None:
        above = self._pieces[-1] if self._pieces else None
        if isinstance(piece, Code):
            widget = CodeBlock(self.styles, self._queue, self)
            widget.put(piece)
        else:
            widget = TablePage(self.styles, self)
            widget.put(piece, references, self._width)
        self._add(widget, piece.place, gap_between(above, piece))
        self._pieces.append(piece)

    def _add(self, widget: Content, place: Place, gap: int) -> _Segment:
        if isinstance(widget, Page):
            widget.link_activated.connect(self.link_activated)
        part = widget.text if isinstance(widget, CodeBlock) else widget
        part.copy_wished.connect(self.copy_wished)
        part.pressed.connect(self.pressed)
        part.dragged.connect(partial(self._extend_selection, part))
        segment = _Segment(widget, len(self._pieces), 1, place, gap)
        self._segments.append(segment)
        widget.show()
        return segment

    def _settle(self, references: References) -> None:
        """Text that was only marked as taken back goes now, if nothing came in its place."""
        for segment in self._segments:
            widget = segment.widget
            if isinstance(widget, RichText) and len(widget.pieces) > segment.count:
                widget.put(segment.count, [], references)

    def _colour(self, count: int) -> None:
        """Code blocks among the first `count` pieces are complete."""
        for segment in self._segments:
            if isinstance(segment.widget, CodeBlock) and segment.first < count:
                segment.widget.complete()

    # ------------------------------------------------------------------------------- selection

    def _extend_selection(self, origin: Selectable, pointer: QPoint) -> None:
        """A drag that began in one part goes on in the parts between it and the pointer."""
        parts = self.selectable
        began = parts.index(origin)
        reached = began
        y = self.mapFromGlobal(pointer).y()
        for number, segment in enumerate(self._segments):
            if segment.top - segment.gap <= y:
                reached = number
        reached = max(reached, 0)
        for number, part in enumerate(parts):
            if number < min(began, reached) or number > max(began, reached):
                part.clear_selection()
            elif number != began or began != reached:
                self._select_in(part, number, (began, reached), pointer)

    def _select_in(
        self, part: Selectable, number: int, drag: tuple[int, int], pointer: QPoint
    ) -> None:
        began, reached = drag
        downwards = reached > began
        near, far = (0, part.last_position()) if downwards else (part.last_position(), 0)
        if number == began:
            part.select(part.textCursor().anchor(), far)
        elif number == reached:
            place = part.viewport().mapFromGlobal(pointer)
            part.select(near, part.cursorForPosition(place).position())
        else:
            part.select(near, far)

    def selected_text(self) -> str:
        """What is selected of the parts, from top to bottom."""
        return "\n\n".join(part.selected_text() for part in self.selectable if part.has_selection())

    def clear_selection(self) -> None:
        """Select nothing."""
        for part in self.selectable:
            part.clear_selection()

    # --------------------------------------------------------------------------------- layout

    def fit(self, width: int) -> int:
        """Place the segments in a column of this width; the height they take."""
        self._width = width
        top = 0
        for segment in self._segments:
            top += segment.gap
            segment.top = top
            segment.height = self._fit_segment(segment, top, width)
            top += segment.height
        if any(segment.place.quotes for segment in self._segments):
            self.update()
        return top

    def _fit_segment(self, segment: _Segment, top: int, width: int) -> int:
        widget = segment.widget
        left = left_of(segment.place)
        if isinstance(widget, RichText):
            height = widget.text_height(width + self.gutter)
            widget.setGeometry(0, top, width + self.gutter, height)
        else:
            height = widget.fit(max(120, width - left))
            widget.setGeometry(self.gutter + left, top, max(120, width - left), height)
        return height

    def ideal_width(self) -> int:
        """The width of the column at which no line of text has to break."""
        widest = 0.0
        for widget in self.segments:
            if isinstance(widget, RichText):
                widest = max(widest, widget.ideal_width() - self.gutter)
            elif isinstance(widget, CodeBlock):
                widest = max(widest, widget.ideal_width())
        return math.ceil(widest)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bars of quotes beside code and tables; beside text the text paints them."""
        painter = QPainter(self)
        for segment in self._segments:
            if not isinstance(segment.widget, RichText):
                for x in quote_bars(segment.place):
                    top, height = segment.top - segment.gap, segment.height + 2 * segment.gap
                    bar = QColor(self.styles.tokens.pressed)
                    painter.fillRect(self.gutter + x, top, _BAR_WIDTH, height, bar)
