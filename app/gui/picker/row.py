"""A known model in the popup."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.domain.fit import Fit
from app.domain.generation import LoadedInfo
from app.domain.localmodel import LocalModel
from app.gui import fit_words
from app.gui.controls import ElidedLabel, Sign, icon_button, label, named, restyle, styled
from app.gui.picker.sentences import facts_of, memory_lines
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2
from app.gui.wording import size_text

_HEIGHT = 46


class ModelRow(QWidget):
    """Label, quantisation and size; chooses the model, sets it, unloads it, or forgets it."""

    chosen = Signal(str)
    forget_wished = Signal(str)
    settings_wished = Signal(str)
    unload_wished = Signal(str)

    def __init__(self, theme: ThemeKeeper, model: LocalModel) -> None:
        super().__init__()
        self.path = model.path
        self.is_current = False
        self._fit = ""
        self._loaded: LoadedInfo | None = None
        self._name = f"{model.label}, {facts_of(model)}"
        self.main = styled(named(QPushButton(), self._name), kind="row")
        self.main.setMinimumWidth(120)
        self.main.setToolTip(model.path)
        self.main.setFixedHeight(_HEIGHT)
        self.main.clicked.connect(lambda: self.chosen.emit(self.path))
        title, detail = ElidedLabel(model.label), ElidedLabel(facts_of(model))
        styled(detail, tone="muted")
        inside = QVBoxLayout()
        inside.setSpacing(0)
        inside.addWidget(title)
        inside.addWidget(detail)
        self.badge = label(size=0.92)
        self.badge.setObjectName("Fit")
        self.badge.hide()
        self._tick = Sign(theme.icon("check", "accent"), 16)
        row_inside = QHBoxLayout(self.main)
        row_inside.setContentsMargins(SPACE_2, SPACE_1, SPACE_2, SPACE_1)
        row_inside.addLayout(inside, 1)
        row_inside.addWidget(self.badge)
        row_inside.addWidget(self._tick)
        for child in (title, detail, self.badge, self._tick):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.main, 1)
        self.unload = icon_button(
            theme, "power", f"Unload {model.label}", "Give its memory back; it stays in this list"
        )
        self.unload.clicked.connect(lambda: self.unload_wished.emit(self.path))
        self.unload.hide()
        row.addWidget(self.unload)
        settings = icon_button(
            theme, "sliders-horizontal", f"Settings of {model.label}", "How it is loaded"
        )
        settings.clicked.connect(lambda: self.settings_wished.emit(self.path))
        row.addWidget(settings)
        if not model.read_only:
            forget = icon_button(
                theme, "x", f"Forget {model.label}", "Take it out of this list; the file stays"
            )
            forget.clicked.connect(lambda: self.forget_wished.emit(self.path))
            row.addWidget(forget)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _HEIGHT)

    def set_current(self, current: bool) -> None:
        """Mark it as the one that answers."""
        self.is_current = current
        self._tick.setVisible(current)
        self._offer_unload()
        self._describe()

    def show_loaded(self, info: LoadedInfo | None) -> None:
        """Say that it is in memory; None: it is not."""
        self._loaded = info
        self._offer_unload()

    def _offer_unload(self) -> None:
        # The chosen one has a button below the list, with words on it.
        self.unload.setVisible(self._loaded is not None and not self.is_current)

    def show_fit(self, fit: Fit | None) -> None:
        """Say whether it fits into memory; None: that is not known. Of a model that is in memory,
        what it takes there."""
        info = self._loaded
        self.badge.setVisible(fit is not None or info is not None)
        if info is not None:
            restyle(self.badge, tone="success")
            self.badge.setText(f"loaded, {size_text(info.total_bytes)}")
            self._fit = self.badge.text()
            tip = f"{self.path}\n\n{memory_lines(info)}"
        elif fit is None:
            self._fit, tip = "", self.path
        else:
            restyle(self.badge, tone=fit_words.tone(fit))
            self.badge.setText(fit_words.badge(fit))
            self._fit = f"{fit_words.badge(fit)}, {fit_words.total(fit)}"
            tip = f"{self.path}\n\n{fit_words.itemised(fit)}"
        self.main.setToolTip(tip)
        self._describe()

    def _describe(self) -> None:
        said = ("Chosen" if self.is_current else "", self._fit)
        self.main.setAccessibleDescription("; ".join(filter(None, said)))
