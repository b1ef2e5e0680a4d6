"""What narrows a search: the order, what fits, and four conditions behind a button."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.domain.hub import RepoQuery, RepoSort
from app.gui.controls import ChoiceBox, TickBox, named, text_button
from app.gui.discover.words import LANGUAGES
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2

_SORTS = (
    ("Trending", RepoSort.TRENDING),
    ("Most downloads", RepoSort.DOWNLOADS),
    ("Most likes", RepoSort.LIKES),
    ("Changed last", RepoSort.RECENT),
)
_SIZES: tuple[tuple[str, tuple[float | None, float | None]], ...] = (
    ("Any size", (None, None)),
    ("Up to 2B parameters", (None, 2)),
    ("2B to 5B", (2, 5)),
    ("5B to 10B", (5, 10)),
    ("10B to 35B", (10, 35)),
    ("More than 35B", (35, None)),
)
_TASKS = (
    ("Any task", ""),
    ("Text", "text-generation"),
    ("Text and images", "image-text-to-text"),
    ("Text and sound", "audio-text-to-text"),
    ("Text, images and sound", "any-to-any"),
    ("Embeddings", "feature-extraction"),
)
_LICENCES = (
    ("Any licence", ""),
    ("Apache 2.0", "apache-2.0"),
    ("MIT", "mit"),
    ("Gemma", "gemma"),
    ("Llama 3.1", "llama3.1"),
    ("Llama 3.2", "llama3.2"),
    ("Llama 3.3", "llama3.3"),
    ("CC BY 4.0", "cc-by-4.0"),
    ("CC BY-NC 4.0", "cc-by-nc-4.0"),
)
_LANGUAGES = (("Any language", ""), *((name, code) for code, name in LANGUAGES.items()))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for."""

    query: RepoQuery
    only_fitting: bool
    """Nothing that is too large for this machine."""


class Filters(QWidget):
    """Compact controls above the list."""

    changed = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self.sort = _choice(theme, "Sort", _SORTS)
        self.fits = TickBox(theme, "Fits here", "Leave out what is too large for this computer")
        self.parameters = _choice(theme, "Size", _SIZES)
        self.task = _choice(theme, "Task", _TASKS)
        self.licence = _choice(theme, "Licence", _LICENCES)
        self.language = _choice(theme, "Language", _LANGUAGES)
        self._conditions = (self.parameters, self.task, self.licence, self.language)
        self._more = text_button(" Filters", "Filters", kind="quiet")
        self._more.setIcon(theme.icon("list-filter", "muted"))
        self._more.setCheckable(True)
        self._folded = QWidget()
        self._lay_out()
        for box in (self.sort, *self._conditions):
            box.currentIndexChanged.connect(self._on_changed)
        self.fits.toggled.connect(self.changed)
        self._more.toggled.connect(self._folded.setVisible)

    def _lay_out(self) -> None:
        grid = QGridLayout(self._folded)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(SPACE_2)
        for number, box in enumerate(self._conditions):
            grid.addWidget(box, number // 2, number % 2)
        self._folded.hide()
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addWidget(self.sort)
        row.addWidget(self.fits)
        row.addStretch()
        row.addWidget(self._more)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addLayout(row)
        column.addWidget(self._folded)

    def wish(self, text: str) -> Wish:
        """For these words."""
        low, high = self.parameters.currentData()
        query = RepoQuery(
            text=text,
            sort=self.sort.currentData(),
            licence=self.licence.currentData(),
            task=self.task.currentData(),
            language=self.language.currentData(),
            min_parameters=low,
            max_parameters=high,
        )
        return Wish(query, self.fits.isChecked())

    def is_narrowing(self) -> bool:
        """Whether anything but the order is set."""
        return self.fits.isChecked() or any(box.currentIndex() for box in self._conditions)

    def clear(self) -> None:
        """Set no condition; one `changed` for all of them."""
        was_narrowing = self.is_narrowing()
        blocked = [box.blockSignals(True) for box in (*self._conditions, self.fits)]
        for box in self._conditions:
            box.setCurrentIndex(0)
        self.fits.setChecked(False)
        for box, before in zip((*self._conditions, self.fits), blocked, strict=True):
            box.blockSignals(before)
        if was_narrowing:
            self._on_changed()

    def _on_changed(self) -> None:
        count = sum(bool(box.currentIndex()) for box in self._conditions)
        self._more.setText(f" Filters ({count})" if count else " Filters")
        self.changed.emit()


def narrowed(wish: Wish, most_parameters: int) -> RepoQuery:
    """The query, that of `only_fitting` without what is larger than that."""
    if not wish.only_fitting:
        return wish.query
    most = most_parameters / 1e9
    wished = wish.query.max_parameters
    return replace(wish.query, max_parameters=min(most, wished) if wished else most)


def _choice(theme: ThemeKeeper, name: str, choices: tuple[tuple[str, object], ...]) -> ChoiceBox:
    box = named(ChoiceBox(theme), name)
    for text, value in choices:
        box.addItem(text, value)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToContentsOnFirstShow)
    return box
