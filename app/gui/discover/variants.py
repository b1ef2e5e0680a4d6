"""The variants of a repository: the recommended one first, the others by how small they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.domain.variants import recommended
from app.gui.controls import label, text_button
from app.gui.discover import words
from app.gui.discover.variant_row import Holding, VariantRow
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_4

if TYPE_CHECKING:
    from app.domain.fit import Verdict
    from app.domain.hub import RepoDetails, Variant
    from app.gui.theme.keeper import ThemeKeeper

FEW = 4
"""So many are all shown at once."""


class VariantList(QWidget):
    """Rows in groups; below one of them there is room for what it takes of memory."""

    closer_wished = Signal(str)
    """What the variant of this path takes is to be shown; empty: no more."""
    download_wished = Signal(str)
    use_wished = Signal(str)
    pause_wished = Signal(str)
    resume_wished = Signal(str)
    cancel_wished = Signal(str)

    def __init__(self, theme: ThemeKeeper, closer: QWidget) -> None:
        """`closer`: what stands below the row that is looked at."""
        super().__init__()
        self._theme = theme
        self._rows: dict[str, VariantRow] = {}
        self._open = ""
        self._closer = QWidget(self)
        inside = QVBoxLayout(self._closer)
        inside.setContentsMargins(SPACE_2, SPACE_2, SPACE_2, SPACE_4)
        inside.addWidget(closer)
        self._closer.hide()
        self.all = text_button("Show all variants", kind="quiet")
        self.all.clicked.connect(self._show_all)
        self._headings: list[QWidget] = []
        self._held: frozenset[str] = frozenset()
        self._folded = False
        self._first, self._rest = _column(), _column()
        column = _column(self)
        column.addLayout(self._first)
        column.addLayout(self._rest)
        column.addWidget(self.all, 0, Qt.AlignmentFlag.AlignLeft)

    @property
    def rows(self) -> Mapping[str, VariantRow]:
        """By the path of the variant."""
        return self._rows

    @property
    def open_path(self) -> str:
        """The variant whose needs are shown; empty where there is none."""
        return self._open

    def show_variants(self, details: RepoDetails) -> None:
        """Those of this repository, none of them looked at."""
        self._clear()
        first = recommended(details.variants)
        others = [variant for variant in details.variants if variant is not first]
        if first is not None:
            self._add(self._first, details, first, is_first=True)
        heading = ""
        for variant in sorted(others, key=words.place_of):
            if words.bits_of(variant) != heading:
                heading = words.bits_of(variant)
                self._headings.append(_heading(heading))
                self._rest.addWidget(self._headings[-1])
            self._add(self._rest, details, variant, is_first=False)
        self._folded = len(details.variants) > FEW
        self.all.setText(f"Show all {len(details.variants)} variants")
        self._show_rows()

    def show_verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        """Whether each fits, by the path of the variant."""
        for path, row in self._rows.items():
            row.show_verdict(verdicts.get(path))

    def show_holdings(self, holdings: Mapping[str, Holding]) -> None:
        """What this computer has of each."""
        self._held = frozenset(holdings)
        for path, row in self._rows.items():
            row.show_holding(holdings.get(path, Holding()))
        self._show_rows()

    def open(self, path: str) -> None:
        """Show what this variant takes; empty: of none."""
        self._open = path
        for each, row in self._rows.items():
            row.set_open(each == path)
        self._closer.hide()
        if path:
            layout = self._first if self._rows[path].recommended else self._rest
            layout.insertWidget(layout.indexOf(self._rows[path]) + 1, self._closer)
            self._closer.show()
        self._show_rows()

    def _show_all(self) -> None:
        self._folded = False
        self._show_rows()

    def _show_rows(self) -> None:
        """All, or those that are recommended, held or looked at."""
        self.all.setVisible(self._folded)
        for heading in self._headings:
            heading.setVisible(not self._folded)
        for path, row in self._rows.items():
            kept = row.recommended or path in self._held or path == self._open
            row.setVisible(kept or not self._folded)

    def _on_row(self, path: str) -> None:
        wished = "" if path == self._open else path
        self.open(wished)
        self.closer_wished.emit(wished)

    def _add(
        self, layout: QVBoxLayout, details: RepoDetails, variant: Variant, *, is_first: bool
    ) -> None:
        projector = next(iter(details.projectors), None)
        name = words.variant_name(variant, details.variants)
        facts = words.variant_facts(variant, projector)
        row = VariantRow(self._theme, variant.path, name, facts, recommended=is_first)
        row.closer_wished.connect(self._on_row)
        row.download_wished.connect(self.download_wished)
        row.use_wished.connect(self.use_wished)
        row.pause_wished.connect(self.pause_wished)
        row.resume_wished.connect(self.resume_wished)
        row.cancel_wished.connect(self.cancel_wished)
        layout.addWidget(row)
        self._rows[variant.path] = row

    def _clear(self) -> None:
        self._closer.hide()
        self._closer.setParent(self)
        self._open = ""
        self._rows, self._headings, self._held = {}, [], frozenset()
        for widget in (*_widgets(self._first), *_widgets(self._rest)):
            if widget is not self._closer:
                widget.hide()
                widget.deleteLater()


def _column(parent: QWidget | None = None) -> QVBoxLayout:
    column = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    return column


def _heading(text: str) -> QWidget:
    made = label(text, tone="muted", size=0.92)
    made.setContentsMargins(SPACE_2, SPACE_3, 0, 0)
    return made


def _widgets(layout: QVBoxLayout) -> Iterable[QWidget]:
    """All of a layout, taken out of it."""
    taken: list[QWidget] = []
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            taken.append(widget)
    return taken
