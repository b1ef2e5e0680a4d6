"""The quiet line at the lower edge: the model, its memory, and the speed of the last answer."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.domain.facts import ModelState
from app.domain.generation import RunStats
from app.gui.controls import ElidedLabel, label
from app.gui.picker.sentences import phase_words, short_state
from app.gui.theme.tokens import READING_WIDTH, SPACE_3, SPACE_4, SPACE_6
from app.gui.wording import rate_text, size_text


class StatusLine(QWidget):
    """Facts, and at most a way to more of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Status")
        self._state = ElidedLabel()
        self._state.setObjectName("Model state")
        self._state.setProperty("tone", "muted")
        font = label(size=0.88).font()
        self._state.setFont(font)
        self._memory = self._figure("Memory", "Memory taken by the loaded model")
        self._rate = self._figure("Speed", "Speed of the last answer")
        inner = QWidget()
        inner.setMaximumWidth(READING_WIDTH)
        row = self._line = QHBoxLayout(inner)
        row.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        row.setSpacing(SPACE_4)
        row.addWidget(self._state, 1)
        row.addWidget(self._rate)
        row.addWidget(self._memory)
        outer = self._row = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(inner, 100)
        outer.addStretch(1)

        self.set_gutter(0)

    def add_glance(self, glance: QWidget) -> None:
        """Show something that is under way elsewhere, before the figures."""
        self._line.insertWidget(1, glance)

    def set_gutter(self, pixels: int) -> None:
        """Leave this much on the right, as the composer above does."""
        self._row.setContentsMargins(SPACE_6, 0, SPACE_6 + pixels, SPACE_3)

    def _figure(self, name: str, tip: str) -> QLabel:
        made = label(tone="muted", size=0.88)
        made.setObjectName(name)
        made.setToolTip(tip)
        made.hide()
        return made

    def show_model(self, state: ModelState) -> None:
        """What the engine has of the chosen model."""
        self._state.set_full_text(short_state(state), phase_words(state).capitalize())
        if state.info is not None:
            self._memory.setText(f"{size_text(state.info.total_bytes)} memory")
        self._memory.setVisible(state.info is not None)

    def show_run(self, stats: RunStats | None) -> None:
        """The speed of the last answer; None takes it away."""
        rate = stats.decode_rate if stats else 0.0
        self._rate.setText(rate_text(rate) if rate else "")
        self._rate.setVisible(rate > 0)
