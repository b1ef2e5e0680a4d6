"""One described setting: its label, a control, what it does, and back to the default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
)

from app.domain.load_params import LoadParams
from app.gui.controls import ChoiceBox, TickBox, WheelGuard, label, named
from app.gui.inspector.fields import FieldFrame
from app.gui.theme.keeper import ThemeKeeper

_CONTROL_WIDTH = 168
_LARGEST_INT = 2**31 - 1
_TEMPLATE_HEIGHT = 96


@dataclass(frozen=True, slots=True)
class Described:
    """What its section says about a field."""

    name: str
    label: str
    help: str
    low: float
    high: float
    choices: tuple[str, ...]
    default: Any


def described(name: str, section: type[Any]) -> Described:
    """The description of a field of `LoadParams`, or of a section of the settings."""
    field = next(field for field in fields(section) if field.name == name)
    told = field.metadata
    low, high = told["low"] or 0, told["high"] or 0
    return Described(name, told["label"], told["help"], low, high, told["choices"], field.default)


class LoadField(FieldFrame):
    """A value of `LoadParams` or of another `section`; subclasses have its control."""

    changed = Signal()

    def __init__(self, theme: ThemeKeeper, name: str, section: type[Any] = LoadParams) -> None:
        self.what = described(name, section)
        super().__init__(theme, self.what.label, "")
        self.help = label(self.what.help, tone="muted", wrap=True, size=0.92)
        self.column.addWidget(self.help)
        self.reset_wished.connect(self._on_reset)

    @property
    def value(self) -> Any:
        """The value in force."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Take a value without telling it as a change."""
        raise NotImplementedError

    def _follow(self) -> None:
        self.reset.setVisible(self.value != self.what.default)

    def _on_edit(self, *_: object) -> None:
        self._follow()
        self.changed.emit()

    def _on_reset(self) -> None:
        self.show_value(self.what.default)
        self._on_edit()


class ChoiceField(LoadField):
    """One of several values, each with its words."""

    def __init__(
        self,
        theme: ThemeKeeper,
        name: str,
        choices: Sequence[tuple[str, Any]] = (),
        section: type[Any] = LoadParams,
    ) -> None:
        """Without `choices`, those of the description, in its own words."""
        super().__init__(theme, name, section)
        self.box = named(ChoiceBox(theme), self.what.label)
        self.box.setAccessibleDescription(self.what.help)
        self.box.setFixedWidth(_CONTROL_WIDTH)
        self.title.setBuddy(self.box)
        self.top.addWidget(self.box)
        self._fill(choices or [(word.capitalize() if word.isalpha() else word, word)
                               for word in self.what.choices])  # fmt: skip
        self.box.currentIndexChanged.connect(self._on_edit)

    @property
    def value(self) -> Any:
        return self.box.currentData()

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(max(0, self.box.findData(value)))
        self._follow()

    def offer(self, choices: Sequence[tuple[str, Any]]) -> None:
        """Offer these instead; the value stays."""
        value = self.value
        with QSignalBlocker(self.box):
            self._fill(choices)
        self.show_value(value)

    def _fill(self, choices: Sequence[tuple[str, Any]]) -> None:
        self.box.clear()
        for words, value in choices:
            self.box.addItem(words, value)


class CountField(LoadField):
    """A whole number, or automatic where the description has None for its default."""

    def __init__(
        self, theme: ThemeKeeper, name: str, step: int = 1, section: type[Any] = LoadParams
    ) -> None:
        super().__init__(theme, name, section)
        self._can_be_automatic = self.what.default is None
        self.spin = named(QSpinBox(), self.what.label)
        self.spin.setAccessibleDescription(self.what.help)
        self.spin.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        lowest = int(self.what.low) - int(self._can_be_automatic)
        self.spin.setRange(lowest, min(int(self.what.high), _LARGEST_INT))
        self.spin.setSingleStep(step)
        self.spin.setGroupSeparatorShown(True)
        self.spin.setKeyboardTracking(False)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.spin.setFixedWidth(_CONTROL_WIDTH)
        self.spin.installEventFilter(WheelGuard(self))
        self.show_automatic("Automatic")
        self.title.setBuddy(self.spin)
        self.top.addWidget(self.spin)
        self.spin.valueChanged.connect(self._on_edit)

    def show_automatic(self, words: str) -> None:
        """What stands for leaving it to Lamplight."""
        if self._can_be_automatic:
            self.spin.setSpecialValueText(words)

    @property
    def value(self) -> int | None:
        value = self.spin.value()
        return None if self._can_be_automatic and value == self.spin.minimum() else value

    def show_value(self, value: int | None) -> None:
        with QSignalBlocker(self.spin):
            self.spin.setValue(self.spin.minimum() if value is None else value)
        self._follow()


class RealField(LoadField):
    """A number; 0 leaves it to the file, or to what `at_zero` says."""

    def __init__(
        self,
        theme: ThemeKeeper,
        name: str,
        step: float,
        decimals: int,
        at_zero: str = "As the file says",
        section: type[Any] = LoadParams,
    ) -> None:
        super().__init__(theme, name, section)
        self.spin = named(QDoubleSpinBox(), self.what.label)
        self.spin.setAccessibleDescription(self.what.help)
        self.spin.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.spin.setDecimals(decimals)
        self.spin.setRange(self.what.low, self.what.high)
        self.spin.setSingleStep(step)
        self.spin.setKeyboardTracking(False)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.spin.setSpecialValueText(at_zero)
        self.spin.setFixedWidth(_CONTROL_WIDTH)
        self.spin.installEventFilter(WheelGuard(self))
        self.title.setBuddy(self.spin)
        self.top.addWidget(self.spin)
        self.spin.valueChanged.connect(self._on_edit)

    @property
    def value(self) -> float:
        return self.spin.value()

    def show_value(self, value: float) -> None:
        with QSignalBlocker(self.spin):
            self.spin.setValue(value)
        self._follow()


class SwitchField(LoadField):
    """Yes or no."""

    def __init__(self, theme: ThemeKeeper, name: str, section: type[Any] = LoadParams) -> None:
        super().__init__(theme, name, section)
        self.box = named(TickBox(theme, ""), self.what.label)
        self.box.setAccessibleDescription(self.what.help)
        self.title.setBuddy(self.box)
        self.top.addWidget(self.box)
        self.box.toggled.connect(self._on_edit)

    @property
    def value(self) -> bool:
        return self.box.isChecked()

    def show_value(self, value: bool) -> None:
        with QSignalBlocker(self.box):
            self.box.setChecked(value)
        self._follow()


class SharesField(LoadField):
    """Numbers with commas between them."""

    def __init__(self, theme: ThemeKeeper, name: str) -> None:
        super().__init__(theme, name)
        self.edit = named(QLineEdit(), self.what.label)
        self.edit.setAccessibleDescription(self.what.help)
        self.edit.setPlaceholderText("Automatic")
        self.edit.setFixedWidth(_CONTROL_WIDTH)
        self.title.setBuddy(self.edit)
        self.top.addWidget(self.edit)
        self.edit.editingFinished.connect(self._on_edit)

    @property
    def value(self) -> tuple[float, ...]:
        shares: list[float] = []
        for word in self.edit.text().split(","):
            try:
                shares.append(float(word))
            except ValueError:
                continue
        return tuple(shares)

    def show_value(self, value: tuple[float, ...]) -> None:
        self.edit.setText(", ".join(f"{share:g}" for share in value))
        self._follow()


class LinesField(LoadField):
    """Several lines of text."""

    def __init__(self, theme: ThemeKeeper, name: str, placeholder: str) -> None:
        super().__init__(theme, name)
        self.edit = named(QPlainTextEdit(), self.what.label)
        self.edit.setAccessibleDescription(self.what.help)
        self.edit.setPlaceholderText(placeholder)
        self.edit.setTabChangesFocus(True)
        self.edit.setFixedHeight(_TEMPLATE_HEIGHT)
        self.edit.setAcceptDrops(False)
        self.title.setBuddy(self.edit)
        self.column.insertWidget(1, self.edit)
        self.edit.textChanged.connect(self._on_edit)

    @property
    def value(self) -> str:
        return self.edit.toPlainText()

    def show_value(self, value: str) -> None:
        with QSignalBlocker(self.edit):
            self.edit.setPlainText(value)
        self._follow()
