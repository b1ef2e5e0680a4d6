"""The real application, made to send a message and to note what it shows, until it is killed.

    python -m tests.e2e.kill_driver PROFILE REPORT fresh|continue

Lines of the report, each a JSON list: `["restored", integrity, [[role, status, text], …]]` once the
last conversation is on the screen, then `["shown", monotonic seconds, new text]` as the answer
grows in the transcript. Each line is one `write`, so a kill leaves whole lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.bootstrap import Application
from app.config.paths import ProfilePaths, make_folders
from app.config.window_state import WindowStateFile
from app.gui.app import WindowOptions, run
from app.gui.window import MainWindow
from app.services import Services

LOOK_MS = 5
QUESTION = "Tell me a long story about a lighthouse, a storm and a cat."


class Driver:
    """Sends one message and reports."""

    def __init__(self, paths: ProfilePaths, report: Path, fresh: bool) -> None:
        self._paths = paths
        self._report = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._fresh = fresh
        self._told = 0
        self._messages = 0

    async def drive(self, services: Services) -> None:
        """Wait for the restored conversation, tell it, send, and watch the answer."""
        window = _window()
        summaries = await services.conversations.list()
        expected = await services.conversations.path(summaries[0].id) if summaries else []
        await _until(lambda: len(window.transcript.entries) >= len(expected))
        shown = [[e.message.role, e.message.status, e.text] for e in window.transcript.entries]
        self._tell("restored", self._integrity(), shown)
        if self._fresh:
            QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
            await _until(lambda: not window.transcript.entries)
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
            self._tell("shown", time.monotonic(), new)
            self._told += len(new)

    def _tell(self, *line: object) -> None:
        os.write(self._report, json.dumps(line).encode() + b"\n")

    def _integrity(self) -> str:
        with contextlib.closing(sqlite3.connect(self._paths.database)) as db:
            return str(db.execute("PRAGMA integrity_check").fetchone()[0])


def _window() -> MainWindow:
    """The main window."""
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
    return found[0]


async def _until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - the condition is the window's, nothing tells of it
        await asyncio.sleep(0.005)


def main(profile: str, report: str, mode: str) -> int:
    """Run until killed."""
    paths = ProfilePaths(Path(profile))
    make_folders(paths)
    application = Application(paths, owns_profile=True)
    driver = Driver(paths, Path(report), mode == "fresh")
    driving: list[asyncio.Task[None]] = []

    async def start() -> Services:
        services = await application.start_for_window()
        driving.append(asyncio.get_running_loop().create_task(driver.drive(services)))
        return services

    state = WindowStateFile(paths.window_state)
    options = WindowOptions(
        profile_key=f"kill-test-{os.getpid()}",
        load_window_state=state.read,
        save_window_state=state.write,
    )
    return run(start, application.stop, options)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
