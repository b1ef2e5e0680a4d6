"""What stands where no message is yet: what to do, and something to begin with."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.gui.controls import Sign, label, text_button
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_4, SPACE_6

EXAMPLES = (
    "Explain why the sky is blue, to a ten-year-old",
    "Write a short, friendly note to thank a neighbour",
    "Give me three ideas for a quiet evening at home",
)
_WIDTH = 440


class EmptyState(QWidget):
    """A greeting with examples; without any model, how to get one."""

    example_chosen = Signal(str)
    find_wished = Signal()
    open_file_wished = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self.setObjectName("Empty conversation")
        self._sign = Sign(theme.icon("lamp", "accent"), 40)
        self._title = label(size=1.5)
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self._text = label(tone="muted", wrap=True)
        for words in (self._title, self._text):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._examples = [text_button(words, kind="example") for words in EXAMPLES]
        for button in self._examples:
            button.clicked.connect(lambda _=False, b=button: self.example_chosen.emit(b.text()))
        self._find = text_button("Find a model", kind="primary")
        self._find.clicked.connect(self.find_wished)
        self._open = text_button("Open a model file…", "Open a model file")
        self._open.clicked.connect(self.open_file_wished)
        self._lay_out()
        self.set_has_model(True)

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inner)
        column.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(SPACE_2)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addSpacing(SPACE_6 - SPACE_2)
        for button in self._examples:
            column.addWidget(button)
        for button in (self._find, self._open):
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

    def set_has_model(self, has_model: bool) -> None:
        """Whether there is a model to talk to."""
        self._title.setText("What would you like to talk about?" if has_model else "No model yet")
        self._text.setText(
            "The model runs on this computer. Nothing you write leaves it."
            if has_model
            else "Lamplight needs a language model. Find one to download, or open a GGUF file that "
            "you have; you may drop it anywhere on this window."
        )
        for button in self._examples:
            button.setVisible(has_model)
        self._find.setVisible(not has_model)
        self._open.setVisible(not has_model)
