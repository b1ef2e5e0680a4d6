"""What is known of the model that is selected, and what can be done with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.fit import Fit
from app.domain.library import LibraryEntry, RefusedFile
from app.gui import fit_words
from app.gui.controls import icon_button, label, named, restyle, separator, text_button
from app.gui.library.acts import ICONS, TIPS, Act, possible
from app.gui.library.words import badges, fact_rows, file_name, source_address, why_kept
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLabel

_NO_BLANKS = re.compile(r"[/\\_.-]|[^\s/\\_.-]{12}")
_GO = "Go to the conversation"
"""What `Act.USE` says where the model is chosen already."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the details tell, beside the row itself."""

    row: LibraryEntry | RefusedFile
    fit: Fit | None = None
    largest: int = 0
    """The longest context that fits, in tokens."""
    is_loaded: bool = False
    is_chosen: bool = False
    speed: str = ""
    verdict: str = ""
    """The end of the last comparison with the hash, as a sentence."""
    verdict_tone: str = ""
    is_verifying: bool = False


class DetailsPane(QScrollArea):
    """Shows what it is given and says what is wished for."""

    wished = Signal(object, str)
    """An `Act`, and the path of the row."""
    link_wished = Signal(str)
    hash_wished = Signal(str)
    """To be copied."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Details")
        self._theme = theme
        self._shown: Shown | None = None
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._title = label(wrap=True, size=1.15)
        self._title.setObjectName("Details title")
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self._star = icon_button(theme, "star", Act.FAVOURITE.value, TIPS[Act.FAVOURITE])
        self._star.clicked.connect(lambda: self._wish(Act.FAVOURITE))
        self._badges = _line("Capabilities", "muted")
        self._reason = _line("Reason", "danger")
        self._fit = _line("Fit")
        self._speed = _line("Speed", "muted")
        self._verdict = _line("Verification")
        self._kept = _line("Why it stays", "muted")
        self._buttons = {act: self._button(act) for act in Act if act is not Act.FAVOURITE}
        self._acts = QGridLayout()
        for button in self._buttons.values():
            self._acts.addWidget(button)
        self._facts = QWidget()
        self._lay_out()

    def _button(self, act: Act) -> QPushButton:
        if act is Act.USE:
            button = text_button(act.value, act.value, kind="primary")
        else:
            button = text_button(act.value, act.value.rstrip("…"), kind="row")
            button.setIcon(self._theme.icon(ICONS[act], "muted"))
        button.setToolTip(TIPS[act])
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self._wish(act))
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE_2)
        head.addWidget(self._title, 1)
        head.addWidget(self._star, 0, Qt.AlignmentFlag.AlignTop)
        self._acts.setContentsMargins(0, 0, 0, 0)
        self._acts.setSpacing(SPACE_1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(SPACE_4, SPACE_4, SPACE_3, SPACE_4)
        column.setSpacing(SPACE_2)
        column.addLayout(head)
        for line in (self._badges, self._reason, self._fit, self._speed):
            column.addWidget(line)
        column.addSpacing(SPACE_1)
        column.addLayout(self._acts)
        column.addWidget(self._verdict)
        column.addSpacing(SPACE_1)
        column.addWidget(separator())
        self._place = QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        self._place.addWidget(self._facts)
        column.addLayout(self._place)
        column.addWidget(self._kept)
        column.addStretch(1)
        self.setWidget(inside)

    # ------------------------------------------------------------------------------- content

    @property
    def row(self) -> LibraryEntry | RefusedFile | None:
        """What is shown."""
        return self._shown.row if self._shown else None

    def show_row(self, shown: Shown | None) -> None:
        """Become the details of this."""
        if shown == self._shown:
            return
        before, self._shown = self._shown, shown
        if shown is None:
            return
        row = shown.row
        self._show_acts(shown)
        _say(self._verdict, shown.verdict, shown.verdict_tone)
        _say(self._kept, why_kept(row))
        if isinstance(row, RefusedFile):
            self._show_refused(row)
        else:
            self._show_entry(row, shown)
        if before is None or before.row.path != row.path:
            self.verticalScrollBar().setValue(0)

    def _show_entry(self, entry: LibraryEntry, shown: Shown) -> None:
        self._title.setText(_breakable(entry.name))
        token = "accent" if entry.is_favourite else "muted"
        self._star.setIcon(self._theme.icon("star", token))
        self._star.setToolTip("Favourite: it stands first" if entry.is_favourite else "")
        self._star.setAccessibleDescription("is one" if entry.is_favourite else "is none")
        self._star.show()
        _say(self._badges, " · ".join(badges(entry)))
        _say(self._reason, "")
        fit = shown.fit
        if shown.is_loaded:
            _say(self._fit, "It is in memory now.", "success")
        elif fit is None:
            _say(self._fit, "")
        else:
            _say(self._fit, fit_words.sentence(fit, shown.largest), fit_words.tone(fit))
        self._fit.setToolTip(fit_words.itemised(fit) if fit else "")
        _say(self._speed, shown.speed)
        self._put_facts(self._entry_facts(entry))

    def _show_refused(self, file: RefusedFile) -> None:
        self._title.setText(_breakable(file_name(file.path)))
        self._star.hide()
        for line in (self._badges, self._fit, self._speed):
            _say(line, "")
        error = file.error
        _say(self._reason, _breakable(f"{error.title} {error.detail}".strip()))
        facts = [("What to do", error.remedy)] if error.remedy else []
        self._put_facts(_grid([*facts, ("File", file.path)]))

    def _show_acts(self, shown: Shown) -> None:
        acts = [act for act in possible(shown.row) if act is not Act.FAVOURITE]
        for act, button in self._buttons.items():
            button.setVisible(act in acts)
            self._acts.removeWidget(button)
        number = 0
        for act in acts:
            if act is Act.USE:
                self._acts.addWidget(self._buttons[act], 0, 0, 1, 2)
                number = 2
            else:
                self._acts.addWidget(self._buttons[act], number // 2, number % 2)
                number += 1
        self._buttons[Act.USE].setText(_GO if shown.is_chosen else Act.USE.value)
        self._buttons[Act.VERIFY].setEnabled(not shown.is_verifying)

    def _entry_facts(self, entry: LibraryEntry) -> QWidget:
        facts = _grid(fact_rows(entry, datetime.now().astimezone()))
        grid = facts.layout()
        assert isinstance(grid, QGridLayout)
        address = source_address(entry)
        if address:
            grid.addWidget(self._link(address), grid.rowCount(), 1)
        if entry.sha256:
            copy = text_button("Copy the checksum", kind="row")
            copy.setIcon(self._theme.icon("copy", "muted"))
            copy.clicked.connect(lambda: self.hash_wished.emit(entry.sha256))
            grid.addWidget(copy, grid.rowCount(), 1)
        return facts

    def _link(self, address: str) -> QWidget:
        link = text_button("Open its page", kind="row")
        link.setIcon(self._theme.icon("external-link", "muted"))
        link.setToolTip(address)
        link.clicked.connect(lambda: self.link_wished.emit(address))
        return link

    def _put_facts(self, facts: QWidget) -> None:
        self._place.removeWidget(self._facts)
        self._facts.hide()
        self._facts.deleteLater()
        self._facts = facts
        self._place.addWidget(facts)
        facts.show()
        # They are younger than all other controls, and would come after the last of the window.
        before: QWidget = list(self._buttons.values())[-1]
        for button in facts.findChildren(QPushButton):
            QWidget.setTabOrder(before, button)
            before = button

    def _wish(self, act: Act) -> None:
        if self._shown is not None:
            self.wished.emit(act, self._shown.row.path)


def _line(name: str, tone: str = "") -> QLabel:
    made = label(tone=tone, wrap=True)
    made.setObjectName(name)
    return made


def _say(line: QLabel, text: str, tone: str | None = None) -> None:
    if tone is not None:
        restyle(line, tone=tone)
    line.setText(text)
    line.setVisible(bool(text))


def _grid(rows: list[tuple[str, str]]) -> QWidget:
    facts = QFrame()
    grid = QGridLayout(facts)
    grid.setContentsMargins(0, SPACE_1, 0, 0)
    grid.setHorizontalSpacing(SPACE_3)
    grid.setVerticalSpacing(SPACE_2)
    grid.setColumnStretch(1, 1)
    for number, (name, value) in enumerate(rows):
        grid.addWidget(label(name, tone="muted"), number, 0, Qt.AlignmentFlag.AlignTop)
        shown = label(_breakable(value), wrap=True)
        shown.setObjectName(f"Fact: {name}")
        shown.setAccessibleName(f"{name}: {value}")
        grid.addWidget(shown, number, 1)
    return facts


def _breakable(text: str) -> str:
    """With invisible places to break a line in paths, names and hashes, which have no blanks."""
    return _NO_BLANKS.sub("\\g<0>\u200b", text)
