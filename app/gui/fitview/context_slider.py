"""A context length to try: even steps for the hand, doubling ones for the context."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app.gui.controls import WheelGuard, label, named
from app.gui.theme.tokens import SPACE_1

_SHORTEST = 1024
_LONGEST_UNKNOWN = 131_072
"""Offered where a file does not tell how long a context it was trained for."""


def steps_for(trained: int) -> list[int]:
    """Two for each doubling, from 1,024 tokens (or fewer, where there are fewer) to `trained`."""
    most = trained or _LONGEST_UNKNOWN
    steps: list[int] = []
    octave = _SHORTEST
    while octave < most:
        steps += [step for step in (octave, octave * 3 // 2) if step < most]
        octave *= 2
    return [*steps, most]


class ContextSlider(QWidget):
    """The label, the length, and the slider below them."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._steps = steps_for(0)
        title = label("Context")
        self._tokens = label()
        self._tokens.setObjectName("Context to try in words")
        self.slider = named(
            QSlider(Qt.Orientation.Horizontal),
            "Context to try",
            "How many tokens of a conversation the model would see",
        )
        self.slider.setPageStep(2)
        self.slider.installEventFilter(WheelGuard(self))
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        title.setBuddy(self.slider)
        top = QHBoxLayout()
        top.addWidget(title)
        top.addStretch()
        top.addWidget(self._tokens)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addLayout(top)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_moved)

    @property
    def length(self) -> int:
        """Tokens."""
        return self._steps[self.slider.value()]

    def offer(self, trained: int, length: int) -> None:
        """The steps of a model, and where to stand at first: at `length`, or next below it."""
        self._steps = steps_for(trained)
        below = sum(step <= length for step in self._steps) - 1
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(self._steps) - 1)
            self.slider.setValue(max(0, below))
        self._show_length()

    def _on_moved(self) -> None:
        self._show_length()
        self.changed.emit()

    def _show_length(self) -> None:
        self._tokens.setText(f"{self.length:,} tokens")
