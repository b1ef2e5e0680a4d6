"""The draft model of a model: one file, or none."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app.gui.controls import ElidedLabel, named, text_button
from app.gui.loading.fields import LoadField
from app.gui.theme.keeper import ThemeKeeper


class DraftField(LoadField):
    """The name of a file that is chosen in a file dialog; its reset takes it out."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__(theme, "draft_path")
        self._path = ""
        self.choose = text_button("Choose draft model…", "Choose draft model")
        self.choose.setAccessibleDescription(self.what.help)
        self.choose.clicked.connect(self._ask)
        self.top.addWidget(self.choose)
        self.name = named(ElidedLabel(""), "Draft model file")
        self.column.insertWidget(1, self.name)

    @property
    def value(self) -> str:
        return self._path

    def show_value(self, value: str) -> None:
        self._path = value
        self.name.set_full_text(value, Path(value).name)
        self.name.setVisible(bool(value))
        self._follow()

    def use_file(self, path: str) -> None:
        """Let this file guess."""
        self.show_value(path)
        self._on_edit()

    def _ask(self) -> None:
        dialog = named(QFileDialog(self.window()), "Choose a draft model")
        dialog.setWindowTitle("Choose a draft model")
        dialog.setDirectory(str(Path(self._path).parent if self._path else Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Model files (*.gguf)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.use_file)
        dialog.open()
