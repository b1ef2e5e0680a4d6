"""The context length: which lengths a model offers, and whether it must be loaded again."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal

from app.domain.fit import Fit, automatic_length, padded
from app.domain.generation import LoadedInfo
from app.domain.localmodel import LocalModel
from app.gui import fit_words
from app.gui.controls import ChoiceBox, label, named, restyle, text_button
from app.gui.inspector.fields import FieldFrame
from app.gui.theme.keeper import ThemeKeeper

_HELP = (
    "How many tokens of the conversation the model can see. More takes more memory. "
    "It is applied when the model is loaded."
)
_LENGTHS = tuple(1024 * 2**power for power in range(11))


def lengths_for(trained: int, wished: int | None) -> list[int]:
    """What to offer: powers of two up to the trained length, that one, and what is wished."""
    most = trained or _LENGTHS[-1]
    offered = {length for length in _LENGTHS if length <= most}
    offered |= {length for length in (trained, wished or 0) if length}
    return sorted(offered)


class ContextField(FieldFrame):
    """Automatic or a length; offers to load again when another length is loaded."""

    changed = Signal()
    reload_wished = Signal(object)

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__(theme, "Context length", _HELP)
        self._wished: int | None = None
        self._trained = 0
        self._automatic = automatic_length(0)
        self._is_set = False
        self._info: LoadedInfo | None = None
        self.box = named(ChoiceBox(theme), "Context length")
        self.box.setAccessibleDescription(_HELP)
        self.column.addWidget(self.box)
        self.need = label(tone="muted", wrap=True, size=0.92)
        self.need.setObjectName("Memory need")
        self.need.hide()
        self.column.addWidget(self.need)
        self._note = label(tone="muted", wrap=True, size=0.92)
        self.column.addWidget(self._note)
        self.reload = text_button("Reload to apply")
        self.column.addWidget(self.reload)
        self.settings = text_button("Model settings…")
        self.column.addWidget(self.settings)
        self.box.currentIndexChanged.connect(self._on_chosen)
        self.reload.clicked.connect(lambda: self.reload_wished.emit(self._wished))
        self.reset_wished.connect(lambda: self.box.setCurrentIndex(0))
        self._refill()

    def length(self) -> int | None:
        """The wish; None is automatic."""
        return self._wished

    def show_length(self, wished: int | None) -> None:
        """Take a wish without telling it as a change."""
        self._wished = wished
        self._refill()

    def show_model(
        self, chosen: LocalModel | None, info: LoadedInfo | None, usual: int, *, is_set: bool
    ) -> None:
        """Offer what this model can do; without a wish its context has `usual` tokens, because its
        settings say so (`is_set`) or by itself."""
        self._info = info
        self._trained = chosen.facts.trained_context if chosen else 0
        self._automatic, self._is_set = usual, is_set
        self._refill()

    def show_fit(self, fit: Fit | None, largest: int) -> None:
        """What the length takes of memory; None: that is not known. `largest` would fit."""
        self.need.setVisible(fit is not None)
        if fit is not None:
            restyle(self.need, tone=fit_words.tone(fit))
            self.need.setText(fit_words.sentence(fit, largest))
            self.need.setToolTip(fit_words.itemised(fit))

    def _refill(self) -> None:
        with QSignalBlocker(self.box):
            self.box.clear()
            usual = "As the model is set" if self._is_set else "Automatic"
            self.box.addItem(f"{usual} ({self._automatic:,})", None)
            for length in lengths_for(self._trained, self._wished):
                self.box.addItem(f"{length:,} tokens", length)
            self.box.setCurrentIndex(max(0, self.box.findData(self._wished)))
        self._show_reload()

    def _on_chosen(self, index: int) -> None:
        self._wished = self.box.itemData(index)
        self._show_reload()
        self.changed.emit()

    def _show_reload(self) -> None:
        self.reset.setVisible(self._wished is not None)
        wished = padded(self._wished or self._automatic)
        loaded = self._info.context_length if self._info else wished
        differs = loaded != wished
        self._note.setText(f"Loaded now with {loaded:,} tokens." if differs else "")
        self._note.setVisible(differs)
        self.reload.setVisible(differs)
