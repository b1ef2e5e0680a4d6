"""The pages that share the middle of the window: one is shown, the others wait.

A page is added when its widget exists; navigation and menus hear of it through `Pages.added`.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.controls import label, named, styled
from app.gui.theme.tokens import HEADER_HEIGHT, SPACE_2, SPACE_4

CHAT, MODELS, DOWNLOADS = "Chat", "Models", "Downloads"
PLACES = (CHAT, MODELS, DOWNLOADS)
"""In the order of the navigation; Ctrl+1 shows the first, and so on."""


@dataclass(frozen=True, slots=True)
class Badge:
    """What a page has to tell while another one is shown."""

    words: str
    """A whole sentence, for the tip and for screen readers."""
    count: int = 0
    """Shown where it is more than one."""
    fraction: float | None = None
    """How far something is; drawn as a ring. Without one it is a dot."""
    is_trouble: bool = False


class Page(QWidget):
    """A header line, room for the window's banners, and below them what the page is about."""

    def __init__(self, name: str, icon: str, header: QWidget) -> None:
        """`name` is one of `PLACES`."""
        super().__init__()
        styled(named(self, name), ground="paper")
        self.name = name
        self.icon = icon
        self.foot: QWidget | None = None
        """What must not be covered at the lower edge; toasts float above it."""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(header)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Put a widget below what is there."""
        self._column.addWidget(widget, stretch)

    def hold(self, banners: QWidget) -> None:
        """Show the window's banners, below the header."""
        self._column.insertWidget(1, banners)

    def take_focus(self) -> None:
        """The page was asked for: put the focus where one goes on. By default on the page."""
        self.setFocus()

    def step_back(self) -> bool:
        """Esc: leave what is open within the page; whether there was anything."""
        return False


class PageHeader(QFrame):
    """The header line of a page: its title, and controls at the right."""

    def __init__(self, title: str) -> None:
        super().__init__()
        styled(self, edge="bottom")
        self.setFixedHeight(HEADER_HEIGHT)
        heading = label(title)
        font = heading.font()
        font.setWeight(font.Weight.DemiBold)
        heading.setFont(font)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(SPACE_4, 0, SPACE_2, 0)
        self._row.setSpacing(SPACE_2)
        self._row.addWidget(heading)
        self._row.addStretch(1)

    def add(self, widget: QWidget) -> None:
        """Put a control at the right end."""
        self._row.addWidget(widget)


class Pages(QStackedWidget):
    """Knows the pages, shows one, and takes the banners along to it."""

    promised = Signal(str, str)
    """A page of this name and icon comes soon."""
    added = Signal(object)
    """A `Page`."""
    changed = Signal(object)
    """Another `Page` is shown."""
    badged = Signal(str, object)
    """The page of this name has a `Badge`, or None any more."""

    def __init__(self, banners: QWidget) -> None:
        super().__init__()
        self.setObjectName("Pages")
        self._banners = banners
        self._pages: dict[str, Page] = {}
        self._shown: Page | None = None

    def promise(self, name: str, icon: str) -> None:
        """It is added as soon as the services have started: the way to it is there already, so
        that nothing moves then."""
        self.promised.emit(name, icon)

    def add_page(self, page: Page) -> None:
        """From now on it can be shown; the first one is."""
        self._pages[page.name] = page
        self.addWidget(page)
        self.added.emit(page)
        if self._shown is None:
            self.show_page(page.name)

    def has(self, name: str) -> bool:
        """Whether the page of this name can be shown."""
        return name in self._pages

    @property
    def shown(self) -> str:
        """The name of the page that is shown."""
        return self._shown.name if self._shown else ""

    def show_page(self, name: str) -> None:
        """Show it; the focus moves only if it was on the page that goes."""
        page = self._pages[name]
        if page is self._shown:
            return
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        self._shown = page
        self.setCurrentWidget(page)
        page.hold(self._banners)
        self.changed.emit(page)
        if had_focus:
            page.take_focus()

    def go(self, name: str) -> None:
        """Show it and go on there."""
        self.show_page(name)
        self._pages[name].take_focus()

    def step_back(self) -> bool:
        """Esc: out of what is open on the page, then from the page to the conversation; whether
        there was a way back."""
        if self._shown is not None and self._shown.step_back():
            return True
        if self.shown == CHAT:
            return False
        self.go(CHAT)
        return True

    def set_badge(self, name: str, badge: Badge | None) -> None:
        """What the navigation shows beside the page's name."""
        self.badged.emit(name, badge)
