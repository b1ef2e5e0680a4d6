"""The real application, driven through a download that its end interrupts.

    python -m tests.e2e.downloads_driver PROFILE begin|go-on REPO

`begin` starts the download from the repository and closes the window in the midst of it. `go-on`
touches nothing until it is finished, uses the model and asks it something. What the window shows
is told in lines, each a JSON list.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from app.domain.facts import ModelPhase
from app.domain.transfer import TransferPhase
from app.gui.downloads.glance import Glance
from app.gui.downloads.row import TransferRow
from app.gui.pages import CHAT, DOWNLOADS
from tests.helpers.driven_app import run_driven, tell, until

if TYPE_CHECKING:
    from app.gui.window import MainWindow
    from app.services import Services

ENOUGH = 25_000_000
"""Bytes, after which the window is closed."""
SPEED = "20 MB/s"


class Driver:
    """One of the two runs."""

    def __init__(self, repo: str) -> None:
        self._repo = repo

    async def begin(self, window: MainWindow, services: Services) -> None:
        """Start it, see it on the page, close the window."""
        window.pages.go(DOWNLOADS)
        limit = window.findChildren(QComboBox, "Speed limit")[0]
        limit.setCurrentIndex(limit.findText(SPEED))
        await services.transfers.download(*await services.hub.find(self._repo))
        await until(lambda: services.transfers.transfers)
        await until(lambda: services.transfers.transfers[0].done_bytes > ENOUGH)
        row = only_row(window)
        tell("row", row.accessibleName(), row.words())
        window.pages.go(CHAT)
        glance = window.findChildren(Glance, "Download progress")[0]
        await until(glance.isVisible)
        tell("glance", glance.text())
        tell("closing", services.transfers.transfers[0].done_bytes)
        window.close()

    async def go_on(self, window: MainWindow, services: Services) -> None:
        """Wait for the end, use the model, ask it."""
        await until(lambda: services.transfers.transfers)
        tell("again", services.transfers.transfers[0].done_bytes)
        assert window.pages.shown == CHAT
        await until(lambda: services.transfers.transfers[0].phase is TransferPhase.FINISHED)
        await until(window.toast.isVisible)
        tell("toast", window.toast.findChildren(QLabel)[0].text())
        # Another model is loaded at the start.
        await until(lambda: services.models.state.phase is ModelPhase.READY)
        window.toast.findChildren(QPushButton)[0].click()
        path = services.transfers.transfers[0].paths[0]
        await until(lambda: chosen(services) == path)
        await until(lambda: services.models.state.phase is ModelPhase.READY)
        chat = replace(services.settings.current.chat, max_tokens=8)
        services.settings.change(replace(services.settings.current, chat=chat))
        QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        window.composer.set_text("Say hello.")
        QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
        await until(lambda: len(window.transcript.entries) == 2)
        await until(lambda: not window.transcript.entries[-1].is_live)
        tell("answer", window.transcript.entries[-1].text)
        window.close()


def chosen(services: Services) -> str:
    """The path of the chosen model."""
    model = services.models.state.model
    return model.path if model else ""


def only_row(window: MainWindow) -> TransferRow:
    """The one download on the page."""
    (row,) = window.findChildren(TransferRow)
    return row


def main() -> int:
    """Play one of the two runs."""
    profile, part, repo = sys.argv[1:]
    driver = Driver(repo)
    return run_driven({"begin": driver.begin, "go-on": driver.go_on}[part], profile)


if __name__ == "__main__":
    sys.exit(main())
