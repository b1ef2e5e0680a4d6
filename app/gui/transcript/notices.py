"""What a message row says besides text: waiting, reading the prompt, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QLabel, QWidget

from app.gui.theme.tokens import RADIUS, SPACE_1, SPACE_3, SPACE_4
from app.gui.transcript import clean, words

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from app.gui.transcript.styles import Styles

_BAR_WIDTH = 180
_DOT = 6


def small_font(styles: Styles, *, strong: bool = False) -> QFont:
    """The font of what stands beside the text."""
    font = styles.theme.reading_font()
    font.setPointSizeF(font.pointSizeF() * 0.86)
    if strong:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def plain_label(
    parent: QWidget, font: QFont, colour: str, *, wrap: bool = False, text: str = ""
) -> QLabel:
    """A label for text that is never taken for markup."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    label.setFont(font)
    palette = label.palette()
    palette.setColor(label.foregroundRole(), QColor(colour))
    label.setPalette(palette)
    return label


class Waiting(QWidget):
    """Before the first word: three quiet dots, or how much of the prompt is read.

    Nothing moves by itself, so there is nothing to switch off for those whom motion disturbs.
    """

    def __init__(self, styles: Styles, parent: QWidget) -> None:
        super().__init__(parent)
        self.styles = styles
        self._progress: tuple[int, int] | None = None
        self.setFont(small_font(styles))
        self.setAccessibleName("Waiting for the answer")

    def set_progress(self, progress: tuple[int, int] | None) -> None:
        """Prompt tokens read and all of them; None while that is not known."""
        if progress != self._progress:
            self._progress = progress
            if progress is not None:
                self.setAccessibleName(words.reading_progress(*progress))
            self.update()

    def fit(self, width: int) -> int:
        """The same with and without progress, so that nothing jumps."""
        return self.fontMetrics().height() + 3 * SPACE_1

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self.styles.tokens
        if self._progress is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.muted))
            for number in range(3):
                painter.setOpacity(0.9 - 0.25 * number)
                x = _DOT / 2 + number * (_DOT + SPACE_1 + 1)
                painter.drawEllipse(QPointF(x, self.height() / 2), _DOT / 2, _DOT / 2)
            return
        done, total = self._progress
        painter.setPen(QColor(tokens.muted))
        metrics = painter.fontMetrics()
        painter.drawText(0, metrics.ascent(), words.reading_progress(done, total))
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(0, metrics.height() + SPACE_1 + 1, _BAR_WIDTH, 3)
        painter.setBrush(QColor(tokens.pressed))
        painter.drawRoundedRect(bar, 1.5, 1.5)
        bar.setWidth(_BAR_WIDTH * min(1.0, done / total) if total > 0 else 0)
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(bar, 1.5, 1.5)


class QuietLine(QWidget):
    """A sentence about an answer that is not of the answer."""

    def __init__(self, styles: Styles, parent: QWidget, name: str, sentence: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(sentence)
        font = small_font(styles)
        self._label = plain_label(self, font, styles.tokens.muted, wrap=True, text=sentence)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def text(self) -> str:
        """The sentence."""
        return self._label.text()

    def fit(self, width: int) -> int:
        """As many lines as the sentence needs."""
        height = self._label.heightForWidth(width)
        self._label.setGeometry(0, 0, width, height)
        return height


class ErrorCard(QWidget):
    """Why an answer failed, and what to do about it."""

    def __init__(
        self, styles: Styles, parent: QWidget, title: str, detail: str, remedy: str
    ) -> None:
        super().__init__(parent)
        self.styles = styles
        tokens = styles.tokens
        size = styles.theme.reading_font()
        size.setPointSizeF(size.pointSizeF() * 0.94)
        strong = QFont(size)
        strong.setWeight(QFont.Weight.DemiBold)
        self._icon = styles.theme.icon("triangle-alert", "danger")
        self._labels = [
            plain_label(self, font, colour, wrap=True, text=clean.encodable(text))
            for text, font, colour in (
                (title, strong, tokens.danger),
                (remedy, size, tokens.text),
                (detail, small_font(styles), tokens.text),
            )
            if text
        ]
        for label in self._labels:
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setObjectName("Answer failed")
        self.setAccessibleName("Answer failed")
        self.setAccessibleDescription(" ".join(text for text in (title, remedy, detail) if text))

    def fit(self, width: int) -> int:
        """Place the sentences below each other."""
        left = SPACE_4 + 18 + SPACE_3
        top = SPACE_3
        for label in self._labels:
            height = label.heightForWidth(width - left - SPACE_4)
            label.setGeometry(left, top, width - left - SPACE_4, height)
            top += height + SPACE_1
        return top - SPACE_1 + SPACE_3

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.styles.tokens.danger_ground))
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        self._icon.paint(painter, SPACE_4, SPACE_3 + 1, 18, 18)
