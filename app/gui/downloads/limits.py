"""What downloads may take: a quiet line of two choices at the lower edge of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.domain.settings import HubSettings
from app.gui.controls import ChoiceBox, label, named, styled
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_4

_SPEEDS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_AT_ONCE = range(1, 9)


class LimitsBar(QFrame):
    """Edits two fields of the `HubSettings`; each change is told at once."""

    changed = Signal(object)
    """The new `HubSettings`."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self.setObjectName("Limits")
        styled(self, edge="top")
        self._settings = HubSettings()
        self.speed = named(
            ChoiceBox(theme), "Speed limit", "How fast all downloads together may be"
        )
        self.at_once = named(
            ChoiceBox(theme), "Downloads at once", "How many run at the same time; the others wait"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        row.setSpacing(SPACE_2)
        row.addStretch(1)
        self._add(row, "Speed limit", self.speed)
        row.addSpacing(SPACE_4)
        self._add(row, "At once", self.at_once)
        row.addStretch(1)
        for box in (self.speed, self.at_once):
            box.currentIndexChanged.connect(self._on_choice)

    def _add(self, row: QHBoxLayout, words: str, box: QWidget) -> None:
        title = label(words, tone="muted")
        title.setBuddy(box)
        row.addWidget(title)
        row.addWidget(box)

    def show_settings(self, settings: HubSettings) -> None:
        """Take values without telling them as a change."""
        self._settings = settings
        # A limit that was written by hand is among the choices, too.
        speeds = sorted({*_SPEEDS, settings.limit})
        self._fill(self.speed, [(_speed_text(each), each) for each in speeds], settings.limit)
        numbers = [(str(each), each) for each in _AT_ONCE]
        self._fill(self.at_once, numbers, settings.at_once)

    def _fill(self, box: ChoiceBox, choices: Sequence[tuple[str, float]], chosen: float) -> None:
        with QSignalBlocker(box):
            box.clear()
            for words, value in choices:
                box.addItem(words, value)
            box.setCurrentIndex(box.findData(chosen))

    def _on_choice(self) -> None:
        self._settings = replace(
            self._settings,
            limit=float(self.speed.currentData()),
            at_once=int(self.at_once.currentData()),
        )
        self.changed.emit(self._settings)


def _speed_text(megabytes: float) -> str:
    return f"{megabytes:g} MB/s" if megabytes else "None"
