"""Where a message is written. Enter sends, Shift+Enter breaks the line."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.generation import TokenCount
from app.gui.chat.meter import ContextMeter
from app.gui.controls import label, named, restyle, styled
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import READING_WIDTH, SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6

_SEND_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_BREAK = Qt.KeyboardModifier.ShiftModifier
_LONGEST_LINE = 400
"""Characters; no field is as wide."""
_STILL_ANSWERING = (
    "The answer is still being written. Your text is kept; send it when it has ended."
)


class MessageField(QPlainTextEdit):
    """Grows with its text up to `ceiling` pixels."""

    send_wished = Signal()
    focus_changed = Signal(bool)

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Message", "Enter sends, Shift+Enter starts a new line")
        self.setToolTip("")
        styled(self, kind="bare")
        self.setFont(theme.reading_font())
        self.setPlaceholderText("Write a message")
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(2)
        self._composing = False
        self._ceiling = 200
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()
        # The margin counts as an edit: with it Ctrl+Z would never be free for the window.
        self.document().clearUndoRedoStacks()

    def set_ceiling(self, pixels: int) -> None:
        """The most it may grow to."""
        self._ceiling = max(pixels, self._height_of(2))
        self._fit()

    def _height_of(self, lines: float) -> int:
        spacing = self.fontMetrics().lineSpacing()
        return round(lines * spacing + 2 * self.document().documentMargin()) + 2

    def _fit(self, *_: object) -> None:
        # A plain text document tells its height in lines as they are wrapped, not in pixels.
        wanted = self._height_of(max(1.0, self.document().size().height()))
        height = min(wanted, self._ceiling)
        always_off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        as_needed = Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(as_needed if wanted > height else always_off)
        if height != self.height():
            self.setFixedHeight(height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _SEND_KEYS and not event.modifiers() & _BREAK and not self._composing:
            self.send_wished.emit()
            event.accept()
            return
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        # While an input method composes, Enter chooses a word and must not send.
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            nothing_to_undo = not self.document().isUndoAvailable()
            if event.matches(QKeySequence.StandardKey.Undo) and nothing_to_undo:
                # With nothing to undo here Ctrl+Z takes a deleted conversation back.
                event.ignore()
                return False
        return super().event(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        # Files dropped here are for the window.
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit(False)


class Composer(QWidget):
    """The field, the round button beside it, and a quiet line for hints below it."""

    send_wished = Signal(str)
    stop_wished = Signal()
    text_changed = Signal(str)

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._answering = False
        self._sending = False
        self._is_heard = False
        self._sent_early = False
        self.field = MessageField(theme)
        self.send_button = self._round_button(theme, "arrow-up", "Send", "Send (Enter)")
        self.stop_button = self._round_button(theme, "stop", "Stop", "Stop the answer (Esc)")
        self.stop_button.hide()
        self.meter = ContextMeter(theme)
        self._frame = styled(QFrame(), ground="composer")
        self._hint = label(tone="muted", size=0.9, wrap=True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._hint.hide()
        self._said = self._warning = ""
        self._lay_out()
        self.field.send_wished.connect(self._send)
        self.field.textChanged.connect(self._on_text)
        self.field.focus_changed.connect(
            lambda lit: restyle(self._frame, lit="true" if lit else "false")
        )
        self.send_button.clicked.connect(self._send)
        self.stop_button.clicked.connect(self.stop_wished)
        self._show_buttons()

    def _round_button(self, theme: ThemeKeeper, icon: str, name: str, tip: str) -> QPushButton:
        button = named(QPushButton(), name, tip)
        styled(button, kind="round")
        button.setIcon(theme.icon(icon, "on_accent"))
        button.setIconSize(QSize(18, 18) if icon != "stop" else QSize(14, 14))
        return button

    def _lay_out(self) -> None:
        inside = QHBoxLayout(self._frame)
        inside.setContentsMargins(SPACE_4, SPACE_2, SPACE_2, SPACE_2)
        inside.setSpacing(SPACE_2)
        inside.addWidget(self.field, 1, Qt.AlignmentFlag.AlignVCenter)
        end = QHBoxLayout()
        end.setSpacing(SPACE_3)
        for widget in (self.meter, self.send_button, self.stop_button):
            end.addWidget(widget)
        inside.addLayout(end)
        inside.setAlignment(end, Qt.AlignmentFlag.AlignBottom)
        inner = QWidget()
        inner.setMaximumWidth(READING_WIDTH)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self._frame)
        column.addWidget(self._hint)
        row = self._row = QHBoxLayout(self)
        row.addStretch(1)
        row.addWidget(inner, 100)
        row.addStretch(1)

        self.set_gutter(0)

    def set_gutter(self, pixels: int) -> None:
        """Leave this much on the right, where the messages above have their scroll bar."""
        self._row.setContentsMargins(SPACE_6, SPACE_2, SPACE_6 + pixels, SPACE_2)

    # ---------------------------------------------------------------------------------- text

    def text(self) -> str:
        """What is written."""
        return self.field.toPlainText()

    def set_text(self, text: str) -> None:
        """Replace what is written; the caret goes to the end."""
        if text != self.text():
            self.field.setPlainText(text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)

    def show_count(self, count: TokenCount | None) -> None:
        """What would be sent; None: that is not known."""
        self.meter.show_count(count)
        self._give_room()

    def _give_room(self) -> None:
        """The meter's figures stand beside one line of text, never in the way of more.

        Judged by the text and not by its lines, which the figures would change.
        """
        text = self.text()
        most = self._frame.width() - 2 * SPACE_4 - 3 * SPACE_3 - 60
        taken = self.field.fontMetrics().horizontalAdvance(text[:_LONGEST_LINE])
        self.meter.set_room(0 if "\n" in text else most - taken)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._give_room()

    def _on_text(self) -> None:
        self.say("")
        self._give_room()
        self._show_buttons()
        self.text_changed.emit(self.text())

    # --------------------------------------------------------------------------------- state

    def set_answering(self, answering: bool) -> None:
        """Show Stop while an answer is being made, else Send."""
        if answering == self._answering:
            return
        self._answering = answering
        if not answering:
            self.say("")
        self._show_buttons()

    def set_sending(self, sending: bool) -> None:
        """Between Enter and the message being on disk: nothing is sent twice or changed."""
        self._sending = sending
        self.field.setReadOnly(sending)
        self._show_buttons()

    def say(self, hint: str) -> None:
        """A quiet sentence below the field, until the text changes; empty takes it away."""
        self._said = hint
        self._show_hint()

    def warn(self, warning: str) -> None:
        """What to know before sending, as long as it holds; empty: nothing."""
        self._warning = warning
        self._show_hint()

    def _show_hint(self) -> None:
        hint = self._said or self._warning
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))

    def hint(self) -> str:
        """The quiet sentence that is shown."""
        return self._hint.text()

    def _show_buttons(self) -> None:
        had_focus = self.send_button.hasFocus() or self.stop_button.hasFocus()
        self.send_button.setVisible(not self._answering)
        self.stop_button.setVisible(self._answering)
        self.send_button.setEnabled(bool(self.text().strip()) and not self._sending)
        if had_focus and not self._answering:
            self.field.setFocus()

    def be_heard(self) -> None:
        """Somebody listens from now on; Enter may have been pressed before, while all started."""
        self._is_heard = True
        if self._sent_early:
            self._send()

    def _send(self) -> None:
        if not self.text().strip() or self._sending:
            return
        if not self._is_heard:
            self._sent_early = True
            return
        if self._answering:
            self.say(_STILL_ANSWERING)
            return
        self.send_wished.emit(self.text())
