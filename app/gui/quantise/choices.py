"""The table of what a model can become; one row is chosen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
)

from app.domain.fit import Fit, Verdict
from app.domain.quantise import RECOMMENDED, QuantiseOption, QuantiseOptions
from app.gui import fit_words
from app.gui.controls import named, styled
from app.gui.quantise import words
from app.gui.theme.keeper import ThemeKeeper
from app.gui.wording import size_text

_COLUMNS = ("Type", "File", "In memory", "Quality")
_FILE, _MEMORY, _QUALITY = 1, 2, 3
_ROW_HEIGHT = 30
_NARROW = 440


class Choices(QTableWidget):
    """Shows the options from the best to the smallest."""

    chosen = Signal(str)

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__(0, len(_COLUMNS))
        named(self, "Types", "What the model can become, from the best to the smallest")
        styled(self, kind="choices")
        self._theme = theme
        self._options: tuple[QuantiseOption, ...] = ()
        self.setHorizontalHeaderLabels(list(_COLUMNS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_QUALITY, QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.itemSelectionChanged.connect(self._on_selection)

    def show_options(self, options: QuantiseOptions) -> None:
        """List these, and choose the recommended one, or else the best."""
        self._options = options.options
        self.setRowCount(len(self._options))
        for row, option in enumerate(self._options):
            size = size_text(option.file_bytes)
            quality = words.quality(option)
            for column, text in enumerate((option.target, size, _memory(option.fit), quality)):
                self.setItem(row, column, self._item(text, column, option.fit))
        targets = [option.target for option in self._options]
        if targets:
            self.selectRow(targets.index(RECOMMENDED) if RECOMMENDED in targets else 0)
        # No empty rows below the last one, however high the dialog is.
        self.setMaximumHeight(self.sizeHint().height())
        self.updateGeometry()

    @property
    def target(self) -> str:
        """The chosen type; empty where there is none."""
        row = self.currentRow()
        return self._options[row].target if 0 <= row < len(self._options) else ""

    def _item(self, text: str, column: int, fit: Fit | None) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        if column == _MEMORY and fit is not None:
            item.setToolTip(fit_words.itemised(fit))
            if fit.verdict is Verdict.TOO_LARGE:
                item.setForeground(QColor(self._theme.tokens.danger))
        return item

    def _on_selection(self) -> None:
        if self.target:
            self.chosen.emit(self.target)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # What it takes of memory says more than the file's size, where only one has room.
        self.setColumnHidden(_FILE, self.width() < _NARROW)

    def sizeHint(self) -> QSize:
        header = self.horizontalHeader().sizeHint().height()
        return QSize(480, header + _ROW_HEIGHT * max(1, self.rowCount()) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, min(5 * _ROW_HEIGHT, self.sizeHint().height()))


def _memory(fit: Fit | None) -> str:
    if fit is None:
        return "not known"
    return f"{size_text(fit.needed_bytes)}, {fit_words.badge(fit)}"
