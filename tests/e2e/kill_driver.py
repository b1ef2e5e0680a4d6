"""The real application, made to send a message and to note what it shows, until it is killed.

    python -m tests.e2e.kill_driver PROFILE fresh|continue

Lines of its output, each a JSON list: `["restored", integrity, [[role, status, text], …]]` once the
last conversation is on the screen, then `["shown", monotonic seconds, new text]` as the answer
grows in the transcript.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest

from app.config.paths import ProfilePaths
from tests.helpers.driven_app import run_driven, tell, until

if TYPE_CHECKING:
    from app.gui.window import MainWindow
    from app.services import Services

LOOK_MS = 5
QUESTION = "Tell me a long story about a lighthouse, a storm and a cat."


class Driver:
    """Sends one message and tells what the transcript shows."""

    def __init__(self, profile: str, fresh: bool) -> None:
        self._database = ProfilePaths(Path(profile)).database
        self._fresh = fresh
        self._told = 0
        self._messages = 0

    async def play(self, window: MainWindow, services: Services) -> None:
        """Wait for the restored conversation, tell it, send, and watch the answer."""
        summaries = await services.conversations.list()
        expected = await services.conversations.path(summaries[0].id) if summaries else []
        await until(lambda: len(window.transcript.entries) >= len(expected))
        shown = [[e.message.role, e.message.status, e.text] for e in window.transcript.entries]
        tell("restored", self._integrity(), shown)
        if self._fresh:
            QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
            await until(lambda: not window.transcript.entries)
        self._messages = len(window.transcript.entries)
        window.composer.set_text(QUESTION)
        QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
        timer = QTimer(window, interval=LOOK_MS)
        timer.timeout.connect(lambda: self._look(window))
        timer.start()

    def _look(self, window: MainWindow) -> None:
        entries = window.transcript.entries
        if len(entries) < self._messages + 2:
            return
        new = entries[-1].text[self._told :]
        if new or not self._told:
            tell("shown", time.monotonic(), new)
            self._told += len(new)

    def _integrity(self) -> str:
        with contextlib.closing(sqlite3.connect(self._database)) as db:
            return str(db.execute("PRAGMA integrity_check").fetchone()[0])


if __name__ == "__main__":
    raise SystemExit(run_driven(Driver(sys.argv[1], sys.argv[2] == "fresh").play, sys.argv[1]))
