"""Dialogs; always opened with `open()`: a nested event loop would stop every other task."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.domain.errors import AppError
from app.gui.controls import label, named, text_button
from app.gui.present.report import error_report
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6


class Dialog(QDialog):
    """A title, something below it, and a row of buttons; Esc closes it."""

    def __init__(self, parent: QWidget | None, title: str) -> None:
        super().__init__(parent)
        named(self, title)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        self.column.setSpacing(SPACE_3)
        heading = label(title, size=1.25)
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        self.column.addWidget(heading)

    def bring_forward(self) -> None:
        """Show it beside the window, in front of what is there."""
        self.show()
        self.raise_()
        self.activateWindow()

    def add_buttons(self, buttons: Sequence[QPushButton]) -> None:
        """The buttons at the lower right, the main one last."""
        row = QHBoxLayout()
        row.setContentsMargins(0, SPACE_3, 0, 0)
        row.setSpacing(SPACE_2)
        row.addStretch()
        for button in buttons:
            row.addWidget(button)
        self.column.addLayout(row)


def link_dialog(parent: QWidget, address: str) -> Dialog:
    """Ask before an address leaves the application; `accepted` means: open it."""
    dialog = Dialog(parent, "Open this link?")
    dialog.setMinimumWidth(min(480, parent.width() - SPACE_6))
    dialog.column.addWidget(
        label("It opens outside Lamplight, in your browser or mail program.", wrap=True)
    )
    target = named(QPlainTextEdit(address), "Link address")
    target.setReadOnly(True)
    target.setTabChangesFocus(True)
    target.setFixedHeight(84)
    dialog.column.addWidget(target)
    copy = text_button("Copy address")
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(address))
    copy.clicked.connect(dialog.reject)
    cancel = text_button("Cancel")
    cancel.clicked.connect(dialog.reject)
    go = text_button("Open link", kind="primary")
    go.clicked.connect(dialog.accept)
    dialog.add_buttons([copy, cancel, go])
    # Enter must not open a link by accident.
    cancel.setDefault(True)
    cancel.setFocus()
    return dialog


def shortcuts_dialog(
    parent: QWidget, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]
) -> Dialog:
    """All keyboard shortcuts, by menu."""
    dialog = Dialog(parent, "Keyboard shortcuts")
    sheet = QWidget()
    grid = QGridLayout(sheet)
    grid.setContentsMargins(0, 0, SPACE_4, 0)
    grid.setHorizontalSpacing(SPACE_6)
    grid.setVerticalSpacing(SPACE_2)
    for group, rows in groups:
        heading = label(group, tone="muted")
        if grid.rowCount() > 1:
            heading.setContentsMargins(0, SPACE_3, 0, 0)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
        for words, keys in rows:
            row = grid.rowCount()
            grid.addWidget(label(words), row, 0)
            grid.addWidget(label(keys), row, 1, Qt.AlignmentFlag.AlignRight)
    scroll = named(QScrollArea(), "Shortcuts")
    scroll.setWidgetResizable(True)
    scroll.setWidget(sheet)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setMinimumWidth(sheet.sizeHint().width() + SPACE_6)
    dialog.column.addWidget(scroll)
    dialog.resize(420, min(sheet.sizeHint().height() + 160, parent.height() - SPACE_6))
    close = text_button("Close")
    close.clicked.connect(dialog.accept)
    close.setDefault(True)
    dialog.add_buttons([close])
    return dialog


def about_dialog(parent: QWidget, version: str) -> Dialog:
    """What this is and what it stands on."""
    dialog = Dialog(parent, "Lamplight")
    dialog.column.addWidget(label(f"Version {version}", tone="muted"))
    dialog.column.addWidget(
        label(
            "Chat with language models that live on your own computer. "
            "Nothing you write leaves it unless you ask for it.",
            wrap=True,
        )
    )
    dialog.column.addWidget(
        label(
            "Built on llama.cpp, Qt for Python, SQLite and Lucide icons. MIT licence.",
            tone="muted",
            wrap=True,
        )
    )
    dialog.setFixedWidth(min(420, parent.width() - SPACE_6))
    close = text_button("Close")
    close.clicked.connect(dialog.accept)
    close.setDefault(True)
    dialog.add_buttons([close])
    return dialog


def error_dialog(error: AppError) -> Dialog:
    """An error where there is no window to show a banner in."""
    dialog = Dialog(None, error.title)
    dialog.setMinimumWidth(380)
    for text, tone in ((error.detail, "muted"), (error.remedy, "")):
        if text:
            dialog.column.addWidget(label(text, tone=tone, wrap=True))
    copy = text_button("Copy report")
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(error_report(error)))
    close = text_button("Close", kind="primary")
    close.clicked.connect(dialog.accept)
    close.setDefault(True)
    dialog.add_buttons([copy, close])
    return dialog
