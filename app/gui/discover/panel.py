"""The part `Discover` of the page `Models`: the list, and beside it the page of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.gui.controls import Sign, label, named, styled
from app.gui.discover.browser import Browser
from app.gui.discover.repo_page import RepoPage
from app.gui.fitview.panel import FitPanel
from app.gui.theme.tokens import SPACE_2, SPACE_4, SPACE_6

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent, QShowEvent

    from app.gui.theme.keeper import ThemeKeeper

WIDE = 720
"""Logical pixels from which on the list and a page stand beside each other."""
_LIST_LEAST, _LIST_MOST = 320, 420
_LIST_SHARE = 0.42


class DiscoverPanel(QWidget):
    """Places its two halves; in a narrow window the page lies on top of the list."""

    shown = Signal()
    """It is to be seen: what is free of memory may be another than before."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Discover")
        self.browser = Browser(theme)
        self.fit = FitPanel(theme)
        self.page = RepoPage(theme, self.fit)
        self._has_page = False
        self._left = styled(QFrame(), edge="right")
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 1, 0)
        left.addWidget(self.browser)
        self._right = QStackedWidget()
        self._welcome = _Welcome(theme)
        self._right.addWidget(self._welcome)
        self._right.addWidget(self.page)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._left)
        row.addWidget(self._right, 1)
        self.page.back_wished.connect(self.step_back)
        self._place()

    @property
    def is_wide(self) -> bool:
        """Whether both halves are to be seen."""
        return self.width() >= WIDE

    def show_page(self) -> None:
        """Bring the page of a repository to the front."""
        self._has_page = True
        self._right.setCurrentWidget(self.page)
        self._place()
        if not self.is_wide:
            self.page.back.setFocus()

    def take_focus(self) -> None:
        """Where one goes on: in the search field, or on the page that covers it."""
        if self._left.isHidden():
            self.page.back.setFocus()
        else:
            self.browser.field.setFocus()

    def step_back(self) -> bool:
        """Esc or Back: from the page to the list, then out of the search; whether there was
        anything to leave."""
        if self._has_page and not self.is_wide:
            self._has_page = False
            self._place()
            self.browser.view.setFocus()
            return True
        if self.browser.text and self.browser.isAncestorOf(self.focusWidget() or self):
            self.browser.field.clear()
            self.browser.field.setFocus()
            return True
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def _place(self) -> None:
        wide = self.is_wide
        self._left.setVisible(wide or not self._has_page)
        self._right.setVisible(wide or self._has_page)
        self.page.set_narrow(not wide)
        if wide:
            share = round(self.width() * _LIST_SHARE)
            self._left.setFixedWidth(min(_LIST_MOST, max(_LIST_LEAST, share)))
        else:
            self._left.setMinimumWidth(0)
            self._left.setMaximumWidth(16_777_215)


class _Welcome(QWidget):
    """Beside the list, as long as no repository was chosen."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        title = label("Choose a model", size=1.35)
        font = title.font()
        font.setWeight(font.Weight.DemiBold)
        title.setFont(font)
        text = label(
            "Its page tells what it takes of this computer and what you may do with it, and "
            "fetches it. Nothing is asked of the network until you search or choose something.",
            tone="muted",
            wrap=True,
        )
        inner = QWidget()
        inner.setMaximumWidth(400)
        column = QVBoxLayout(inner)
        column.setSpacing(SPACE_2)
        middle = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(Sign(theme.icon("sparkles", "accent"), 36), 0, middle)
        for words in (title, text):
            words.setAlignment(middle)
            column.addWidget(words)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inner, 100)
        row.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE_4, SPACE_6, SPACE_4, SPACE_6)
        outer.addStretch(3)
        outer.addLayout(row)
        outer.addStretch(4)
