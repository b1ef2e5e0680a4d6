"""Fields for addresses and files: longer than what stands beside a label."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit

from app.domain.hub import NO_PROXY
from app.gui.access.words import PROXY_CHOICES
from app.gui.controls import ChoiceBox, named, text_button
from app.gui.loading.fields import LoadField
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2


class LineField(LoadField):
    """One line of text, told when it is left."""

    def __init__(self, theme: ThemeKeeper, name: str, placeholder: str, section: type[Any]) -> None:
        super().__init__(theme, name, section)
        self.edit = named(QLineEdit(), self.what.label)
        self.edit.setAccessibleDescription(self.what.help)
        self.edit.setPlaceholderText(placeholder)
        self.title.setBuddy(self.edit)
        self.row = QHBoxLayout()
        self.row.setSpacing(SPACE_2)
        self.row.addWidget(self.edit, 1)
        self.column.insertLayout(1, self.row)
        self.edit.editingFinished.connect(self._on_edit)

    @property
    def value(self) -> str:
        return self.edit.text().strip()

    def show_value(self, value: str) -> None:
        with QSignalBlocker(self.edit):
            self.edit.setText(value)
        self._follow()


class FileField(LineField):
    """The same for a file, with a dialog to choose it."""

    def __init__(self, theme: ThemeKeeper, name: str, placeholder: str, section: type[Any]) -> None:
        super().__init__(theme, name, placeholder, section)
        self.choose = text_button("Choose…", f"Choose {self.what.label.lower()}")
        self.choose.clicked.connect(self._ask)
        self.row.addWidget(self.choose)

    def _ask(self) -> None:
        filters = "Certificates (*.pem *.crt *.cer);;All files (*)"
        dialog = QFileDialog(self, f"Choose {self.what.label.lower()}", self.value, filters)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_chosen(self, path: str) -> None:
        self.show_value(path)
        self._on_edit()


class ProxyField(LineField):
    """As the system is set, none, or an address."""

    def __init__(self, theme: ThemeKeeper, section: type[Any]) -> None:
        super().__init__(theme, "proxy", "http://proxy.example:8080", section)
        self.edit.setObjectName("Proxy address")
        self.edit.setAccessibleName("Proxy address")
        self.box = named(ChoiceBox(theme), self.what.label)
        for key, text in PROXY_CHOICES.items():
            self.box.addItem(text, key)
        self.title.setBuddy(self.box)
        self.top.addWidget(self.box)
        self.box.currentIndexChanged.connect(self._on_choice)
        self._on_choice()

    @property
    def value(self) -> str:
        match self.box.currentData():
            case "none":
                return NO_PROXY
            case "address":
                return self.edit.text().strip()
            case _:
                return ""

    def show_value(self, value: str) -> None:
        key = {"": "system", NO_PROXY: "none"}.get(value, "address")
        with QSignalBlocker(self.box), QSignalBlocker(self.edit):
            self.box.setCurrentIndex(self.box.findData(key))
            self.edit.setText(value if key == "address" else "")
        self._show_possible()
        self._follow()

    def _show_possible(self) -> None:
        self.edit.setVisible(self.box.currentData() == "address")

    def _on_choice(self) -> None:
        self._show_possible()
        if self.edit.isVisible() and not self.value:
            # Nothing is set before an address is written.
            self.edit.setFocus()
        else:
            self._on_edit()
