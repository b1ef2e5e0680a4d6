"""The real application, driven as by a person, with a probe in its event loop.

`python -m tests.bench.driven_window FILE SECONDS` starts the window, waits for the model, asks
until text has streamed for that long, and writes how late the probe's 5 ms timer was, in seconds,
while nothing happened and while text streamed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app import bootstrap
from app.cli.commands import OpenWindow
from app.domain.facts import AnswerEnded, AnswerGrew, Fact, ModelPhase, ModelStateChanged

if TYPE_CHECKING:
    from app.services import Services

PROBE_SECONDS: Final = 0.005
ANSWER_TOKENS: Final = 400
_IDLE_MS: Final = 2_000
_AFTER_MS: Final = 300
"""The last text is painted after the answer has ended."""
_QUESTION: Final = (
    "Write a long guide to sorting, in Markdown, with headings, lists, a table and Python code."
)


@dataclass
class Lateness:
    """What the probe found."""

    idle: list[float] = field(default_factory=list)
    streaming: list[float] = field(default_factory=list)


class Driver(QObject):
    """Types questions and listens to the services' facts."""

    def __init__(self, services: Services, report: Path, seconds: float) -> None:
        super().__init__()
        self._report = report
        self._probes_wanted = seconds / PROBE_SECONDS
        self._lateness = Lateness()
        self._into: list[float] | None = None
        self._last = 0.0
        self._begun = False
        self._timer = QTimer(self, interval=round(PROBE_SECONDS * 1000))
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._probe)
        self._timer.start()
        chat = replace(services.settings.current.chat, max_tokens=ANSWER_TOKENS)
        services.settings.change(replace(services.settings.current, chat=chat))
        services.facts.subscribe(self._heard)

    def _probe(self) -> None:
        now = time.perf_counter()
        if self._into is not None:
            self._into.append(max(0.0, now - self._last - PROBE_SECONDS))
        self._last = now

    def _heard(self, fact: Fact) -> None:
        match fact:
            case ModelStateChanged(state) if state.phase is ModelPhase.READY and not self._begun:
                self._begun = True
                QTimer.singleShot(_IDLE_MS // 2, self._be_idle)
            case AnswerGrew():
                self._into = self._lateness.streaming
            case AnswerEnded(error=error):
                if error is not None:
                    raise RuntimeError(error.title)
                QTimer.singleShot(_AFTER_MS, self._on_answered)
            case _:
                pass

    def _be_idle(self) -> None:
        self._into = self._lateness.idle
        QTimer.singleShot(_IDLE_MS, self._ask)

    def _ask(self) -> None:
        self._into = None
        field_ = next(w for w in QApplication.allWidgets() if w.objectName() == "Message")
        QTest.keyClicks(field_, _QUESTION)
        QTest.keyClick(field_, Qt.Key.Key_Return)

    def _on_answered(self) -> None:
        self._into = None
        if len(self._lateness.streaming) < self._probes_wanted:
            self._ask()
            return
        found = {"idle": self._lateness.idle, "streaming": self._lateness.streaming}
        self._report.write_text(json.dumps(found), "utf-8")
        for window in QApplication.topLevelWidgets():
            _close(window)


def _close(window: QWidget) -> None:
    if window.isVisible() and window.isWindow():
        window.close()


def main() -> int:
    """Run the application with a driver in it; the exit status."""
    report, seconds = Path(sys.argv[1]), float(sys.argv[2])
    drivers: list[Driver] = []
    start = bootstrap.Application.start_for_window

    async def start_driven(self: bootstrap.Application) -> Services:
        services = await start(self)
        drivers.append(Driver(services, report, seconds))
        return services

    bootstrap.Application.start_for_window = start_driven
    return bootstrap.run(OpenWindow())


if __name__ == "__main__":
    raise SystemExit(main())
