"""The base of all text in a message: as tall as its text, never scrolling, never loading."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QPoint, Qt, QUrl, Signal
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit

from app.gui.theme.tokens import READING_WIDTH
from app.gui.transcript.styles import GUTTER
from app.gui.transcript.textpart import TextPart

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.gui.transcript.styles import Styles

_FLAGS = (
    Qt.TextInteractionFlag.TextSelectableByMouse
    | Qt.TextInteractionFlag.LinksAccessibleByMouse
    | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
)


class Page(TextPart, QTextBrowser):
    """Text to read, select and copy. What scrolls belongs to the view around it."""

    link_activated = Signal(str)
    copy_wished = Signal()
    pressed = Signal()
    dragged = Signal(QPoint)

    def __init__(self, styles: Styles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.styles = styles
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(_FLAGS)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        # Most text is laid out at this width in the end: not twice, then.
        self.setLineWrapColumnOrWidth(READING_WIDTH + GUTTER)
        self.document().setDocumentMargin(0)
        self.set_colours(styles)
        self.anchorClicked.connect(self._on_link)

    def _on_link(self, target: QUrl) -> None:
        self.link_activated.emit(target.toString())

    def text_height(self, width: int) -> int:
        """The height of the whole text at a width, in logical pixels."""
        if self.lineWrapColumnOrWidth() != width:
            self.setLineWrapColumnOrWidth(width)
        return math.ceil(self.document().size().height())

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Nothing is ever loaded: a picture could tell a stranger that a message was read."""
        return QByteArray()
