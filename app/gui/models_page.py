"""The page `Models`: what could be fetched, and what is on this computer."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QStackedWidget, QWidget

from app.gui.controls import named, styled, text_button
from app.gui.pages import MODELS, Page, PageHeader

DISCOVER, LIBRARY = "Discover", "Library"


class ModelsPage(Page):
    """Two parts behind a small switch. A part may have `take_focus()` and `step_back() -> bool`,
    as a page has."""

    part_changed = Signal(str)
    by_name_wished = Signal()

    def __init__(self, discover: QWidget, library: QWidget, foot: QWidget | None = None) -> None:
        """`foot`: of a part, what must not be covered there."""
        self._header = PageHeader("Models")
        super().__init__(MODELS, "box", self._header)
        self._parts = {DISCOVER: discover, LIBRARY: library}
        self.foot = foot
        self._shown = discover
        self._stack = QStackedWidget()
        self._switch = QButtonGroup(self)
        by_name = text_button("By name…", "Get a model by name", kind="quiet")
        by_name.setToolTip("Paste the name or the address of a model")
        by_name.clicked.connect(self.by_name_wished)
        self._header.add(by_name)
        for name, part in self._parts.items():
            self._stack.addWidget(part)
            button = styled(named(text_button(name), f"Show {name.lower()}"), kind="switch")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=name: self.show_part(name, focus=True))
            self._switch.addButton(button)
            self._header.add(button)
        self.add(self._stack, 1)
        self.show_part(DISCOVER)

    @property
    def part(self) -> str:
        """The name of the part that is shown."""
        return next(name for name, part in self._parts.items() if part is self._shown)

    def show_part(self, name: str, *, focus: bool = False) -> None:
        """Show `DISCOVER` or `LIBRARY`, and go on there if `focus` is wished."""
        self._shown = self._parts[name]
        self._stack.setCurrentWidget(self._shown)
        for button in self._switch.buttons():
            button.setChecked(button.text() == name)
        self.part_changed.emit(name)
        if focus:
            self.take_focus()

    def take_focus(self) -> None:
        take = getattr(self._shown, "take_focus", None)
        if callable(take):
            take()
        else:
            self._shown.setFocus()

    def step_back(self) -> bool:
        back = getattr(self._shown, "step_back", None)
        return bool(back()) if callable(back) else False
