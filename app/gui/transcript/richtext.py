"""A run of paragraphs, headings, list items, quotes and rules in one text document.

Every piece is exactly one text block, so that a streaming answer can take back its last pieces and
put others there. What a document cannot draw well (the ground of inline code, the bars of quotes,
rules) is painted beneath the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPen,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)

from app.gui.theme.tokens import RADIUS_SMALL
from app.gui.transcript import clean
from app.gui.transcript.markdown import (
    BULLET,
    DONE_TASK,
    OPEN_TASK,
    References,
    Rule,
    Run,
    Text,
    inline_runs,
)
from app.gui.transcript.page import Page
from app.gui.transcript.styles import GUTTER, MARKER_GAP, left_of, quote_bars

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QTextLine
    from PySide6.QtWidgets import QWidget

    from app.gui.transcript.styles import Styles

_BAR_WIDTH = 3
_CHIP_REACH = 3.5
"""How far the ground of inline code reaches out to its sides, in logical pixels."""


class RichText(Page):
    """Text pieces that follow each other."""

    def __init__(self, styles: Styles, parent: QWidget | None = None, *, gutter: int = GUTTER):
        super().__init__(styles, parent)
        self.setAccessibleName("Text")
        self.gutter = gutter
        """Left of the column; the widget stands so much further left."""
        self._pieces: list[Text | Rule] = []
        self._chips: list[list[tuple[int, int]]] = []
        """For each block where its inline code begins and ends (UTF-16 units)."""
        frame = self.document().rootFrame().frameFormat()
        frame.setLeftMargin(gutter)
        frame.setBottomMargin(styles.leading)
        self.document().rootFrame().setFrameFormat(frame)

    @property
    def pieces(self) -> Sequence[Text | Rule]:
        """What is shown."""
        return self._pieces

    def put(
        self, index: int, pieces: Sequence[tuple[Text | Rule, int]], references: References
    ) -> None:
        """From the piece `index` on show these, each with the gap above it."""
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        self._take_back(cursor, index)
        for piece, gap in pieces:
            self._append(cursor, piece, gap, references)
        cursor.endEditBlock()

    def ideal_width(self) -> float:
        """The width at which no line has to break."""
        return self.document().idealWidth()

    # ------------------------------------------------------------------------------- document

    def _take_back(self, cursor: QTextCursor, count: int) -> None:
        """Keep the first `count` blocks."""
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if count < len(self._pieces):
            block = self.document().findBlockByNumber(count)
            cursor.setPosition(max(0, block.position() - 1))
            kept = QTextCursor(cursor).blockFormat() if count else QTextBlockFormat()
            end = QTextCursor.MoveOperation.End
            cursor.movePosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            # An empty block takes over the format of the one that was joined to it.
            cursor.setBlockFormat(kept)
        del self._pieces[count:]
        del self._chips[count:]

    def _append(
        self, cursor: QTextCursor, piece: Text | Rule, gap: int, references: References
    ) -> None:
        block_format = self.styles.block_format(piece, gap)
        heading = piece.heading if isinstance(piece, Text) else 0
        plain = self.styles.char_format(Run(""), heading)
        if self._pieces:
            cursor.insertBlock(block_format, plain)
        else:
            cursor.setBlockFormat(block_format)
            cursor.setBlockCharFormat(plain)
        chips: list[tuple[int, int]] = []
        runs = (_runs(piece, references) if isinstance(piece, Text) else []) or [Run("")]
        for run, following in zip(runs, [*runs[1:], Run("")], strict=True):
            start = cursor.positionInBlock()
            look = self.styles.char_format(run, heading)
            # The ground of inline code reaches out to both sides: make room for it.
            self._insert(cursor, run.text, look, widen=run.code or following.code)
            if run.code:
                chips.append((start, cursor.positionInBlock()))
            if run.link:
                self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._pieces.append(piece)
        self._chips.append(chips)

    def _insert(
        self, cursor: QTextCursor, text: str, look: QTextCharFormat, *, widen: bool
    ) -> None:
        if not widen or not text[-1:].isascii():
            cursor.insertText(text, look)
            return
        cursor.insertText(text[:-1], look)
        cursor.insertText(text[-1:], self.styles.spaced(look, _CHIP_REACH))

    def selected_text(self) -> str:
        """The selected text, with the markers of list items that are selected from their start."""
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        lines: list[str] = []
        block = self.document().findBlock(start)
        while block.isValid() and block.position() <= end:
            first = max(start - block.position(), 0)
            text = _units(block.text(), first, end - block.position())
            lines.append((self._copied_marker(block.blockNumber()) if not first else "") + text)
            block = block.next()
        return "\n".join(lines).replace(clean.LINE_BREAK, "\n")

    def _copied_marker(self, index: int) -> str:
        piece = self._pieces[index]
        if not isinstance(piece, Text) or not piece.marker:
            return ""
        marker = {BULLET: "-", OPEN_TASK: "- [ ]", DONE_TASK: "- [x]"}.get(
            piece.marker, piece.marker
        )
        return "  " * (piece.place.indent - 1) + marker + " "

    # ------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for index, block in self._blocks_in(event.rect().top(), event.rect().bottom()):
            self._paint_bars(painter, index, block)
            if self._chips[index]:
                self._paint_chips(painter, index, block)
            piece = self._pieces[index]
            if isinstance(piece, Rule):
                self._paint_rule(painter, piece, block)
            elif piece.marker:
                self._paint_marker(painter, piece, block)
        painter.end()
        super().paintEvent(event)

    def _blocks_in(self, top: int, bottom: int) -> Iterator[tuple[int, QTextBlock]]:
        layout = self.document().documentLayout()
        position = layout.hitTest(QPointF(self.gutter, top), Qt.HitTestAccuracy.FuzzyHit)
        block = self.document().findBlock(max(0, position))
        if block.previous().isValid():
            # Bars and chips reach a little over their block.
            block = block.previous()
        while block.isValid() and block.blockNumber() < len(self._pieces):
            yield block.blockNumber(), block
            if layout.blockBoundingRect(block).top() > bottom:
                return
            block = block.next()

    def _paint_bars(self, painter: QPainter, index: int, block: QTextBlock) -> None:
        bars = quote_bars(self._pieces[index].place)
        if not bars:
            return
        layout = self.document().documentLayout()
        rect = layout.blockBoundingRect(block)
        following = self._pieces[index + 1] if index + 1 < len(self._pieces) else None
        shared = 0
        if following is not None:
            shared = len(_common(self._pieces[index].place.quotes, following.place.quotes))
        painter.setBrush(QColor(self.styles.tokens.pressed))
        for level, x in enumerate(bars):
            if level < shared:
                bottom = layout.blockBoundingRect(block.next()).top() + 1
            else:
                bottom = rect.bottom() + self.styles.leading / 2
            painter.drawRect(QRectF(self.gutter + x, rect.top(), _BAR_WIDTH, bottom - rect.top()))

    def _paint_chips(self, painter: QPainter, index: int, block: QTextBlock) -> None:
        layout = block.layout()
        origin = layout.position()
        run = Run("", code=True)
        piece = self._pieces[index]
        heading = piece.heading if isinstance(piece, Text) else 0
        metrics = QFontMetricsF(self.styles.char_format(run, heading).font())
        painter.setBrush(QColor(self.styles.tokens.hover))
        for start, end in self._chips[index]:
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                first = max(start, line.textStart())
                last = min(end, line.textStart() + line.textLength())
                if first >= last:
                    continue
                left, right = _x_of(line, first), _x_of(line, last)
                baseline = origin.y() + line.y() + line.ascent()
                top = baseline - metrics.ascent() - 1.5
                height = metrics.ascent() + metrics.descent() + 3
                rect = QRectF(
                    origin.x() + left - _CHIP_REACH, top, right - left + _CHIP_REACH, height
                )
                painter.drawRoundedRect(rect, RADIUS_SMALL - 1, RADIUS_SMALL - 1)

    def _paint_marker(self, painter: QPainter, piece: Text, block: QTextBlock) -> None:
        layout = block.layout()
        line = layout.lineAt(0)
        right = self.gutter + left_of(piece.place) - MARKER_GAP
        baseline = layout.position().y() + line.y() + line.ascent()
        font = self.styles.char_format(Run(""), piece.heading).font()
        painter.save()
        painter.setPen(QPen(self.styles.ink, 1.2))
        painter.setFont(font)
        if piece.marker == BULLET:
            _draw_bullet(painter, right, baseline, filled=piece.place.indent % 2 == 1)
        elif piece.marker in (OPEN_TASK, DONE_TASK):
            _draw_box(painter, right, baseline, ticked=piece.marker == DONE_TASK)
        else:
            left = right - QFontMetricsF(font).horizontalAdvance(piece.marker) + 2
            painter.drawText(QPointF(max(0.0, left), baseline), piece.marker)
        painter.restore()

    def _paint_rule(self, painter: QPainter, piece: Rule, block: QTextBlock) -> None:
        top = self.document().documentLayout().blockBoundingRect(block).center().y()
        left = self.gutter + left_of(piece.place)
        painter.setBrush(QColor(self.styles.tokens.line))
        painter.drawRect(QRectF(left, round(top), self.viewport().width() - left, 1))


def _draw_bullet(painter: QPainter, right: float, baseline: float, *, filled: bool) -> None:
    height = QFontMetricsF(painter.font()).xHeight()
    radius = height * 0.32
    painter.setBrush(painter.pen().color() if filled else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(right - radius - 1, baseline - height / 2), radius, radius)


def _draw_box(painter: QPainter, right: float, baseline: float, *, ticked: bool) -> None:
    side = round(QFontMetricsF(painter.font()).capHeight()) + 1
    box = QRectF(right - side + 2, baseline - side, side, side)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, 2.5, 2.5)
    if ticked:
        tick = ((0.22, 0.52), (0.42, 0.72), (0.78, 0.28))
        points = [QPointF(box.left() + x * side, box.top() + y * side) for x, y in tick]
        painter.drawPolyline(points)


def _x_of(line: QTextLine, position: int) -> float:
    # The stubs say `object`; it is the place and the position it belongs to.
    return cast("tuple[float, int]", line.cursorToX(position))[0]


def _runs(piece: Text, references: References) -> list[Run]:
    if piece.literal:
        return [Run(clean.prose(piece.content))]
    return inline_runs(piece.content, references)


def _units(text: str, start: int, end: int) -> str:
    """A piece of a text, in Qt's UTF-16 positions."""
    if text.isascii():
        return text[start:end]
    raw = text.encode("utf-16-le", "surrogatepass")
    return raw[2 * start : 2 * end].decode("utf-16-le", "replace")


def _common(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return first[:length]
