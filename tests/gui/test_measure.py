"""The dialog “Measure”: running, results, history, reasons and their buttons."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QPushButton, QWidget

from app.domain.errors import OutOfMemory
from app.domain.facts import BenchPhase
from app.domain.slowness import (
    Cause,
    ChooseAnother,
    CopyCommand,
    Diagnosis,
    Finding,
    Fix,
    MeasureAgain,
    SetThreads,
)
from app.gui.measure import words
from app.gui.measure.dialog import MeasureDialog
from tests.helpers.gui_models import local_model
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage
from tests.helpers.measurements import THREADS, record, speed

OLD = record(speed(0, 100.0, 40.0), number=1, at=1_700_000_000_000)
NEW = record(speed(0), speed(2048, 100.0, 25.0), number=2, at=1_700_086_400_000)


def finding(fix: Fix) -> Diagnosis:
    return Diagnosis(
        (Finding(Cause.THREADS, "It could be faster.", "9 against 5.", fix),), "Limit."
    )


async def opened(stage: Stage) -> MeasureDialog:
    """The dialog, from the menu."""
    await stage.begin()
    stage.window.menus.measure.trigger()
    await stage.settle()
    return dialog_of(stage)


def dialog_of(stage: Stage) -> MeasureDialog:
    found = [dialog for dialog in stage.window.findChildren(MeasureDialog) if dialog.isVisible()]
    assert len(found) == 1
    return found[0]


def cells(dialog: MeasureDialog) -> list[list[str]]:
    table = dialog.table
    found = [[table.item(row, column) for column in range(3)] for row in range(table.rowCount())]
    return [[item.text() if item is not None else "" for item in row] for row in found]


def button(dialog: MeasureDialog, name: str) -> QPushButton:
    found = dialog.findChild(QPushButton, name)
    assert found is not None, name
    return found


async def test_the_popup_opens_it(stage: Stage) -> None:
    await stage.begin()
    stage.window.model_button.click()
    stage.find(QPushButton, "Measure").click()
    dialog = dialog_of(stage)
    assert not stage.window.popup.isVisible()
    assert not dialog.isModal()
    assert "Q4_1 · 98 MB" in dialog.subject.text()
    await stage.until(lambda: QApplication.focusWidget() is dialog.run)
    stage.window.menus.measure.trigger()
    assert dialog_of(stage) is dialog


async def test_without_a_model_there_is_nothing_to_open(stage: Stage) -> None:
    stage.services.models.__init__(stage.services.facts, ())
    await stage.begin()
    stage.window.model_button.click()
    assert not stage.find(QPushButton, "Measure").isVisible()
    stage.window.menus.measure.trigger()
    assert stage.window.findChildren(MeasureDialog) == []


async def test_it_runs_and_shows_what_comes(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    assert not dialog.table.isVisible()
    dialog.threads.click()
    dialog.run.click()
    (plan,) = services.benchmarks.begun
    assert (plan.try_threads, plan.seconds > 0) == (True, True)
    assert dialog.stop.isVisible()
    assert not dialog.run.isEnabled()
    assert QApplication.focusWidget() is dialog.stop
    services.benchmarks.show(phase=BenchPhase.RUNNING, fraction=0.4, depth=2048, speeds=(speed(),))
    assert dialog.progress.value() == 400
    assert dialog.doing.text() == "Measuring after 2,048 tokens, 40 %"
    services.benchmarks.finish(NEW)
    await stage.until(lambda: len(cells(dialog)) == 2)
    assert cells(dialog) == [["0", "200.0", "50.0"], ["2,048", "100.0", "25.0"]]
    assert not dialog.progress.isVisible()
    assert QApplication.focusWidget() is dialog.run
    assert "1 thread · llama.cpp 1.2 · loaded in 0.4 s · 400 MB in memory" in dialog.terms.text()


async def test_what_is_measured_already_is_shown_at_once(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    services.benchmarks.show(phase=BenchPhase.RUNNING, speeds=(speed(),))
    assert cells(dialog) == [["0", "200.0", "50.0"]]
    assert dialog.table.isVisible()


async def test_all_the_time_that_it_takes(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    dialog.thorough.click()
    dialog.run.click()
    assert services.benchmarks.begun[0].seconds == 0


async def test_cancel_and_failure_are_said(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    dialog.run.click()
    dialog.stop.click()
    assert dialog.doing.text() == "Cancelled."
    error = OutOfMemory("Too little memory.", remedy="Close something.")
    services.benchmarks.show(phase=BenchPhase.FAILED, error=error)
    assert dialog.doing.text() == "Too little memory. Close something."
    assert dialog.doing.property("tone") == "danger"


async def test_while_another_model_is_measured_that_is_said_and_can_be_ended(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    dialog.run.click()
    await services.models.choose("/models/Qwen3 8B.gguf")
    assert dialog.doing.text() == "Another model is being measured."
    assert not dialog.run.isEnabled()
    dialog.stop.click()
    assert dialog.run.isEnabled()
    assert not dialog.doing.isVisible()


async def test_one_that_runs_is_found_again(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    dialog.run.click()
    dialog.close()
    stage.window.menus.measure.trigger()
    again = dialog_of(stage)
    assert again is not dialog
    assert again.stop.isVisible()
    assert len(services.benchmarks.begun) == 1


async def test_the_history_is_compared_shown_and_deleted(
    stage: Stage, services: FakeServices
) -> None:
    services.benchmarks.records = [NEW, OLD]
    dialog = await opened(stage)
    await stage.until(lambda: dialog.history.count() == 2)
    assert "answers 25 % faster, prompts 2.0 times as fast." in dialog.comparison.text()
    assert "14 Nov 2023" in dialog.history.item(1).text()
    assert dialog.chart.isVisible()
    assert "40.0 tok/s, 50.0 tok/s" in dialog.chart.accessibleDescription()
    dialog.history.setFocus()
    stage.key(Qt.Key.Key_Down)
    assert cells(dialog) == [["0", "100.0", "40.0"]]
    assert not dialog.comparison.isVisible()
    stage.key(Qt.Key.Key_Delete)
    await stage.until(lambda: dialog.history.count() == 1)
    assert services.benchmarks.records == [NEW]
    button(dialog, "Delete measurement").click()
    await stage.until(lambda: not dialog.table.isVisible())
    assert services.benchmarks.records == []
    assert not dialog.copy.isEnabled()


async def test_it_is_copied_as_text(stage: Stage, services: FakeServices) -> None:
    services.benchmarks.records = [NEW, OLD]
    services.benchmarks.diagnosis = finding(MeasureAgain())
    dialog = await opened(stage)
    await stage.until(lambda: dialog.history.count() == 2)
    button(dialog, "Copy as text").click()
    text = QGuiApplication.clipboard().text()
    for piece in (
        "2,048         100.0          25.0",
        "25 % faster",
        "It could be faster.",
        "Limit.",
    ):
        assert piece in text
    dialog.history.setCurrentRow(1)
    button(dialog, "Copy as text").click()
    assert "It could be faster." not in QGuiApplication.clipboard().text()


@pytest.mark.parametrize(
    ("fix", "label"), [(SetThreads(2), "Use 2 threads"), (MeasureAgain(), "Measure again")]
)
async def test_a_finding_has_a_button_that_works(
    stage: Stage, services: FakeServices, fix: Fix, label: str
) -> None:
    services.benchmarks.diagnosis = finding(fix)
    dialog = await opened(stage)
    await stage.until(lambda: dialog.findChild(QFrame, "Finding: threads") is not None)
    card = dialog.findChild(QFrame, "Finding: threads")
    assert card is not None
    assert card.accessibleDescription() == "It could be faster. 9 against 5."
    limit = dialog.findChild(QLabel, "Limit")
    assert limit is not None
    assert limit.text() == "Limit."
    button(dialog, label).click()
    await stage.settle()
    if isinstance(fix, MeasureAgain):
        assert len(services.benchmarks.begun) == 1
    else:
        assert services.benchmarks.applied == [fix]


async def test_a_command_is_copied(stage: Stage, services: FakeServices) -> None:
    services.benchmarks.diagnosis = finding(CopyCommand("python3 dev.py setup --backend cuda"))
    dialog = await opened(stage)
    await stage.until(lambda: dialog.findChild(QFrame, "Finding: threads") is not None)
    button(dialog, "Copy the command").click()
    assert QGuiApplication.clipboard().text() == "python3 dev.py setup --backend cuda"


async def test_choosing_another_model_leads_to_the_list(
    stage: Stage, services: FakeServices
) -> None:
    services.benchmarks.diagnosis = finding(ChooseAnother())
    dialog = await opened(stage)
    await stage.until(lambda: dialog.findChild(QFrame, "Finding: threads") is not None)
    button(dialog, "Choose another model").click()
    assert stage.window.popup.isVisible()
    assert not dialog.isVisible()


async def test_it_follows_the_chosen_model(stage: Stage, services: FakeServices) -> None:
    services.benchmarks.records = [NEW]
    dialog = await opened(stage)
    await stage.until(lambda: dialog.history.count() == 1)
    await services.models.choose("/models/Qwen3 8B.gguf")
    await stage.until(lambda: dialog.history.count() == 0)
    assert "Qwen3 8B · Q4_K_M · 4.7 GB" in dialog.subject.text()
    services.benchmarks.show(phase=BenchPhase.RUNNING)
    assert dialog.doing.text() == "Another model is being measured."


async def test_a_slow_look_does_not_overwrite_a_later_one(
    stage: Stage, services: FakeServices
) -> None:
    services.benchmarks.records = [OLD]
    services.benchmarks.history_gate = gate = asyncio.Event()
    dialog = await opened(stage)
    services.benchmarks.history_gate = None
    services.benchmarks.finish(NEW)
    await stage.until(lambda: dialog.history.count() == 2)
    gate.set()
    await stage.settle()
    assert dialog.history.count() == 2


async def test_every_control_has_a_name(stage: Stage, services: FakeServices) -> None:
    services.benchmarks.records = [NEW, OLD]
    services.benchmarks.diagnosis = finding(SetThreads(2))
    dialog = await opened(stage)
    await stage.until(lambda: dialog.findChild(QFrame, "Finding: threads") is not None)
    for widget in dialog.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            assert widget.accessibleName(), widget


def test_words_for_threads_and_depths() -> None:
    tried = record(speed(), threads=THREADS, left_out=(4096, 8192))
    assert words.threads_tried(tried) == (
        "Answers with 1 thread 50.0 tok/s, 2 threads 80.0 tok/s, 4 threads 60.0 tok/s."
    )
    assert words.left_out(tried) == (
        "Not measured after 4,096 and 8,192 tokens, for want of time or memory."
    )
    assert words.as_text(local_model("A"), tried, "", None).startswith("A, ")
