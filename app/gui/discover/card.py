"""The card of a repository, drawn by the transcript's renderer: no HTML, nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from app.gui.controls import named
from app.gui.transcript.body import Body
from app.gui.transcript.highlight import HighlightQueue
from app.gui.transcript.styles import GUTTER, Styles

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from app.gui.theme.keeper import ThemeKeeper
    from app.gui.theme.tokens import Tokens

_PORTION = 1_500
"""Characters that are laid out at once: some milliseconds."""


class CardView(QWidget):
    """As high as its text; what is around it scrolls."""

    link_activated = Signal(str)

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Card")
        self._theme = theme
        self._queue = HighlightQueue(self)
        self._queue.open()
        self._text = ""
        self._fed = 0
        self._body: Body | None = None
        self._height = 0
        self._more = QTimer(self)
        self._more.setInterval(0)
        self._more.timeout.connect(self._feed)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        theme.changed.connect(self._on_theme)

    @property
    def text(self) -> str:
        """The Markdown that is shown."""
        return self._text

    def show_text(self, text: str) -> None:
        """This and nothing else; long ones are drawn little by little."""
        self._clear()
        self._text, self._fed = text, 0
        if not text:
            self._fit()
            return
        self._body = Body(Styles(self._theme), self._queue, self, gutter=GUTTER)
        self._body.link_activated.connect(self.link_activated)
        self._body.copy_wished.connect(self._copy)
        self._body.pressed.connect(self._body.clear_selection)
        self._body.show()
        self._feed()

    def selected_text(self) -> str:
        """What is selected of it."""
        return self._body.selected_text() if self._body else ""

    def sizeHint(self) -> QSize:
        return QSize(200, self._height)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _feed(self) -> None:
        """The next portion; whole lines, so that nothing is drawn twice."""
        assert self._body is not None
        end = self._text.find("\n", self._fed + _PORTION)
        if end < 0:
            self._body.finish(self._text[self._fed :])
            self._fed = len(self._text)
            self._more.stop()
        else:
            self._body.feed(self._text[self._fed : end + 1])
            self._fed = end + 1
            self._more.start()
        self._fit()

    def _fit(self) -> None:
        self._height = 0
        if self._body is not None:
            width = max(120, self.width())
            self._height = self._body.fit(width)
            # The text stands below the headings above it; its gutter is for long list numbers.
            self._body.setGeometry(-GUTTER, 0, width + GUTTER, self._height)
        self.updateGeometry()

    def _clear(self) -> None:
        self._more.stop()
        if self._body is not None:
            self._body.hide()
            self._body.deleteLater()
            self._body = None

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.selected_text())

    def _on_theme(self, _tokens: Tokens) -> None:
        self.show_text(self._text)
