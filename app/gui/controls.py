"""Small controls that several panels use, each with its lasting name.

Buttons take the focus by Tab only: a click leaves the caret where the person writes, and the focus
ring shows just for those who move by keyboard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QToolButton,
    QWidget,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QIcon, QPaintEvent, QResizeEvent, QWheelEvent

    from app.gui.theme.keeper import ThemeKeeper

ICON = QSize(18, 18)

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def named(widget: AnyWidget, name: str, tip: str = "") -> AnyWidget:
    """Give a control the name that tests and screen readers rely on (DESIGN, section 8)."""
    widget.setObjectName(name)
    widget.setAccessibleName(name)
    if isinstance(widget, QComboBox):
        # Its accessible name is overruled by its current text.
        widget.setAccessibleIdentifier(name)
    if tip:
        widget.setToolTip(tip)
        widget.setAccessibleDescription(tip)
    if isinstance(widget, QAbstractButton):
        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return widget


def styled(widget: AnyWidget, **properties: str) -> AnyWidget:
    """Choose style rules by dynamic properties; see `app.gui.theme.stylesheet`."""
    for name, value in properties.items():
        widget.setProperty(name, value)
    if "ground" in properties or "edge" in properties:
        widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return widget


def restyle(widget: QWidget, **properties: str) -> None:
    """Change dynamic properties of a widget that is already shown."""
    styled(widget, **properties)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def icon_button(
    theme: ThemeKeeper, icon: str, name: str, tip: str = "", *, token: str = "muted"
) -> QToolButton:
    """A flat button that shows an icon only; its name is its tip if no better one is given."""
    button = named(QToolButton(), name, tip or name)
    button.setIcon(theme.icon(icon, token))
    button.setIconSize(ICON)
    button.setCursor(Qt.CursorShape.ArrowCursor)
    return button


def text_button(text: str, name: str = "", *, kind: str = "") -> QPushButton:
    """A button with words; `kind` is primary, quiet, row or example."""
    button = named(QPushButton(text), name or text)
    if kind:
        styled(button, kind=kind)
    return button


def label(text: str = "", *, tone: str = "", wrap: bool = False, size: float = 1.0) -> QLabel:
    """Plain text, never rich; `size` is relative to the interface font."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if tone:
        styled(made, tone=tone)
    if size != 1.0:
        font = made.font()
        font.setPointSizeF(font.pointSizeF() * size)
        made.setFont(font)
    return made


class Sign(QWidget):
    """An icon that only shows; painted anew, so it follows the theme by itself."""

    def __init__(self, icon: QIcon, size: int) -> None:
        super().__init__()
        self._icon = icon
        self.setFixedSize(size, size)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


def separator() -> QFrame:
    """A thin line between groups."""
    line = styled(QFrame(), edge="top")
    line.setFixedHeight(1)
    return line


class ElidedLabel(QLabel):
    """One line of plain text that gives way to a narrow window with an ellipsis."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(24)
        self._full = ""
        self._shorter: tuple[str, ...] = ()
        self.set_full_text(text)

    def set_full_text(self, text: str, *shorter: str) -> None:
        """Show the first of these that there is room for, or as much of the last as fits.

        The tip and the accessible name hold all of `text`.
        """
        self._full, self._shorter = text, shorter
        self.setAccessibleName(text)
        self._elide()

    def full_text(self) -> str:
        """The text without the ellipsis."""
        return self._full

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._full) + 2
        return QSize(width, super().sizeHint().height())

    def _elide(self) -> None:
        metrics, width = self.fontMetrics(), self.width()
        wordings = (self._full, *self._shorter)
        fitting = [words for words in wordings if metrics.horizontalAdvance(words) <= width]
        chosen = fitting[0] if fitting else wordings[-1]
        shown = metrics.elidedText(chosen, Qt.TextElideMode.ElideRight, width)
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self._full if shown != self._full else "")


class ChoiceBox(QComboBox):
    """A combo box with the theme's chevron; the wheel scrolls the panel, not the choice."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._chevron = theme.icon("chevron-down", "muted")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        named(self.view(), "Choices")

    def paintEvent(self, event: QPaintEvent) -> None:

        super().paintEvent(event)
        painter = QPainter(self)
        rect = self.rect()
        self._chevron.paint(painter, rect.right() - 22, rect.center().y() - 7, 15, 15)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class TickBox(QCheckBox):
    """A check box whose box is to be seen in the dark too."""

    def __init__(self, theme: ThemeKeeper, text: str, tip: str = "") -> None:
        super().__init__(text)
        named(self, text, tip)
        self._theme = theme
        self._tick = theme.icon("check", "text")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        tokens, part = self._theme.tokens, QStyle.SubElement
        box = self.style().subElementRect(part.SE_CheckBoxIndicator, option, self)
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        painter.setPen(QColor(tokens.accent if self.hasFocus() else tokens.muted))
        painter.setBrush(QColor(tokens.surface))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        if self.isChecked():
            self._tick.paint(painter, box.adjusted(1, 1, -1, -1))
        painter.setOpacity(1.0)
        option.rect = self.style().subElementRect(part.SE_CheckBoxContents, option, self)
        self.style().drawControl(QStyle.ControlElement.CE_CheckBoxLabel, option, painter, self)


class WheelGuard(QObject):
    """An event filter: the wheel over an unfocused field scrolls the panel, not the value."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_wheel = event.type() == QEvent.Type.Wheel
        if is_wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False
