"""The line above the conversation: its title, the model, and what folds the inspector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.gui.controls import ElidedLabel, icon_button, styled
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import HEADER_HEIGHT, SPACE_2, SPACE_4

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

_MODEL_SHARE = 0.4


class Header(QFrame):
    """Holds the buttons; the window connects them."""

    def __init__(self, theme: ThemeKeeper, model_button: QWidget) -> None:
        super().__init__()
        self._model_button = model_button
        styled(self, edge="bottom")
        self.setFixedHeight(HEADER_HEIGHT)
        self.inspector_button = icon_button(theme, "sliders-horizontal", "Toggle inspector")
        self.inspector_button.setToolTip("Show or hide the settings of this conversation (Ctrl+I)")
        self.inspector_button.setCheckable(True)
        self._title = ElidedLabel()
        self._title.setObjectName("Conversation title")
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_4, 0, SPACE_2, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self._title, 1)
        row.addWidget(model_button)
        row.addWidget(self.inspector_button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # A long name of a model gives way before the title does.
        self._model_button.setMaximumWidth(int(self.width() * _MODEL_SHARE))

    def set_title(self, title: str) -> None:
        """Name the conversation that is shown."""
        self._title.set_full_text(title)

    def title(self) -> str:
        """The title that is shown."""
        return self._title.full_text()
