"""A known model in the popup."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.domain.localmodel import LocalModel
from app.gui.controls import ElidedLabel, Sign, icon_button, named, styled
from app.gui.picker.sentences import facts_of
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2

_HEIGHT = 46


class ModelRow(QWidget):
    """Label, quantisation and size; chooses the model, or forgets it."""

    chosen = Signal(str)
    forget_wished = Signal(str)

    def __init__(self, theme: ThemeKeeper, model: LocalModel) -> None:
        super().__init__()
        self.path = model.path
        self.is_current = False
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
        self._tick = Sign(theme.icon("check", "accent"), 16)
        row_inside = QHBoxLayout(self.main)
        row_inside.setContentsMargins(SPACE_2, SPACE_1, SPACE_2, SPACE_1)
        row_inside.addLayout(inside, 1)
        row_inside.addWidget(self._tick)
        for child in (title, detail, self._tick):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.main, 1)
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
        self.main.setAccessibleDescription("Chosen" if current else "")
        self._tick.setVisible(current)
