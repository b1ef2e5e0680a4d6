"""The theme in force: who wants to be told when it changes connects to `changed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QIcon

from app.gui.theme import fonts
from app.gui.theme.icons import LineIconEngine
from app.gui.theme.palette import palette_of
from app.gui.theme.stylesheet import stylesheet_of
from app.gui.theme.system_scheme import SystemScheme
from app.gui.theme.tokens import DARK, LIGHT, Tokens

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

WISHES = ("system", "light", "dark")


class ThemeKeeper(QObject):
    """Light or dark, as the person wishes or as the system is set."""

    changed = Signal(object)
    """The new `Tokens`, after palette and style sheet are in force."""

    def __init__(
        self, parent: QObject | None = None, *, wish: str = "system", system_is_dark: bool = False
    ) -> None:
        """`system_is_dark`: what the system was last known to be, until it has been asked."""
        super().__init__(parent)
        self._wish = wish
        self._system_is_dark = system_is_dark
        self._application: QApplication | None = None
        self._tokens = self._wished()
        self._scheme = SystemScheme(self)
        self._scheme.changed.connect(self._on_system)

    @property
    def tokens(self) -> Tokens:
        """The colours in force."""
        return self._tokens

    @property
    def wish(self) -> str:
        """`system`, `light` or `dark`."""
        return self._wish

    @property
    def system_is_dark(self) -> bool:
        """What the system is set to, as far as it has been asked."""
        return self._system_is_dark

    def set_wish(self, wish: str) -> None:
        """Take one of `WISHES`; anything else counts as `system`."""
        self._wish = wish if wish in WISHES else "system"
        self._refresh()

    def dress(self, application: QApplication) -> None:
        """Give the application its style, font, palette and style sheet, now and at each change."""
        self._application = application
        application.setStyle("Fusion")
        application.setFont(fonts.interface_font(application.font()))
        self._apply()

    def watch_system(self) -> None:
        """Follow the system from now on; call it after the first paint."""
        self._scheme.watch()

    def icon(self, name: str, token: str = "text") -> QIcon:
        """A line icon of resources/icons in the colour of a token; follows the theme."""
        return QIcon(LineIconEngine(name, lambda: QColor(getattr(self._tokens, token))))

    def reading_font(self) -> QFont:
        """The font of messages."""
        return fonts.reading_font()

    def mono_font(self) -> QFont:
        """The font of code."""
        return fonts.mono_font()

    def _on_system(self, dark: bool) -> None:
        self._system_is_dark = dark
        self._refresh()

    def _wished(self) -> Tokens:
        dark = self._system_is_dark if self._wish == "system" else self._wish == "dark"
        return DARK if dark else LIGHT

    def _refresh(self) -> None:
        tokens = self._wished()
        if tokens is self._tokens:
            return
        self._tokens = tokens
        self._apply()
        self.changed.emit(tokens)

    def _apply(self) -> None:
        if self._application is not None:
            self._application.setPalette(palette_of(self._tokens))
            self._application.setStyleSheet(stylesheet_of(self._tokens))
