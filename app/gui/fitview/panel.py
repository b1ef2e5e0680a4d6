"""The fit panel: what a model would take here, with a context to try, live."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.domain.fit import Fit
from app.domain.fit_inputs import FitInputs
from app.domain.load_params import LoadParams, is_possible
from app.gui import fit_words
from app.gui.controls import ChoiceBox, ElidedLabel, label, named, restyle
from app.gui.fitview import words
from app.gui.fitview.context_slider import ContextSlider
from app.gui.fitview.picture import DeviceBar, Swatch
from app.gui.fitview.places import Part, Place, places_of
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3

_SMALL = 0.92
_FULL, _HALF = "f16", "q8_0"
_TYPES = (("16 bits", _FULL), ("8 bits", _HALF))
_TYPE_TIP = "How exactly the context is kept: 8 bits take half the memory, hardly to be told"


class FitPanel(QWidget):
    """For a model that is here or on the hub; starts with the choices that Lamplight would make.

    How to use it:

        panel = FitPanel(theme)
        panel.show_waiting()                                # the header is being read
        model = await services.hub.look_into(details, variant)
        await services.fit.look_at_devices()                # once; else only memory is compared
        inputs = services.fit.inputs(model)                 # what is free now
        panel.show_inputs(inputs) if inputs else panel.show_unknown()

    From there on the panel calculates by itself. `params` is what was tried, for whoever wants to
    keep it as the model's settings. It grows downwards and needs 260 logical pixels of width.
    """

    changed = Signal()
    """A person tries another context or another type for it."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Fit")
        self._theme = theme
        self._inputs: FitInputs | None = None
        self._largest = 0
        self.verdict = label(wrap=True)
        self.verdict.setObjectName("Fit verdict")
        self.layers = label(tone="muted", wrap=True, size=_SMALL)
        self.layers.setObjectName("Fit layers")
        self.context = ContextSlider()
        self.longest = label(tone="muted", wrap=True, size=_SMALL)
        self.longest.setObjectName("Longest context")
        self.type = named(ChoiceBox(theme), "Context kept in", _TYPE_TIP)
        for text, value in _TYPES:
            self.type.addItem(text, value)
        self.devices = _Devices(theme)
        self.account = _Account(theme)
        self._lay_out()
        self.context.changed.connect(self._on_context)
        self.type.currentIndexChanged.connect(self._on_type)
        self.show_waiting()

    def _lay_out(self) -> None:
        self._body = QWidget()
        kept = QHBoxLayout()
        kept.addWidget(label("Context kept in"))
        kept.addStretch()
        kept.addWidget(self.type)
        inside = QVBoxLayout(self._body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE_2)
        for widget in (self.layers, self.devices, self.account):
            inside.addWidget(widget)
        inside.addSpacing(SPACE_1)
        inside.addWidget(self.context)
        inside.addWidget(self.longest)
        inside.addLayout(kept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.verdict)
        column.addWidget(self._body)

    # ----------------------------------------------------------------------------- what is shown

    def show_waiting(self) -> None:
        """The file's header is still being read."""
        self._show_only("Reading what the file says about itself…")

    def show_unknown(self, why: str = "") -> None:
        """What it takes cannot be told; `why` is a sentence."""
        self._show_only(why or "This file does not say how much memory it takes.")

    def show_inputs(self, inputs: FitInputs) -> None:
        """A model and what is free; tried are the choices that would be made by themselves."""
        self._inputs = inputs
        own = inputs.fitted(LoadParams())
        self.context.offer(inputs.trained_context, own.context_length or 0)
        self.type.blockSignals(True)
        self.type.setCurrentIndex(self.type.findData(_HALF if own.key_type == _HALF else _FULL))
        self.type.blockSignals(False)
        self.type.setEnabled(is_possible(_HALF, inputs.shape.head_width))
        self._body.show()
        self._on_type()

    @property
    def params(self) -> LoadParams:
        """What is tried; all that the panel does not offer is automatic."""
        kept = self.type.currentData()
        return LoadParams(context_length=self.context.length, key_type=kept, value_type=kept)

    # ------------------------------------------------------------------------------ calculation

    def _show_only(self, sentence: str) -> None:
        self._inputs = None
        restyle(self.verdict, tone="muted")
        self.verdict.setText(sentence)
        self._body.hide()

    def _on_type(self) -> None:
        if self._inputs is not None:
            self._largest = self._inputs.largest_context(self.params)
            self.longest.setText(words.longest(self._largest, self._inputs.trained_context))
            self._on_context()

    def _on_context(self) -> None:
        if self._inputs is None:
            return
        fit = self._inputs.fit(self.params)
        self._show(fit, places_of(self._inputs, fit))
        self.changed.emit()

    def _show(self, fit: Fit, places: tuple[Place, ...]) -> None:
        tone = fit_words.tone(fit)
        restyle(self.verdict, tone="" if tone == "muted" else tone)
        self.verdict.setText(words.sentence(fit, places, self._largest))
        self.layers.setText(words.layers(places))
        self.layers.setVisible(len(places) > 1)
        self.devices.show_places(places)
        self.account.show_places(places)


class _Devices(QWidget):
    """A name, what is needed and free, and a bar for each device."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[_DeviceRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_3)

    def show_places(self, places: tuple[Place, ...]) -> None:
        while len(self._rows) < len(places):
            self._rows.append(_DeviceRow(self._theme, places[len(self._rows)]))
            self._column.addWidget(self._rows[-1])
        for row, place in zip(self._rows, places, strict=False):
            row.show_place(place)
        for number, row in enumerate(self._rows):
            row.setVisible(number < len(places))


class _DeviceRow(QWidget):
    def __init__(self, theme: ThemeKeeper, place: Place) -> None:
        super().__init__()
        self._name = ElidedLabel()
        self._caption = label(size=_SMALL)
        self._bar = DeviceBar(theme, place)
        top = QHBoxLayout()
        top.setSpacing(SPACE_2)
        top.addWidget(self._name, 1)
        top.addWidget(self._caption)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addLayout(top)
        column.addWidget(self._bar)

    def show_place(self, place: Place) -> None:
        about = f"{place.name}: {place.about}" if place.about else place.name
        self._name.set_full_text(about, place.name)
        restyle(self._caption, tone=words.caption_tone(place))
        self._caption.setText(words.caption(place))
        self._bar.show_place(place)


class _Account(QWidget):
    """The legend, which is the account too: a row for each part, its total below."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Fit account")
        self._theme = theme
        self._shown: tuple[object, ...] = ()
        self._cells: list[list[QLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_2)
        self._grid.setVerticalSpacing(SPACE_1)
        self._grid.setColumnStretch(1, 1)

    def show_places(self, places: tuple[Place, ...]) -> None:
        rows, columns = words.account(places), words.columns(places)
        names = tuple(name for name, _ in rows)
        if self._shown != (names, columns):
            self._shown = (names, columns)
            self._build(names, columns)
        for cells, (_, amounts) in zip(self._cells, rows, strict=True):
            for cell, amount in zip(cells, amounts, strict=True):
                cell.setText(amount)

    def _build(self, names: tuple[str, ...], columns: tuple[str, ...]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for number, heading in enumerate(columns):
            self._grid.addWidget(_amount(heading, "muted"), 0, number + 2)
        self._cells = []
        for row, name in enumerate(names, start=1):
            if isinstance(name, Part):
                swatch = Swatch(self._theme, name)
                self._grid.addWidget(swatch, row, 0, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(label(name, size=_SMALL), row, 1)
            cells = [_amount("", "") for _ in range(max(1, len(columns)))]
            for number, cell in enumerate(cells):
                cell.setObjectName(f"{name} {columns[number] if columns else ''}".strip())
                self._grid.addWidget(cell, row, number + 2)
            self._cells.append(cells)


def _amount(text: str, tone: str) -> QLabel:
    made = label(text, tone=tone, size=_SMALL)
    made.setAlignment(Qt.AlignmentFlag.AlignRight)
    return made
