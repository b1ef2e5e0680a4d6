"""One value of the inspector: label, control, help, bounds, and back to the default."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.domain.sampling import Sampling
from app.domain.settings import ChatSettings
from app.gui.controls import WheelGuard, icon_button, label, named
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1

if TYPE_CHECKING:
    from PySide6.QtGui import QValidator

_SPIN_WIDTH = 86


@dataclass(frozen=True, slots=True)
class Described:
    """What `app.domain.settings` says about a field."""

    key: str
    label: str
    help: str
    low: float
    high: float


def described(key: str) -> Described:
    """The description of a field of the section `chat`, or of `Sampling` where that has none."""
    described_by = {
        field.name: field.metadata for field in (*fields(Sampling), *fields(ChatSettings))
    }
    metadata = described_by[key]
    low, high = metadata["low"] or 0, metadata["high"] or 0
    return Described(key, metadata["label"], metadata["help"], low, high)


class FieldFrame(QWidget):
    """The label above, and beside it the button that goes back to the default."""

    reset_wished = Signal()

    def __init__(self, theme: ThemeKeeper, name: str, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.reset = icon_button(theme, "rotate-ccw", f"Reset {name}", "Back to the default")
        self.reset.setIconSize(self.reset.iconSize() * 0.75)
        keeps_place = self.reset.sizePolicy()
        keeps_place.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(keeps_place)
        self.reset.clicked.connect(self.reset_wished)
        self.top = QHBoxLayout()
        self.top.setSpacing(SPACE_1)
        self.title = label(name)
        self.top.addWidget(self.title)
        self.top.addWidget(self.reset)
        self.top.addStretch(1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(SPACE_1)
        self.column.addLayout(self.top)


class _NumberBox(QDoubleSpinBox):
    """Takes a comma and a point as the decimal sign, whichever the language would want.

    Without this `0,5` is read as 5 where the comma separates thousands.
    """

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return super().validate(self._with_own_point(text), position)

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(self._with_own_point(text))

    def _with_own_point(self, text: str) -> str:
        if not self.decimals():
            return text
        point = self.locale().decimalPoint()
        return text.replace("," if point == "." else ".", point)


class NumberField(FieldFrame):
    """A number with bounds; with a slider over the part of the range that is usual."""

    changed = Signal(float)

    def __init__(
        self,
        theme: ThemeKeeper,
        what: Described,
        *,
        step: float,
        decimals: int,
        slider_high: float | None = None,
        zero_means: str = "",
    ) -> None:
        super().__init__(theme, what.label, what.help)
        self._default = 0.0
        self._step = step
        self._low = what.low
        guard = WheelGuard(self)
        self.spin = self._make_spin(what, decimals, guard, zero_means)
        self.title.setBuddy(self.spin)
        self.top.addWidget(self.spin)
        self.slider: QSlider | None = None
        if slider_high is not None:
            self.slider = self._make_slider(what, slider_high, guard)
            self.column.addWidget(self.slider)
        self.spin.valueChanged.connect(self._on_spin)
        self.reset_wished.connect(lambda: self.spin.setValue(self._default))

    def _make_spin(
        self, what: Described, decimals: int, guard: QObject, zero_means: str
    ) -> QDoubleSpinBox:
        spin = named(_NumberBox(), what.label)
        spin.setAccessibleDescription(what.help)
        spin.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        spin.setDecimals(decimals)
        spin.setRange(what.low, what.high)
        spin.setSingleStep(self._step)
        spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        spin.setFixedWidth(_SPIN_WIDTH)
        spin.setKeyboardTracking(False)
        spin.setGroupSeparatorShown(decimals == 0)
        if zero_means:
            spin.setSpecialValueText(zero_means)
        spin.installEventFilter(guard)
        return spin

    def _make_slider(self, what: Described, high: float, guard: QObject) -> QSlider:
        slider = named(QSlider(Qt.Orientation.Horizontal), f"{what.label} slider")
        slider.setRange(0, round((high - what.low) / self._step))
        slider.setPageStep(max(1, slider.maximum() // 10))
        slider.installEventFilter(guard)
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        slider.valueChanged.connect(self._on_slider)
        return slider

    def value(self) -> float:
        """The value in force."""
        return self.spin.value()

    def show_value(self, value: float, default: float) -> None:
        """Take a value without telling it as a change."""
        self._default = default
        with QSignalBlocker(self.spin):
            self.spin.setValue(value)
        self._follow()

    def _on_spin(self, value: float) -> None:
        self._follow()
        self.changed.emit(value)

    def _on_slider(self, position: int) -> None:
        self.spin.setValue(self._low + position * self._step)

    def _follow(self) -> None:
        value = self.spin.value()
        self.reset.setVisible(abs(value - self._default) > 1e-9)
        if self.slider is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round((value - self._low) / self._step))
