"""How the rows of the sidebar are painted."""

from __future__ import annotations

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextLine,
    QTextOption,
)
from PySide6.QtWidgets import (
    QLineEdit,
    QStyleOptionViewItem,
    QWidget,
)

from app.domain.conversation import HIT_END, HIT_START, SearchHit
from app.gui.controls import named
from app.gui.row_delegate import RowDelegate, small_font
from app.gui.sidebar.rows import ANSWERING_ROLE, HIT_ROLE, WHEN_ROLE, who
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3

_SNIPPET_LINES = 2

Index = QModelIndex | QPersistentModelIndex


class ConversationDelegate(RowDelegate):
    """Title on the left, time (or a dot while it is answering) on the right; edits the title."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        metrics: QFontMetrics = option.fontMetrics
        return QSize(80, metrics.height() + SPACE_3 + SPACE_1 + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        inner = self.paint_ground(painter, option)
        tokens = self._theme.tokens
        font: QFont = option.font
        right = inner.right()
        if index.data(ANSWERING_ROLE):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawEllipse(QPointF(right - 4, inner.center().y() + 0.5), 4, 4)
            right -= 16
        else:
            when = str(index.data(WHEN_ROLE))
            small = small_font(font)
            width = QFontMetrics(small).horizontalAdvance(when)
            painter.setFont(small)
            painter.setPen(QColor(tokens.muted))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(inner, int(flags), when)
            right -= width + SPACE_2
        title_box = QRect(inner.left(), inner.top(), right - inner.left(), inner.height())
        painter.setFont(font)
        painter.setPen(QColor(tokens.text))
        title = QFontMetrics(font).elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, title_box.width()
        )
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(title_box, int(left), title)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = named(QLineEdit(parent), "Rename conversation")
        editor.setMaxLength(200)
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        rect: QRect = option.rect
        editor.setGeometry(rect.adjusted(SPACE_2, 1, -SPACE_2, -1))


class HitDelegate(RowDelegate):
    """Title and time, and below them two lines of the text with the hits marked."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        font: QFont = option.font
        small = QFontMetrics(small_font(font)).lineSpacing()
        return QSize(80, QFontMetrics(font).height() + _SNIPPET_LINES * small + SPACE_3 + SPACE_2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        inner = self.paint_ground(painter, option).adjusted(0, SPACE_2, 0, -SPACE_1)
        font: QFont = option.font
        bold, small = QFont(font), small_font(font)
        bold.setWeight(QFont.Weight.DemiBold)
        tokens = self._theme.tokens
        when = str(index.data(WHEN_ROLE))
        painter.setFont(small)
        painter.setPen(QColor(tokens.muted))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        painter.drawText(inner, int(flags), when)
        room = inner.width() - QFontMetrics(small).horizontalAdvance(when) - SPACE_2
        painter.setFont(bold)
        painter.setPen(QColor(tokens.text))
        metrics = QFontMetrics(bold)
        title = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room)
        painter.drawText(inner.left(), inner.top() + metrics.ascent(), title)
        hit: SearchHit = index.data(HIT_ROLE)
        painter.setPen(QColor(tokens.muted))
        top = inner.top() + metrics.height() + 2
        self._paint_snippet(painter, small, hit, QPointF(inner.left(), top), inner.width())
        painter.restore()

    def _paint_snippet(
        self, painter: QPainter, font: QFont, hit: SearchHit, at: QPointF, width: int
    ) -> None:
        marked = QTextCharFormat()
        marked.setBackground(QColor(self._theme.tokens.hit))
        marked.setForeground(QColor(self._theme.tokens.text))
        text, ranges = split_marks(who(hit) + hit.snippet)
        layout = QTextLayout(text, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        formats: list[QTextLayout.FormatRange] = []
        for start, length in ranges:
            piece = QTextLayout.FormatRange()
            piece.start, piece.length, piece.format = start, length, marked
            formats.append(piece)
        layout.setFormats(formats)
        layout.beginLayout()
        height = 0.0
        for _ in range(_SNIPPET_LINES):
            line: QTextLine = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            line.setPosition(QPointF(0, height))
            height += line.height()
        layout.endLayout()
        layout.draw(painter, at)


def split_marks(snippet: str) -> tuple[str, list[tuple[int, int]]]:
    """A snippet without its marks, on one line, and the (start, length) of each hit in it."""
    text: list[str] = []
    ranges: list[tuple[int, int]] = []
    start = None
    for character in " ".join(snippet.split()):
        if character == HIT_START:
            start = len(text)
        elif character == HIT_END:
            if start is not None:
                ranges.append((start, len(text) - start))
            start = None
        else:
            text.append(character)
    return "".join(text), ranges
