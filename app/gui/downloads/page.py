"""The page `Downloads`: the list, one button for all of them, and what they may take."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QVBoxLayout, QWidget

from app.domain.transfer import Transfer
from app.gui.controls import Sign, label, text_button
from app.gui.downloads.limits import LimitsBar
from app.gui.downloads.transfer_list import TransferList
from app.gui.downloads.words import can_resume, is_going
from app.gui.pages import DOWNLOADS, Page, PageHeader
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_4

_WIDTH = 440


class DownloadsPage(Page):
    """Shows what it is given and says what is wished for."""

    pause_all_wished = Signal()
    resume_all_wished = Signal()
    browse_wished = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        self._header = PageHeader("Downloads")
        super().__init__(DOWNLOADS, "download", self._header)
        self.list = TransferList(theme)
        self.limits = self.foot = LimitsBar(theme)
        self.pause_all = text_button("Pause all", kind="quiet")
        self.resume_all = text_button("Resume all", kind="quiet")
        for button in (self.pause_all, self.resume_all):
            self._header.add(button)
        self.empty = EmptyDownloads(theme)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.list)
        self.add(self._stack, 1)
        self.add(self.limits)
        self.pause_all.clicked.connect(self.pause_all_wished)
        self.resume_all.clicked.connect(self.resume_all_wished)
        self.empty.browse.clicked.connect(self.browse_wished)
        self.show_transfers(())

    def show_transfers(self, transfers: Sequence[Transfer]) -> None:
        """These are all of them now, in their order."""
        had_focus = self._stack.isAncestorOf(self.window().focusWidget() or self)
        self.list.show_transfers(transfers)
        self._stack.setCurrentWidget(self.list if transfers else self.empty)
        self.pause_all.setVisible(any(map(is_going, transfers)))
        self.resume_all.setVisible(any(map(can_resume, transfers)))
        if had_focus and not transfers:
            self.take_focus()

    def take_focus(self) -> None:
        if self._stack.currentWidget() is self.list:
            self.list.take_focus()
        elif self.empty.browse.isVisibleTo(self):
            self.empty.browse.setFocus()
        else:
            self.limits.speed.setFocus()


class EmptyDownloads(QWidget):
    """What stands where no download is: where they come from."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        title = label("No downloads", size=1.5)
        font = title.font()
        font.setWeight(font.Weight.DemiBold)
        title.setFont(font)
        text = label(
            "Models that you fetch appear here with their progress. "
            "They can be paused, and go on where they were, also after a restart.",
            tone="muted",
            wrap=True,
        )
        for words in (title, text):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.browse = text_button("Browse models", kind="primary")
        self.browse.hide()
        inner = QWidget()
        inner.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inner)
        column.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        column.setSpacing(SPACE_2)
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(Sign(theme.icon("download", "accent"), 40), 0, centre)
        column.addSpacing(SPACE_2)
        column.addWidget(title)
        column.addWidget(text)
        column.addSpacing(SPACE_4)
        column.addWidget(self.browse, 0, centre)
        outer = QGridLayout(self)
        outer.addWidget(inner, 1, 1)
        outer.setColumnStretch(0, 1)
        outer.setColumnStretch(1, 100)
        outer.setColumnStretch(2, 1)
        outer.setRowStretch(0, 3)
        outer.setRowStretch(2, 4)
