"""The actions of the menu bar, with their shortcuts; the window connects them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut

from app.gui.controls import named
from app.gui.navigation import keys_of
from app.gui.pages import PLACES, Page
from app.gui.theme.keeper import WISHES

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow, QMenu

_KEYS_OUTSIDE_MENUS = (
    "Composer",
    (
        ("Send the message", "Enter"),
        ("New line", "Shift+Enter"),
    ),
)
_KEYS_IN_DOWNLOADS = (
    "Downloads",
    (
        ("Pause, resume or use the selected download", "Space"),
        ("Move it up or down in the line", "Alt+Up, Alt+Down"),
        ("Remove it", "Delete"),
    ),
)
_KEYS_IN_LIST = (
    "Conversation list",
    (
        ("Move the selected conversation to the trash", "Delete"),
        ("From the search field to the results", "Down"),
        ("End the search", "Esc"),
    ),
)
_MORE_KEYS = (_KEYS_OUTSIDE_MENUS, _KEYS_IN_LIST, _KEYS_IN_DOWNLOADS)


class Menus:
    """Builds the menu bar. Every action works or is greyed; none is a promise."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._menus: list[QMenu] = []
        menu = self._menu("&File")
        self.new = self._add(menu, "&New conversation", QKeySequence.StandardKey.New)
        self.open_file = self._add(menu, "&Open model file…", QKeySequence.StandardKey.Open)
        self.by_name = self._add(menu, "&Get a model by name…", "Ctrl+Shift+O")
        menu.addSeparator()
        self.access = self._add(menu, "Network and &access…")
        menu.addSeparator()
        self.quit = self._add(menu, "&Quit", "Ctrl+Q")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)

        menu = self._menu("&Edit")
        self.undo_delete = self._add(menu, "&Undo delete", QKeySequence.StandardKey.Undo)
        menu.addSeparator()
        self.copy = self._add(menu, "&Copy", QKeySequence.StandardKey.Copy)
        menu.addSeparator()
        self.search = self._add(menu, "&Search conversations", "Ctrl+Shift+F")

        menu = self.view = self._menu("&View")
        self.pages = QActionGroup(window)
        self._below_places = menu.addSeparator()
        self.sidebar = self._add(menu, "&Conversations", "Ctrl+B", checkable=True)
        self.inspector = self._add(menu, "&Inspector", "Ctrl+I", checkable=True)
        menu.addSeparator()
        self.themes = self._add_themes(menu)

        menu = self._menu("&Conversation")
        self.focus_message = self._add(menu, "&Write a message", "Ctrl+L")
        self.choose_model = self._add(menu, "Choose the &model", "Ctrl+M")
        self.model_settings = self._add(menu, "Model se&ttings…", "Ctrl+Shift+M")
        self.measure = self._add(menu, "Meas&ure the model…", "Ctrl+Shift+B")
        self.quantise = self._add(menu, "Make the model sma&ller…")
        self.memory = self._add(menu, "Memory and dis&k…")
        menu.addSeparator()
        self.regenerate = self._add(menu, "Re&generate the answer", "Ctrl+R")
        self.stop = self._add(menu, "&Stop the answer", "Esc")
        # Shown here only: Esc also leaves what is open, while there is no answer to stop.
        self.stop.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.escape = QShortcut(QKeySequence("Esc"), self._window)
        menu.addSeparator()
        self.rename = self._add(menu, "&Rename", "F2")
        self.delete = self._add(menu, "&Delete", "Ctrl+Shift+Backspace")

        menu = self._menu("&Help")
        self.shortcuts = self._add(menu, "&Keyboard shortcuts", "F1")
        self.about = self._add(menu, "&About Lamplight")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        named(menu, title.replace("&", ""))
        self._menus.append(menu)
        return menu

    def _add(
        self,
        menu: QMenu,
        text: str,
        keys: QKeySequence.StandardKey | str | None = None,
        *,
        checkable: bool = False,
    ) -> QAction:
        action = QAction(text, self._window)
        action.setObjectName(text.replace("&", ""))
        action.setCheckable(checkable)
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        menu.addAction(action)
        return action

    def _add_themes(self, menu: QMenu) -> QActionGroup:
        group = QActionGroup(self._window)
        submenu = named(menu.addMenu("&Theme"), "Theme")
        for wish in WISHES:
            text = "As the &system" if wish == "system" else f"&{wish.capitalize()}"
            action = self._add(submenu, text, checkable=True)
            action.setData(wish)
            group.addAction(action)
        return group

    def add_page(self, page: Page) -> QAction:
        """An entry that shows a page, at the top of the menu View in the order of the pages."""
        place = PLACES.index(page.name)
        following = next(
            each
            for each in self.view.actions()
            if each is self._below_places or PLACES.index(each.data()) > place
        )
        action = self._add(self.view, f"&{page.name}", keys_of(page.name), checkable=True)
        action.setData(page.name)
        self.pages.addAction(action)
        self.view.insertAction(following, action)
        return action

    def show_page(self, shown: Page) -> None:
        """Tick the page that is shown."""
        for action in self.pages.actions():
            action.setChecked(action.data() == shown.name)

    def show_wish(self, wish: str) -> None:
        """Tick the theme in force."""
        for action in self.themes.actions():
            action.setChecked(action.data() == wish)

    def sheet(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """All shortcuts by menu, for the sheet."""
        native = QKeySequence.SequenceFormat.NativeText
        groups: list[tuple[str, list[tuple[str, str]]]] = []
        for menu in self._menus:
            rows = [
                (action.text().replace("&", ""), action.shortcut().toString(native))
                for action in menu.actions()
                if not action.shortcut().isEmpty()
            ]
            groups.append((menu.title().replace("&", ""), rows))
        groups += [(name, list(rows)) for name, rows in _MORE_KEYS]
        return groups
