"""Files dropped on the window, or on a part of it that wants more than one model file."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import RADIUS, SPACE_3, SPACE_4


def model_files_in(data: QMimeData) -> list[str]:
    """The paths of the GGUF files among what is dragged."""
    return [path for path in local_paths_in(data) if path.lower().endswith(".gguf")]


def local_paths_in(data: QMimeData) -> list[str]:
    """The paths of all files and folders among what is dragged."""
    return [url.toLocalFile().rstrip("/") for url in data.urls() if url.isLocalFile()]


class DropHint(QWidget):
    """Covers the window (or a part of it) while files are dragged over it."""

    def __init__(
        self, theme: ThemeKeeper, window: QWidget, words: str = "Drop to open this model"
    ) -> None:
        super().__init__(window)
        self.setObjectName("Drop hint")
        self._words = words
        self._theme = theme
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def cover(self) -> None:
        """Show it over the whole window."""
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(tokens.paper)
        ground.setAlpha(242)
        painter.fillRect(self.rect(), ground)
        painter.setPen(QPen(QColor(tokens.accent), 2, Qt.PenStyle.DashLine))
        box = QRectF(self.rect().adjusted(SPACE_4, SPACE_4, -SPACE_4, -SPACE_4))
        painter.drawRoundedRect(box, RADIUS + SPACE_3, RADIUS + SPACE_3)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.3)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text))
        centre = Qt.AlignmentFlag.AlignCenter
        painter.drawText(box, int(centre), self._words)
