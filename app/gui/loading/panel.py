"""All load settings of a model: the usual ones first, the rarer ones folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.domain.fit import Fit, automatic_length
from app.domain.load_params import AUTOMATIC, AutomaticThreads, LoadParams
from app.domain.localmodel import LocalModel
from app.domain.placement import Device, DeviceKind
from app.gui.controls import label, named
from app.gui.inspector.context import lengths_for
from app.gui.loading import words
from app.gui.loading.adapters import AdaptersField
from app.gui.loading.draft import DraftField
from app.gui.loading.fields import (
    ChoiceField,
    CountField,
    LinesField,
    LoadField,
    RealField,
    SharesField,
    SwitchField,
)
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_3, SPACE_4

_ADVANCED = "Advanced load settings"
_NO_GRAPHICS = "This Lamplight finds no graphics processor it can use, so all layers stay here."
_FLASH = (("Automatic", "auto"), ("On", "on"), ("Off", "off"))
_ROPE = (("As the file says", "file"), ("None", "none"), ("Linear", "linear"), ("YaRN", "yarn"))


class LoadSettingsPanel(QWidget):
    """Edits a `LoadParams` value; values it has no field for pass through untouched."""

    changed = Signal()

    def __init__(self, theme: ThemeKeeper, model: LocalModel) -> None:
        super().__init__()
        self._theme = theme
        self._params = LoadParams()
        self._trained = model.facts.trained_context
        shape = model.shape
        slides = shape is not None and any(layer.sliding for layer in shape.layers)
        self.context = ChoiceField(theme, "context_length", self._lengths(None, None))
        self.layers = CountField(theme, "gpu_layers")
        self.no_graphics = label(_NO_GRAPHICS, tone="muted", wrap=True, size=0.92)
        self.no_graphics.setObjectName("No graphics processor")
        self.layers.column.addWidget(self.no_graphics)
        self.keys = ChoiceField(theme, "key_type")
        self.values = ChoiceField(theme, "value_type")
        self.threads = CountField(theme, "threads")
        self.threads_source = label(tone="muted", wrap=True, size=0.92)
        self.threads_source.setObjectName("Source of the threads")
        self.threads.column.addWidget(self.threads_source)
        self.micro_batch = CountField(theme, "micro_batch", 128)
        self._simple: tuple[LoadField, ...] = (
            self.context,
            self.layers,
            self.keys,
            self.values,
            self.threads,
        )
        self._graphics: tuple[LoadField, ...] = (
            SharesField(theme, "tensor_split"),
            CountField(theme, "main_device"),
        )
        self._advanced: tuple[LoadField, ...] = (
            *self._graphics,
            CountField(theme, "prompt_threads"),
            CountField(theme, "batch", 128),
            self.micro_batch,
            ChoiceField(theme, "flash_attention", _FLASH),
            SwitchField(theme, "mmap"),
            SwitchField(theme, "mlock"),
            *((SwitchField(theme, "full_window_cache"),) if slides else ()),
            ChoiceField(theme, "rope_scaling", _ROPE),
            RealField(theme, "rope_factor", 0.5, 2),
            RealField(theme, "rope_base", 10_000, 0),
            AdaptersField(theme),
            DraftField(theme),
            LinesField(theme, "template", "The file's own"),
        )
        self._lay_out()
        for field in self.fields:
            field.changed.connect(self._on_edit)
        self.toggle.toggled.connect(self._unfold)
        self._unfold(False)

    @property
    def fields(self) -> tuple[LoadField, ...]:
        """All fields from top to bottom."""
        return (*self._simple, *self._advanced)

    def _lay_out(self) -> None:
        self.toggle = named(QToolButton(), _ADVANCED)
        self.toggle.setCheckable(True)
        self.toggle.setAutoRaise(True)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._folded = QWidget()
        inside = QVBoxLayout(self._folded)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE_4)
        for field in self._advanced:
            inside.addWidget(field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_4)
        for field in self._simple:
            column.addWidget(field)
        column.addWidget(self.toggle)
        column.addWidget(self._folded)
        column.addStretch()

    def _unfold(self, unfolded: bool) -> None:
        self._folded.setVisible(unfolded)
        self._show_heading()

    def _show_heading(self) -> None:
        """Folded, it still says that something inside is set."""
        count = sum(field.value != field.what.default for field in self._advanced)
        self.toggle.setText(f"{_ADVANCED} ({count} set)" if count else _ADVANCED)
        icon = "chevron-down" if self.toggle.isChecked() else "chevron-right"
        self.toggle.setIcon(self._theme.icon(icon, "muted"))

    # ------------------------------------------------------------------------------- values

    @property
    def params(self) -> LoadParams:
        """What the fields say."""
        return replace(self._params, **{field.what.name: field.value for field in self.fields})

    def show_params(self, params: LoadParams) -> None:
        """Take values without telling them as a change."""
        self._params = params
        self.context.offer(self._lengths(params.context_length, None))
        for field in self.fields:
            field.show_value(getattr(params, field.what.name))
        self._show_heading()

    def show_fit(self, fit: Fit | None) -> None:
        """What is left automatic comes to."""
        if fit is not None:
            self.context.offer(self._lengths(self.context.value, fit.plan.context_length))
            for field, found in (
                (self.keys, fit.plan.key_type),
                (self.values, fit.plan.value_type),
            ):
                choices = [(word, word) for word in field.what.choices if word != AUTOMATIC]
                automatic = f"Automatic ({found})" if field.value == AUTOMATIC else "Automatic"
                field.offer([(automatic, AUTOMATIC), *choices])
            layers = sum(share.layers for share in fit.shares[1:])
            self.layers.show_automatic(f"Automatic ({layers})" if fit.shares else "Automatic")
            self.micro_batch.show_automatic(f"Automatic ({fit.plan.batch:,})")

    def show_threads(self, automatic: AutomaticThreads) -> None:
        """What automatic threads come to, and why."""
        count = automatic.count
        self.threads.show_automatic(f"Automatic ({count})" if count else "Automatic")
        self.threads_source.setText(words.threads(automatic))
        self.threads_source.setVisible(bool(self.threads_source.text()))

    def show_devices(self, devices: Sequence[Device]) -> None:
        """Offer only what these can do."""
        graphics = [device for device in devices if device.kind is not DeviceKind.PROCESSOR]
        self.layers.spin.setEnabled(bool(graphics))
        self.layers.help.setVisible(bool(graphics))
        self.no_graphics.setVisible(not graphics)
        for field in self._graphics:
            field.setVisible(len(graphics) > 1)

    def _lengths(self, wished: int | None, automatic: int | None) -> list[tuple[str, int | None]]:
        found = automatic if automatic and wished is None else automatic_length(self._trained)
        lengths = lengths_for(self._trained, wished)
        return [(f"Automatic ({found:,})", None), *((f"{n:,} tokens", n) for n in lengths)]

    def _on_edit(self) -> None:
        self._show_heading()
        self.changed.emit()
