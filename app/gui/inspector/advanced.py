"""The rarer samplers, folded away; made when they are first unfolded."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.domain.sampling import Sampling, chain_of
from app.gui.controls import label, named
from app.gui.inspector.fields import NumberField, described
from app.gui.inspector.lines import biases_from, biases_written, stops_from, written
from app.gui.inspector.textfield import TextField
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_3

_NAME = "Advanced sampling"
_NUMBERS: tuple[tuple[str, float, int, str], ...] = (
    ("presence_penalty", 0.05, 2, ""),
    ("frequency_penalty", 0.05, 2, ""),
    ("penalty_tokens", 16, 0, ""),
    ("top_n_sigma", 0.1, 2, "Off"),
    ("typical_p", 0.01, 2, ""),
    ("temperature_range", 0.05, 2, "Off"),
    ("temperature_exponent", 0.1, 2, ""),
    ("xtc_probability", 0.05, 2, "Off"),
    ("xtc_threshold", 0.01, 2, ""),
    ("dry_multiplier", 0.1, 2, "Off"),
    ("dry_base", 0.05, 2, ""),
    ("dry_allowed_length", 1, 0, ""),
    ("dry_tokens", 64, 0, "All"),
    ("mirostat", 1, 0, "Off"),
    ("mirostat_tau", 0.5, 2, ""),
    ("mirostat_eta", 0.05, 2, ""),
)
"""Field, step, decimals, and what the lowest value means."""
_STOP_HELP = "The answer ends before any of these, one a line; \\n stands for a line end."
_BIAS_HELP = (
    "Lines of “text: number”. The number is added to the chance of each token of the text: "
    "-100 bans it, 100 forces it."
)
_LINES_HEIGHT = 64


class AdvancedSampling(QWidget):
    """A heading that unfolds. Values it has no field for pass through untouched."""

    changed = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self._sampling = Sampling()
        self._defaults = Sampling()
        self._stops: tuple[str, ...] = ()
        self._numbers: dict[str, NumberField] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_3)
        self.toggle = named(QToolButton(), _NAME, "The rarer samplers, stop strings and biases")
        self.toggle.setCheckable(True)
        self.toggle.setAutoRaise(True)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.toggled.connect(self._on_toggled)
        self._column.addWidget(self.toggle)
        self._body: QWidget | None = None
        self._show_heading()

    def show_values(self, sampling: Sampling, defaults: Sampling, stops: tuple[str, ...]) -> None:
        """Take values without telling them as a change."""
        self._sampling, self._defaults, self._stops = sampling, defaults, stops
        self._show_heading()
        if self._body is not None:
            self._show_in_fields()

    def applied(self, sampling: Sampling) -> Sampling:
        """The same with the values of this section."""
        mine = {name: getattr(self._sampling, name) for name, *_ in _NUMBERS}
        return replace(sampling, **mine, logit_bias=self._sampling.logit_bias)

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return self._stops

    def show_order(self, sampling: Sampling) -> None:
        """Say what acts, and in which order, with all values of the panel."""
        if self._body is not None:
            self._order.setText("In this order: " + ", ".join(chain_of(sampling)) + ".")

    def _on_toggled(self, unfolded: bool) -> None:
        if self._body is None:
            self._body = self._make_body()
            self._column.addWidget(self._body)
            self._show_in_fields()
        self._body.setVisible(unfolded)
        self._show_heading()

    def _make_body(self) -> QWidget:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_3)
        for name, step, decimals, low_means in _NUMBERS:
            field = NumberField(
                self._theme, described(name), step=step, decimals=decimals, zero_means=low_means
            )
            self._numbers[name] = field
            field.changed.connect(self._on_edit)
            column.addWidget(field)
        self._stop_field = TextField(self._theme, "Stop strings", _STOP_HELP, height=_LINES_HEIGHT)
        self._bias_field = TextField(
            self._theme, "Logit bias", _BIAS_HELP, height=_LINES_HEIGHT, placeholder="token text: 5"
        )
        for text_field in (self._stop_field, self._bias_field):
            text_field.changed.connect(self._on_edit)
            column.addWidget(text_field)
        self._order = named(label(tone="muted", wrap=True, size=0.92), "Order of the samplers")
        column.addWidget(self._order)
        return body

    def _show_in_fields(self) -> None:
        for name, field in self._numbers.items():
            field.show_value(getattr(self._sampling, name), getattr(self._defaults, name))
        self._stop_field.show_text("\n".join(written(text) for text in self._stops))
        self._bias_field.show_text(biases_written(self._sampling.logit_bias))
        self._bias_field.show_note("")
        self.show_order(self._sampling)

    def _on_edit(self) -> None:
        biases, complaint = biases_from(self._bias_field.text)
        self._bias_field.show_note(complaint)
        self._stops = stops_from(self._stop_field.text)
        values: dict[str, Any] = {
            name: round(field.value()) if name in _WHOLE else field.value()
            for name, field in self._numbers.items()
        }
        self._sampling = replace(self._sampling, **values, logit_bias=biases)
        self._show_heading()
        self.changed.emit()

    def _show_heading(self) -> None:
        """Folded, it still says that something inside is set."""
        names = [name for name, *_ in _NUMBERS] + ["logit_bias"]
        count = sum(getattr(self._sampling, n) != getattr(self._defaults, n) for n in names)
        count += bool(self._stops)
        self.toggle.setText(f"{_NAME} ({count} set)" if count else _NAME)
        icon = "chevron-down" if self.toggle.isChecked() else "chevron-right"
        self.toggle.setIcon(self._theme.icon(icon, "muted"))


_WHOLE = frozenset(field.name for field in fields(Sampling) if isinstance(field.default, int))
