"""The guard of the window's tests: leftover widgets and timers fail the test that left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.inner_pytest import outcomes_of

if TYPE_CHECKING:
    import pytest

_TESTS = """
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel

pytestmark = pytest.mark.gui
kept = []


def test_widget_left_errors(qapp):
    kept.append(QLabel("left"))


def test_widget_given_to_qtbot_passes(qtbot):
    label = QLabel("handed over")
    qtbot.addWidget(label)
    label.show()


def test_widget_that_dies_later_passes(qapp):
    label = QLabel("going")
    kept.append(label)
    label.deleteLater()


def test_widget_in_a_cycle_passes(qapp):
    label = QLabel("round")
    label.me = label


def test_running_timer_left_errors(qapp):
    timer = QTimer()
    timer.start(1000)
    kept.append(timer)


def test_timer_started_by_interval_left_errors(qapp):
    timer = QTimer(interval=1000)
    timer.start()
    kept.append(timer)


def test_stopped_timer_passes(qapp):
    timer = QTimer()
    timer.start(1000)
    timer.stop()
    kept.append(timer)


def test_timer_of_a_dead_widget_passes(qtbot):
    label = QLabel("host")
    qtbot.addWidget(label)
    timer = QTimer(label)
    timer.start(1000)
    kept.append(timer)
"""


def test_the_guard_fails_what_it_should(tmp_path_factory: pytest.TempPathFactory) -> None:
    outcomes = outcomes_of(_TESTS, tmp_path_factory.mktemp("inner"))
    assert len(outcomes) == _TESTS.count("\ndef test_")
    wrong = {name: said for name, said in outcomes.items() if not name.endswith(said)}
    assert wrong == {}
