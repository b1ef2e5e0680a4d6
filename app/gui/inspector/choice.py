"""One choice of the inspector: label, box, help, and back to the default."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal

from app.gui.controls import ChoiceBox, named
from app.gui.inspector.fields import FieldFrame
from app.gui.theme.keeper import ThemeKeeper


class ChoiceField(FieldFrame):
    """Offers words for values. A value that is not offered is kept until another one is chosen."""

    changed = Signal()

    def __init__(
        self, theme: ThemeKeeper, name: str, tip: str, choices: Sequence[tuple[str, object]]
    ) -> None:
        """The first of the `choices` is what a value counts as that is not offered."""
        super().__init__(theme, name, tip)
        self._value: object = None
        self._default: object = None
        self.box = named(ChoiceBox(theme), name)
        self.box.setAccessibleDescription(tip)
        self.title.setBuddy(self.box)
        self.column.addWidget(self.box)
        self.offer(choices)
        self.box.currentIndexChanged.connect(self._on_chosen)
        self.reset_wished.connect(self._on_reset)

    def offer(self, choices: Sequence[tuple[str, object]]) -> None:
        """Other words and values; the value stays."""
        with QSignalBlocker(self.box):
            self.box.clear()
            for words, value in choices:
                self.box.addItem(words, value)
        self._follow()

    def value(self) -> object:
        """The value in force."""
        return self._value

    def show_value(self, value: object, default: object) -> None:
        """Take a value without telling it as a change."""
        self._value, self._default = value, default
        self._follow()

    def _follow(self) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(max(0, self.box.findData(self._value)))
        self.reset.setVisible(self._value != self._default)

    def _on_chosen(self, index: int) -> None:
        self._take(self.box.itemData(index))

    def _on_reset(self) -> None:
        self._take(self._default)

    def _take(self, value: object) -> None:
        self._value = value
        self._follow()
        self.changed.emit()
