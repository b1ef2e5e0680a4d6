"""Long work that is going on: a line for each, with how far it is and a button to end it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.domain.library import WorkProgress
from app.gui.controls import ElidedLabel, named, styled, text_button
from app.gui.library.words import progress_text
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4

_STEPS = 1000


class WorkLine(QWidget):
    """One piece of work."""

    cancel_wished = Signal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._words = ElidedLabel(progress_text(title, None))
        self._words.setObjectName("Work")
        self._bar = named(QProgressBar(), f"Progress: {title}")
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        self.cancel = text_button("Cancel", f"Cancel: {title}")
        self.cancel.clicked.connect(self._on_cancel)
        column = QVBoxLayout()
        column.setSpacing(SPACE_1)
        column.addWidget(self._words)
        column.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_3)
        row.addLayout(column, 1)
        row.addWidget(self.cancel)

    def show_progress(self, progress: WorkProgress) -> None:
        """How far it is now."""
        if progress.total_bytes:
            self._bar.setRange(0, _STEPS)
            self._bar.setValue(progress.done_bytes * _STEPS // progress.total_bytes)
        self._words.set_full_text(progress_text(self._title, progress), f"{self._title}…")

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.cancel_wished.emit()


class WorkStrip(QFrame):
    """There while there is work."""

    def __init__(self) -> None:
        super().__init__()
        styled(self, edge="top")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(SPACE_4, SPACE_2, SPACE_3, SPACE_2)
        self._column.setSpacing(SPACE_2)
        self.hide()

    def begin(self, title: str) -> WorkLine:
        """A line for new work."""
        line = WorkLine(title)
        self._column.addWidget(line)
        self.show()
        return line

    def end(self, line: WorkLine) -> None:
        """The work of this line is over."""
        self._column.removeWidget(line)
        line.hide()
        line.deleteLater()
        if not self._column.count():
            self.hide()
