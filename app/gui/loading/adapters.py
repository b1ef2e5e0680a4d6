"""The LoRA adapters of a model: a row for each, with its strength."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from app.domain.load_params import MOST_ADAPTERS, Adapter
from app.gui.controls import ElidedLabel, WheelGuard, icon_button, named, text_button
from app.gui.loading.fields import LoadField
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1

_STRENGTH_WIDTH = 72


class AdaptersField(LoadField):
    """A list that grows by a file dialog."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__(theme, "adapters")
        self._theme = theme
        self._adapters: tuple[Adapter, ...] = ()
        self._folder = Path.home()
        self.add = text_button("Add adapter…", "Add adapter")
        self.add.clicked.connect(self._ask)
        self.top.addWidget(self.add)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE_1)
        self.column.insertLayout(1, self._rows)

    @property
    def value(self) -> tuple[Adapter, ...]:
        return self._adapters

    def show_value(self, value: tuple[Adapter, ...]) -> None:
        self._adapters = value
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for number, adapter in enumerate(value):
            self._rows.addWidget(self._row(number, adapter))
        self.add.setEnabled(len(value) < MOST_ADAPTERS)
        self._follow()

    def add_files(self, paths: list[str]) -> None:
        """Use these files too."""
        added = tuple(Adapter(path) for path in paths)
        if added:
            self._folder = Path(added[-1].path).parent
            self.show_value((*self._adapters, *added)[:MOST_ADAPTERS])
            self._on_edit()

    def _row(self, number: int, adapter: Adapter) -> QWidget:
        row = _AdapterRow(self._theme, adapter)
        row.scaled.connect(lambda scale: self._scale(number, scale))
        row.removed.connect(lambda: self._remove(number))
        return row

    def _scale(self, number: int, scale: float) -> None:
        changed = [*self._adapters]
        changed[number] = replace(changed[number], scale=scale)
        self._adapters = tuple(changed)
        self._on_edit()

    def _remove(self, number: int) -> None:
        self.show_value((*self._adapters[:number], *self._adapters[number + 1 :]))
        self._on_edit()

    def _ask(self) -> None:
        dialog = named(QFileDialog(self.window()), "Add an adapter")
        dialog.setWindowTitle("Add an adapter")
        dialog.setDirectory(str(self._folder))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(["Adapter files (*.gguf)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.add_files)
        dialog.open()


class _AdapterRow(QWidget):
    """File name, strength, and away with it."""

    scaled = Signal(float)
    removed = Signal()

    def __init__(self, theme: ThemeKeeper, adapter: Adapter) -> None:
        super().__init__()
        name = Path(adapter.path).name
        words = ElidedLabel(name)
        words.setToolTip(adapter.path)
        strength = named(QDoubleSpinBox(), f"Strength of {name}", "1 is as it was trained")
        strength.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        strength.setRange(-10, 10)
        strength.setSingleStep(0.1)
        strength.setDecimals(2)
        strength.setKeyboardTracking(False)
        strength.setAlignment(Qt.AlignmentFlag.AlignRight)
        strength.setFixedWidth(_STRENGTH_WIDTH)
        strength.setValue(adapter.scale)
        strength.installEventFilter(WheelGuard(self))
        strength.valueChanged.connect(self.scaled)
        away = icon_button(theme, "x", f"Remove {name}", "Take it out; the file stays")
        away.clicked.connect(self.removed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_1)
        row.addWidget(words, 1)
        row.addWidget(strength)
        row.addWidget(away)
