"""The dialog “Memory and disk”: it shows what it is given and says what is wished for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.domain.settings import ChatSettings, EngineSettings, Settings
from app.gui.controls import label, named, separator, styled, text_button
from app.gui.inspector.prompt_fields import OVERFLOW_WORDS
from app.gui.loading.fields import ChoiceField, CountField, LoadField, RealField, SwitchField
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_3, SPACE_4, SPACE_6
from app.gui.wording import size_text

_SIZE = (500, 660)
_LATER = "These two hold from the next time a model is loaded."


class MemoryDialog(Dialog):
    """Edits some of the settings; blocks nothing, so one may go on writing beside it."""

    changed = Signal()
    clear_wished = Signal()

    def __init__(self, parent: QWidget, theme: ThemeKeeper) -> None:
        super().__init__(parent, "Memory and disk")
        self.setModal(False)
        self._make_fields(theme)
        self.taken = _line("Memory of loaded models")
        self.kept = _line("Kept on disk")
        self.clear = text_button("Clear", "Clear what is kept on disk")
        self._lay_out()
        for field in (*self._engine, *self._chat):
            field.changed.connect(self._on_edit)
        self.clear.clicked.connect(self.clear_wished)
        self.show_kept(None)
        self.budget.spin.setFocus()
        room = parent.window().size()
        self.resize(
            min(_SIZE[0], room.width() - SPACE_6), min(_SIZE[1], room.height() - 2 * SPACE_6)
        )

    def _make_fields(self, theme: ThemeKeeper) -> None:
        section = EngineSettings
        self.budget = RealField(theme, "memory_budget_gb", 1, 1, "What is free", section)
        self.budget.spin.setSuffix(" GB")
        self.minutes = CountField(theme, "keep_minutes", 5, section)
        self.minutes.spin.setSpecialValueText("Never")
        self.minutes.spin.setSuffix(" minutes")
        self.disk = SwitchField(theme, "disk_cache", section)
        self.space = CountField(theme, "disk_cache_gb", 1, section)
        self.space.spin.setSuffix(" GB")
        self._engine: tuple[LoadField, ...] = (self.budget, self.minutes, self.disk, self.space)
        self._chat: tuple[LoadField, ...] = (
            ChoiceField(theme, "overflow", OVERFLOW_WORDS, ChatSettings),
        )

    def _lay_out(self) -> None:
        kept = QHBoxLayout()
        kept.addWidget(self.kept, 1)
        kept.addWidget(self.clear)
        sheet = QWidget()
        column = QVBoxLayout(sheet)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_4)
        for widget in (
            _heading("Memory"), _card(self.taken), self.budget, self.minutes, separator(),
            _heading("Disk"), _card(kept), self.disk, self.space,
            label(_LATER, tone="muted", wrap=True, size=0.92), separator(),
            _heading("New conversations"), *self._chat,
        ):  # fmt: skip
            column.addWidget(widget)
        column.addStretch()
        scroll = named(QScrollArea(), "Memory settings")
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(sheet)
        self.column.addWidget(scroll, 1)
        close = text_button("Close", "Close memory and disk")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        self.add_buttons([close])

    # ------------------------------------------------------------------------------- content

    def show_settings(self, settings: Settings) -> None:
        """Take values without telling them as a change."""
        for fields, values in ((self._engine, settings.engine), (self._chat, settings.chat)):
            for field in fields:
                field.show_value(getattr(values, field.what.name))
        self._show_possible()

    def applied(self, settings: Settings) -> Settings:
        """The same with what the fields say."""
        return replace(
            settings,
            engine=replace(settings.engine, **_values(self._engine)),
            chat=replace(settings.chat, **_values(self._chat)),
        )

    def show_taken(self, models: int, taken: int) -> None:
        """What the loaded models take now, in bytes."""
        if not models:
            self.taken.setText("No model is loaded now.")
        elif models == 1:
            self.taken.setText(f"The loaded model takes {size_text(taken)} now.")
        else:
            self.taken.setText(f"{models} loaded models take {size_text(taken)} now.")

    def show_kept(self, kept: int | None, removed: int = 0) -> None:
        """What is kept on disk, and what was just removed there; None: that is not known now."""
        self.clear.setEnabled(bool(kept))
        before = f"{size_text(removed)} were removed. " if removed else ""
        if kept is None:
            self.kept.setText("Looking…")
        elif kept:
            self.kept.setText(f"{before}Read conversations take {size_text(kept)} on disk now.")
        else:
            self.kept.setText(f"{before}Nothing is kept on disk now.")

    def show_unknown(self) -> None:
        """That looking or removing failed; why is said elsewhere."""
        self.clear.setEnabled(True)
        self.kept.setText("What is kept on disk is not known.")

    def _show_possible(self) -> None:
        self.space.spin.setEnabled(self.disk.value)

    def _on_edit(self) -> None:
        self._show_possible()
        self.changed.emit()


def _values(fields: tuple[LoadField, ...]) -> dict[str, Any]:
    return {field.what.name: field.value for field in fields}


def _line(name: str) -> QLabel:
    line = label(wrap=True)
    line.setObjectName(name)
    return line


def _heading(words: str) -> QLabel:
    heading = label(words)
    font = heading.font()
    font.setWeight(font.Weight.DemiBold)
    heading.setFont(font)
    return heading


def _card(content: QWidget | QHBoxLayout) -> QFrame:
    card = styled(QFrame(), ground="card")
    inside = QVBoxLayout(card)
    inside.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
    if isinstance(content, QWidget):
        inside.addWidget(content)
    else:
        inside.addLayout(content)
    return card
