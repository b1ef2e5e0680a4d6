"""Several lines of text in the inspector, with a note below that says what is wrong."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QPlainTextEdit

from app.gui.controls import label, named
from app.gui.inspector.fields import FieldFrame
from app.gui.theme.keeper import ThemeKeeper


class TextField(FieldFrame):
    """A text; empty is the default."""

    changed = Signal()

    def __init__(
        self, theme: ThemeKeeper, name: str, tip: str, *, height: int, placeholder: str = ""
    ) -> None:
        super().__init__(theme, name, tip)
        self.edit = named(QPlainTextEdit(), name)
        self.edit.setAccessibleDescription(tip)
        self.edit.setPlaceholderText(placeholder)
        self.edit.setTabChangesFocus(True)
        self.edit.setFixedHeight(height)
        self.edit.setAcceptDrops(False)
        self.title.setBuddy(self.edit)
        self.column.addWidget(self.edit)
        self.note = label(tone="muted", wrap=True, size=0.92)
        self.note.setObjectName(f"{name} note")
        self.note.hide()
        self.column.addWidget(self.note)
        self.reset.hide()
        self.edit.textChanged.connect(self._on_edit)
        self.reset_wished.connect(self.edit.clear)

    @property
    def text(self) -> str:
        """What is written."""
        return self.edit.toPlainText()

    def show_text(self, text: str) -> None:
        """Take a text without telling it as a change."""
        with QSignalBlocker(self.edit):
            if self.text != text:
                self.edit.setPlainText(text)
        self.reset.setVisible(bool(text))

    def show_note(self, sentence: str) -> None:
        """Say something about the text; empty: nothing."""
        self.note.setText(sentence)
        self.note.setVisible(bool(sentence))

    def _on_edit(self) -> None:
        self.reset.setVisible(bool(self.text))
        self.changed.emit()
