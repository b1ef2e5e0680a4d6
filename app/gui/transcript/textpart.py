"""What all selectable text of a message has in common, whether rich text or code.

Such a part never scrolls up or down, has no menu and no keys of its own but those for links: they
belong to the transcript. A drag that leaves a part is told to the message, which goes on selecting
in the parts above or below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence, QPalette, QTextCursor

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QTextDocument, QWheelEvent
    from PySide6.QtWidgets import QAbstractScrollArea

    from app.gui.transcript.styles import Styles

    class _Text(QAbstractScrollArea):
        """For the type checker: what both bases of a part can do."""

        def textCursor(self) -> QTextCursor: ...
        def setTextCursor(self, cursor: QTextCursor, /) -> None: ...
        def cursorForPosition(self, pos: QPoint, /) -> QTextCursor: ...
        def document(self) -> QTextDocument: ...
        def selectAll(self) -> None: ...

else:
    _Text = object

_LINK_KEYS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class TextPart(_Text):
    """Put it before QTextBrowser or QPlainTextEdit, and give the class these signals."""

    copy_wished: Any
    """Signal(): what is selected, here and in other parts, is to be copied."""
    pressed: Any
    """Signal(): a selection may begin here."""
    dragged: Any
    """Signal(QPoint): the pointer selects, and is at this place on the screen."""

    def set_colours(self, styles: Styles) -> None:
        """Text on no ground; a selection keeps its colour when the focus goes elsewhere."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Text, styles.ink)
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
            highlight = QColor(styles.tokens.text_selection)
            palette.setColor(group, QPalette.ColorRole.Highlight, highlight)
            palette.setColor(group, QPalette.ColorRole.HighlightedText, QColor(styles.tokens.text))
        self.setPalette(palette)
        self.viewport().setAutoFillBackground(False)

    # ------------------------------------------------------------------------------- selection

    def has_selection(self) -> bool:
        """Whether any of its text is selected."""
        return self.textCursor().hasSelection()

    def selected_text(self) -> str:
        """The selected text with ordinary line ends."""
        return self.textCursor().selection().toPlainText()

    def clear_selection(self) -> None:
        """Select nothing."""
        cursor = self.textCursor()
        if cursor.hasSelection():
            cursor.clearSelection()
            self.setTextCursor(cursor)

    def select(self, start: int, end: int) -> None:
        """Select from one position to another; the first stays where a drag goes on."""
        cursor = self.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)

    def last_position(self) -> int:
        """The position behind the last character."""
        return max(0, self.document().characterCount() - 1)

    def copy(self) -> None:
        """Copy what is selected in the whole transcript: a drag may have gone over many parts."""
        self.copy_wished.emit()

    # ---------------------------------------------------------------------------------- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(event.globalPosition().toPoint())

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta, bar = event.angleDelta(), self.horizontalScrollBar()
        if abs(delta.x()) > abs(delta.y()) and bar.maximum() > 0:
            bar.setValue(bar.value() - delta.x() // 2)
            event.accept()
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self.selectAll()
        elif event.key() in _LINK_KEYS:
            super().keyPressEvent(event)
        else:
            event.ignore()
