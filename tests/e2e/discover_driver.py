"""Uses the window as somebody who looks for a first model would: python -m … PROFILE."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.facts import ModelPhase
from app.gui.discover.panel import DiscoverPanel
from app.gui.pages import CHAT, MODELS
from tests.helpers.driven_app import run_driven, tell, until

if TYPE_CHECKING:
    from app.gui.window import MainWindow
    from app.services import Services


async def play(window: MainWindow, services: Services) -> None:
    """Find, look, fetch, use, ask."""
    panel = window.findChild(DiscoverPanel, "Discover")
    assert panel is not None
    window.pages.go(MODELS)
    await until(panel.isVisible)
    # Long enough for a request that nobody asked for.
    await asyncio.sleep(0.5)
    QTest.keyClicks(panel.browser.field, "tiny")
    await until(lambda: len(panel.browser.found.rows) == 1)
    tell("found", [row.repo_id for row in panel.browser.found.rows])
    QTest.keyClick(panel.browser.field, Qt.Key.Key_Down)
    QTest.keyClick(panel.browser.view, Qt.Key.Key_Return)
    await until(lambda: panel.page.card.text)
    tell("card", panel.page.card.text)
    row = next(iter(panel.page.variants.rows.values()))
    row.main.click()
    await until(panel.fit.context.isVisible)
    tell("fit", panel.fit.verdict.text())
    row.download.click()
    await until(row.use.isVisible)
    row.use.click()
    await until(lambda: window.pages.shown == CHAT)
    await until(lambda: services.models.state.phase is ModelPhase.READY)
    # Without it the little model now and then writes on until its context is full.
    chat = replace(services.settings.current.chat, max_tokens=8)
    services.settings.change(replace(services.settings.current, chat=chat))
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    window.composer.set_text("Say hello.")
    QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
    await until(lambda: len(window.transcript.entries) >= 2)
    await until(lambda: not window.transcript.entries[-1].is_live)
    tell("answer", window.transcript.entries[-1].text)
    window.close()


if __name__ == "__main__":
    sys.exit(run_driven(play, sys.argv[1]))
