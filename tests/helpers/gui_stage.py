"""The whole window over fake services, as a test drives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.errors import AppError
from app.flow.tasks import TaskOwner
from app.gui.theme.keeper import ThemeKeeper
from app.gui.window import MainWindow
from app.gui.wiring import Wiring
from tests.helpers.gui_services import FakeServices

PATIENCE = 10.0
"""Seconds; only a fault takes as long."""

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


class Stage:
    """Window, fakes, and how to reach a control by its lasting name."""

    def __init__(self, application: QApplication, services: FakeServices) -> None:
        self.services = services
        self.theme = ThemeKeeper(application, wish="light")
        self.theme.dress(application)
        self.window = MainWindow(self.theme)
        self.bugs: list[BaseException] = []
        self.tasks = TaskOwner(self._on_error)
        self.wiring: Wiring | None = None

    def _on_error(self, error: BaseException) -> None:
        if not isinstance(error, AppError):
            self.bugs.append(error)
        self.window.presenter.report(error)

    async def begin(
        self, conversation: int | None = None, size: tuple[int, int] = (1100, 760)
    ) -> None:
        """Show the window with this conversation, or a fresh one."""
        self.window.resize(*size)
        self.window.show()
        self.window.activateWindow()
        self.wiring = Wiring(self.window, self.services.as_services(), self.tasks)
        self.wiring.begin({"conversation": conversation}, [])
        await self.until(lambda: self.shown is not None and self.window.inspector.isEnabled())
        await self.until(lambda: QApplication.focusWidget() is not None)

    async def end(self) -> None:
        """Take down what begin() put up; may be called again."""
        if self.wiring is not None:
            await self.wiring.finish()
            self.wiring = None
        await self.tasks.cancel_all()
        for task in tuple(self.services.chat.tasks):
            task.cancel()
        self.window.hide()
        assert not self.bugs, self.bugs

    @property
    def shown(self) -> int | None:
        """The conversation on the screen."""
        return self.wiring.chat.current if self.wiring else None

    def find(self, kind: type[AnyWidget], name: str) -> AnyWidget:
        """The control of this name; one that is to be seen, if there are several."""
        found = self.window.findChildren(kind, name)
        assert found, f"no {kind.__name__} {name!r}"
        return next((widget for widget in found if widget.isVisible()), found[0])

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the window work until this holds."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            assert asyncio.get_running_loop().time() < end, "waited in vain"
            await asyncio.sleep(0.005)

    async def settle(self) -> None:
        """Let the window do what is due now."""
        for _ in range(5):
            await asyncio.sleep(0.005)

    def key(
        self,
        key: Qt.Key,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        on: QWidget | None = None,
    ) -> None:
        """Press a key where the focus is."""
        target = on or QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, modifiers)

    def type(self, text: str) -> None:
        """Type ASCII where the focus is."""
        QTest.keyClicks(self.focus(), text)

    def focus(self) -> QWidget:
        """The widget that has the focus."""
        widget = QApplication.focusWidget()
        assert widget is not None
        return widget

    def write(self, text: str) -> None:
        """Put a text into the composer as if it had been typed."""
        self.window.composer.field.setFocus()
        self.window.composer.field.insertPlainText(text)

    def texts(self) -> list[str]:
        """What the transcript shows."""
        return [entry.text for entry in self.window.transcript.entries]

    def banners(self) -> list[str]:
        """The titles of the banners."""
        return [error.title for error in self.window.banners.errors()]
