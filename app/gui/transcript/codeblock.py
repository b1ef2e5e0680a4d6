"""A code block: its language, a button that copies it, and the code at its full height."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from weakref import WeakMethod

import shiboken6
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QGuiApplication,
    QPainter,
    QPainterPath,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QToolButton, QWidget

from app.gui.theme.tokens import RADIUS, SPACE_1, SPACE_2, SPACE_3
from app.gui.transcript import clean
from app.gui.transcript.highlight import (
    LONGEST_CODE,
    SLICE,
    Colouring,
    HighlightQueue,
    Span,
    code_colours,
)
from app.gui.transcript.textpart import TextPart

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from app.gui.transcript.markdown import Code
    from app.gui.transcript.styles import Styles

HEADER_HEIGHT = 34
SMALL = 3_000
"""Characters of code that are coloured in a few milliseconds."""
COPIED_FOR = 1600
"""Milliseconds for which the button says that it has copied."""


class CodeText(TextPart, QPlainTextEdit):
    """The code itself: append-only, selectable, as tall as it is long."""

    copy_wished = Signal()
    pressed = Signal()
    dragged = Signal(QPoint)

    def __init__(self, styles: Styles, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "bare")
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setAccessibleName("Code")
        self.setFont(styles.mono)
        self.setTabStopDistance(4 * QFontMetrics(styles.mono).horizontalAdvance(" "))
        self.document().setDocumentMargin(SPACE_3)
        self.set_colours(styles)
        self._measured = 0
        """Lines whose height cannot change any more, and their height together."""
        self._measured_height = 0.0

    def append_text(self, text: str) -> None:
        """Add to the end, without the bookkeeping of an editor."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)

    def replace_all(self, text: str) -> None:
        """Show another text."""
        self._measured, self._measured_height = 0, 0.0
        self.setPlainText(text)

    def text_height(self, width: int) -> int:
        """The height of all lines; not the font's line spacing, since fallback fonts are taller."""
        block = self.document().findBlockByNumber(self._measured)
        last = self.document().lastBlock().blockNumber()
        while self._measured < last:
            self._measured_height += self.blockBoundingRect(block).height()
            self._measured += 1
            block = block.next()
        height = self._measured_height + self.blockBoundingRect(block).height()
        height += self.contentOffset().y()
        if self.document().documentLayout().documentSize().width() > width:
            height += self.horizontalScrollBar().sizeHint().height()
        return math.ceil(height) + 1

    def natural_width(self) -> float:
        """The width of its longest line, with margins."""
        self.text_height(0)
        return self.document().documentLayout().documentSize().width()

    def colour(
        self, first: int, lines: list[list[Span]], formats: dict[str, QTextCharFormat]
    ) -> None:
        """Colour lines from the line `first` on."""
        start = end = block = self.document().findBlockByNumber(first)
        for spans in lines:
            if not block.isValid():
                break
            block.layout().setFormats([_range(span, formats) for span in spans])
            end = block
            block = block.next()
        if lines and start.isValid():
            length = end.position() + end.length() - start.position()
            self.document().markContentsDirty(start.position(), length)


def _range(span: Span, formats: dict[str, QTextCharFormat]) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = span[0], span[1], formats[span[2]]
    return made


class CodeBlock(QWidget):
    """One code block of a message."""

    def __init__(self, styles: Styles, queue: HighlightQueue, parent: QWidget) -> None:
        super().__init__(parent)
        self.styles = styles
        self._queue = queue
        self._content = ""
        self._language = ""
        self._coloured_lines = 0
        self._complete = False
        self._colouring: Colouring | None = None
        self._label_font = styles.theme.reading_font()
        self._label_font.setPointSizeF(self._label_font.pointSizeF() * 0.86)
        self._formats = self._make_formats()
        self.setAccessibleName("Code block")
        self.text = CodeText(styles, self)
        self.copy_button = self._make_button()
        self._restore = QTimer(self)
        self._restore.setSingleShot(True)
        self._restore.timeout.connect(self._show_copy)
        self._show_copy()

    def _make_formats(self) -> dict[str, QTextCharFormat]:
        colours = code_colours(self.styles.tokens)
        formats: dict[str, QTextCharFormat] = {}
        for name in colours.__dataclass_fields__:
            formats[name] = QTextCharFormat()
            formats[name].setForeground(QColor(getattr(colours, name)))
        return formats

    def _make_button(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("Copy code")
        button.setAccessibleName("Copy code")
        button.setToolTip("Copy this code")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(14, 14))
        button.setAutoRaise(True)
        button.setFont(self._label_font)
        button.setCursor(Qt.CursorShape.ArrowCursor)
        button.clicked.connect(self.copy)
        return button

    # -------------------------------------------------------------------------------- content

    @property
    def code(self) -> str:
        """What Copy puts on the clipboard."""
        return self._content.removesuffix("\n")

    def put(self, piece: Code) -> None:
        """Show this code; only what is new is laid out."""
        old, self._content = self._content, piece.content
        if piece.language != self._language:
            self._language = piece.language
            self.setAccessibleName(f"Code block, {piece.language}")
        if self._content == old:
            return
        self._complete, self._colouring = False, None
        if self._content.startswith(old):
            shown = len(old.removesuffix("\n"))
            self.text.append_text(clean.code(self.code[shown:]))
        else:
            self._coloured_lines = 0
            self.text.replace_all(clean.code(self.code))
        self._queue.ask(WeakMethod(self._colour_new_lines))

    def complete(self) -> None:
        """Nothing more comes: colour the code as a whole."""
        if not self._complete:
            self._complete = True
            small = len(self._content) <= SMALL
            self._queue.ask(WeakMethod(self._colour_whole), small=small)

    def fit(self, width: int) -> int:
        """The height at this width."""
        return HEADER_HEIGHT + self.text.text_height(width - 2) + 1

    def ideal_width(self) -> float:
        """The width at which nothing has to scroll."""
        return max(220.0, self.text.natural_width() + 2)

    # -------------------------------------------------------------------------------- colours

    def _colour_whole(self) -> bool:
        if not shiboken6.isValid(self) or not self._complete:
            return False
        if self._colouring is None:
            self._colouring = Colouring(clean.code(self.code), self._language)
            self._coloured_lines = 0
        lines = self._colouring.advance(SLICE)
        self.text.colour(self._coloured_lines, lines, self._formats)
        self._coloured_lines += len(lines)
        return not self._colouring.is_done

    def _colour_new_lines(self) -> bool:
        """Colour the lines that have come since; a string over several lines may look wrong."""
        if not shiboken6.isValid(self) or self._complete or len(self._content) > LONGEST_CODE:
            return False
        lines = self._content.split("\n")[self._coloured_lines : -1]
        if lines:
            colouring = Colouring(clean.code("\n".join(lines)), self._language)
            self.text.colour(self._coloured_lines, colouring.advance(), self._formats)
            self._coloured_lines += len(lines)
        return False

    # ----------------------------------------------------------------------------------- copy

    def copy(self) -> None:
        """Put the code on the clipboard and say so for a moment."""
        QGuiApplication.clipboard().setText(self.code)
        self.copy_button.setText(" Copied")
        self.copy_button.setIcon(self.styles.theme.icon("check"))
        self.copy_button.setAccessibleDescription("Copied")
        self._place_button()
        self._restore.start(COPIED_FOR)

    def _show_copy(self) -> None:
        self.copy_button.setText(" Copy")
        self.copy_button.setIcon(self.styles.theme.icon("copy"))
        self.copy_button.setAccessibleDescription("Copies this code to the clipboard")
        self._place_button()

    # --------------------------------------------------------------------------------- layout

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.text.setGeometry(1, HEADER_HEIGHT, self.width() - 2, self.height() - HEADER_HEIGHT - 1)
        self._place_button()

    def _place_button(self) -> None:
        size = self.copy_button.sizeHint()
        height = min(size.height(), HEADER_HEIGHT - 6)
        left = self.width() - size.width() - SPACE_1
        self.copy_button.setGeometry(left, (HEADER_HEIGHT - height) // 2, size.width(), height)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self.styles.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        path = QPainterPath()
        path.addRoundedRect(outline, RADIUS, RADIUS)
        painter.fillPath(path, QColor(tokens.code_ground))
        painter.save()
        painter.setClipRect(QRectF(0, 0, self.width(), HEADER_HEIGHT))
        painter.fillPath(path, QColor(tokens.code_header))
        painter.restore()
        painter.setPen(QColor(tokens.line))
        painter.drawPath(path)
        painter.setPen(QColor(tokens.muted))
        painter.setFont(self._label_font)
        room = self.copy_button.x() - SPACE_3 - SPACE_2
        label = painter.fontMetrics().elidedText(
            clean.prose(self._language) or "text", Qt.TextElideMode.ElideRight, room
        )
        middle = (HEADER_HEIGHT + painter.fontMetrics().capHeight()) / 2
        painter.drawText(QPointF(SPACE_3, middle), label)
