"""The real application, driven as by a person, with a probe in its event loop.

`python -m tests.bench.driven_window FILE SECONDS` starts the window, waits for the model, asks
until text has streamed for that long, and writes what it found as JSON; see `Found`.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import bootstrap
from app.cli.commands import OpenWindow
from app.domain.facts import AnswerEnded, AnswerGrew, Fact, ModelPhase, ModelStateChanged

if TYPE_CHECKING:
    from app.services import Services

PROBE_SECONDS: Final = 0.005
ANSWER_TOKENS: Final = 400
REST_SECONDS: Final = 3.0
_SETTLE_MS: Final = 1_000
_IDLE_MS: Final = 2_000
_AFTER_MS: Final = 300
"""The last text is painted after the answer has ended."""
_QUESTION: Final = (
    "Write a long guide to sorting, in Markdown, with headings, lists, a table and Python code."
)


Lateness = list[tuple[float, float]]
"""For each probe how late it was, and how long of that the thread waited for a core; seconds."""


@dataclass
class Found:
    """What the driver measured. Times are in seconds; `*_cpu` is of the whole process."""

    rest_cpu: float = 0.0
    """In `REST_SECONDS` without any probe."""
    idle: Lateness = field(default_factory=Lateness)
    asked: Lateness = field(default_factory=Lateness)
    """From Enter to the first text."""
    streaming: Lateness = field(default_factory=Lateness)
    answers_cpu: float = 0.0
    """From Enter to the end, all answers together, the probe included."""
    answer_tokens: int = 0


class Probe(QObject):
    """Writes how late its timer is into whichever list it is given."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.into: Lateness | None = None
        self._last = (0.0, 0.0)
        self._schedule = _open_schedule()
        self._timer = QTimer(self, interval=round(PROBE_SECONDS * 1000))
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._probe)

    def start(self) -> None:
        """From now on."""
        self._timer.start()

    def _probe(self) -> None:
        now, waited = time.perf_counter(), self._waited()
        if self.into is not None:
            late = max(0.0, now - self._last[0] - PROBE_SECONDS)
            self.into.append((late, min(late, waited - self._last[1])))
        self._last = (now, waited)

    def _waited(self) -> float:
        """For how long this thread could have run and had no core; proc_pid_schedstat(5)."""
        if self._schedule is None:
            return 0.0
        self._schedule.seek(0)
        return int(self._schedule.read().split()[1]) / 1e9


def _open_schedule() -> BinaryIO | None:
    if not sys.platform.startswith("linux"):
        return None
    return Path("/proc/thread-self/schedstat").open("rb", buffering=0)


class Driver(QObject):
    """Types questions and listens to the services' facts."""

    def __init__(self, services: Services, report: Path, seconds: float) -> None:
        super().__init__()
        self._report = report
        self._probes_wanted = seconds / PROBE_SECONDS
        self._found = Found()
        self._probe = Probe(self)
        self._cpu = 0.0
        self._begun = False
        chat = replace(services.settings.current.chat, max_tokens=ANSWER_TOKENS)
        services.settings.change(replace(services.settings.current, chat=chat))
        services.facts.subscribe(self._heard)

    def _heard(self, fact: Fact) -> None:
        match fact:
            case ModelStateChanged(state) if state.phase is ModelPhase.READY and not self._begun:
                self._begun = True
                QTimer.singleShot(_SETTLE_MS, self._rest)
            case AnswerGrew():
                self._probe.into = self._found.streaming
            case AnswerEnded(error=error, run=run):
                if error is not None:
                    raise RuntimeError(error.title)
                if run.stats is not None:
                    self._found.answer_tokens += run.stats.answer_tokens
                QTimer.singleShot(_AFTER_MS, self._on_answered)
            case _:
                pass

    def _rest(self) -> None:
        self._cpu = time.process_time()
        QTimer.singleShot(round(REST_SECONDS * 1000), self._be_idle)

    def _be_idle(self) -> None:
        self._found.rest_cpu = time.process_time() - self._cpu
        self._probe.start()
        QTimer.singleShot(_SETTLE_MS, self._measure_idle)
        QTimer.singleShot(_SETTLE_MS + _IDLE_MS, self._ask)

    def _measure_idle(self) -> None:
        self._probe.into = self._found.idle

    def _ask(self) -> None:
        self._probe.into = None
        field_ = next(w for w in QApplication.allWidgets() if w.objectName() == "Message")
        QTest.keyClicks(field_, _QUESTION)
        self._cpu = time.process_time()
        QTest.keyClick(field_, Qt.Key.Key_Return)
        self._probe.into = self._found.asked

    def _on_answered(self) -> None:
        self._probe.into = None
        self._found.answers_cpu += time.process_time() - self._cpu
        if len(self._found.streaming) < self._probes_wanted:
            self._ask()
            return
        self._report.write_text(json.dumps(asdict(self._found)), "utf-8")
        close_all()


def close_all() -> None:
    """End the application as a person does."""
    for window in QApplication.topLevelWidgets():
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
