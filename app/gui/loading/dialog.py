"""The dialog of a model's load settings, with what they take of memory above them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain.fit import Fit
from app.domain.load_params import AutomaticThreads, LoadParams, ThreadsFrom
from app.domain.localmodel import LocalModel
from app.domain.placement import Device
from app.gui import fit_words
from app.gui.controls import ElidedLabel, label, named, restyle, styled, text_button
from app.gui.loading import words
from app.gui.loading.panel import LoadSettingsPanel
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_3, SPACE_6

_SIZE = (500, 660)


class LoadSettingsDialog(Dialog):
    """Shows what it is given and says what is wished for; closes itself."""

    changed = Signal(object)
    """The `LoadParams` that the fields say."""
    load_wished = Signal()
    measure_wished = Signal()
    threads_unwished = Signal()
    """What was measured to be the best number of threads shall be forgotten."""

    def __init__(self, parent: QWidget, theme: ThemeKeeper, model: LocalModel) -> None:
        super().__init__(parent, "Model settings")
        self.panel = LoadSettingsPanel(theme, model)
        self._is_measured = False
        self.column.addWidget(styled(ElidedLabel(model.label), tone="muted"))
        self.column.addWidget(self._make_need())
        scroll = named(QScrollArea(), "Load settings")
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.panel)
        self.column.addWidget(scroll, 1)
        self.note = named(label(tone="muted", wrap=True, size=0.92), "Load note")
        self.column.addWidget(self.note)
        self.reset = text_button("Reset to automatic", kind="quiet")
        self.load = text_button("Load again", kind="primary")
        self.close_button = text_button("Close", "Close model settings")
        self.add_buttons([self.reset, self.close_button, self.load])
        self.close_button.setDefault(True)
        self.panel.context.box.setFocus()
        room = parent.window().size()
        self.resize(
            min(_SIZE[0], room.width() - SPACE_6), min(_SIZE[1], room.height() - 2 * SPACE_6)
        )
        self.panel.changed.connect(self._on_edit)
        self.reset.clicked.connect(self._on_reset)
        self.load.clicked.connect(self.load_wished)
        self.measure.clicked.connect(self.measure_wished)
        self.close_button.clicked.connect(self.accept)

    def _make_need(self) -> QFrame:
        card = styled(QFrame(), ground="card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        inside.setSpacing(SPACE_1)
        self.need = label(wrap=True)
        self.need.setObjectName("Memory of the model")
        self.parts = label(tone="muted", wrap=True, size=0.92)
        self.parts.setObjectName("Parts of the memory")
        self.devices = label(tone="muted", wrap=True, size=0.92)
        self.devices.setObjectName("Devices")
        self.measure = text_button("Measure exactly")
        self.measure.setToolTip("llama.cpp lays the model out with these settings, loading nothing")
        first = QHBoxLayout()
        first.addWidget(self.need, 1)
        first.addWidget(self.measure)
        inside.addLayout(first)
        for line in (self.parts, self.devices):
            inside.addWidget(line)
        return card

    def show_params(self, params: LoadParams) -> None:
        """Take values without telling them as a change."""
        self.panel.show_params(params)
        self._follow()

    def show_threads(self, automatic: AutomaticThreads) -> None:
        """How many threads compute where that is left automatic, and who says so."""
        self._is_measured = automatic.source is ThreadsFrom.MEASURED
        self.panel.show_threads(automatic)
        self._follow()

    def show_fit(self, fit: Fit | None, largest: int) -> None:
        """What these settings take of memory; None: that is not known."""
        if fit is None:
            self.need.setText("This model's file does not say how much memory it takes.")
            self.parts.setText("")
        else:
            tone = fit_words.tone(fit)
            restyle(self.need, tone="" if tone == "muted" else tone)
            self.need.setText(fit_words.sentence(fit, largest))
            self.parts.setText(words.parts(fit))
        self.parts.setVisible(fit is not None)
        self.measure.setVisible(fit is not None and fit.measured is None)
        self.panel.show_fit(fit)

    def show_measuring(self, measuring: bool) -> None:
        """Whether the exact figure is being found."""
        self.measure.setEnabled(not measuring)
        self.measure.setText("Measuring…" if measuring else "Measure exactly")

    def show_devices(self, devices: Sequence[Device]) -> None:
        """What computes here, and what of the settings that leaves possible."""
        self.devices.setText(words.devices(devices))
        self.devices.setVisible(bool(devices))
        self.panel.show_devices(devices)

    def show_loaded(self, *, loaded: bool, outdated: bool) -> None:
        """Whether the model is in memory, and whether that is as the settings say."""
        self.load.setVisible(outdated)
        if outdated:
            self.note.setText("The model is loaded with other settings.")
        elif loaded:
            self.note.setText("The model is loaded with these settings.")
        else:
            self.note.setText("The settings hold from the next time the model is loaded.")

    def _follow(self) -> None:
        self.reset.setEnabled(self._is_measured or self.panel.params != LoadParams())

    def _on_edit(self) -> None:
        self._follow()
        self.changed.emit(self.panel.params)

    def _on_reset(self) -> None:
        if self._is_measured:
            self.threads_unwished.emit()
        self.show_params(LoadParams())
        self._on_edit()
