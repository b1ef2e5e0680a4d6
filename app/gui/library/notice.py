"""What the library says where it has nothing, or little, to list."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.controls import Sign, label, styled, text_button
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6

_WIDTH = 420


class LibraryNotice(QWidget):
    """In the place of the list: nothing is there yet, or nothing was found."""

    discover_wished = Signal()
    add_wished = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self.setObjectName("Empty library")
        self._sign = Sign(theme.icon("lamp", "accent"), 36)
        self._title = label(size=1.3, wrap=True)
        self._text = label(tone="muted", wrap=True)
        for words in (self._title, self._text):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._discover = text_button("Discover models", "Go to Discover", kind="primary")
        self._discover.clicked.connect(self.discover_wished)
        self._add = text_button("Add files you have…", "Add files")
        self._add.clicked.connect(self.add_wished)
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inner)
        column.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addSpacing(SPACE_3)
        for button in (self._discover, self._add):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(inner, 100)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, SPACE_6, 0, SPACE_6)
        outer.addStretch(3)
        outer.addLayout(middle)
        outer.addStretch(4)

    def say_nothing_there(self, *, is_scanning: bool) -> None:
        """The library is empty, or not looked through yet."""
        self._title.setText("Looking for models…" if is_scanning else "No models yet")
        self._text.setText(
            "Your folders and those of other applications are being looked through."
            if is_scanning
            else "Find one that suits this computer, or add files you have: they can be dropped "
            "here."
        )
        for button in (self._discover, self._add):
            button.setVisible(not is_scanning)

    def say_nothing_found(self, words: str) -> None:
        """A search has no result."""
        self._title.setText("Nothing found")
        self._text.setText(f"No model in the library has “{words.strip()}” in its name or kind.")
        for button in (self._discover, self._add):
            button.hide()


class StarterHint(QFrame):
    """Below a list that holds the starter model alone."""

    discover_wished = Signal()

    def __init__(self) -> None:
        super().__init__()
        styled(self, edge="top")
        self.setObjectName("Starter hint")
        words = label(
            "The starter model is tiny and only for trying things out. A better one is a few "
            "minutes away.",
            tone="muted",
            wrap=True,
        )
        discover = text_button("Discover models", "Find a better model", kind="primary")
        discover.clicked.connect(self.discover_wished)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_4, SPACE_3, SPACE_3, SPACE_3)
        row.setSpacing(SPACE_3)
        row.addWidget(words, 1)
        row.addWidget(discover)
