"""The model button and its popup, in every state."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
)

from app.domain.errors import NotGguf, OutOfMemory
from app.domain.facts import ModelPhase
from app.domain.fit import MeasuredSizes
from app.gui.picker.row import ModelRow
from tests.helpers.gui_models import local_model
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage


def sentence(stage: Stage) -> str:
    return stage.find(QLabel, "Model sentence").text()


def button(stage: Stage, name: str) -> QPushButton:
    return stage.find(QPushButton, name)


async def test_load_and_unload(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.model_button.click()
    assert "Not loaded yet" in sentence(stage)
    button(stage, "Load").click()
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    assert sentence(stage) == "Ready. Takes 317 MB of memory."
    assert "98 MB" in stage.find(QLabel, "Model sentence").toolTip()
    assert stage.window.model_button.accessibleDescription() == "Starter model: ready"
    button(stage, "Unload").click()
    await stage.until(lambda: "Not loaded yet" in sentence(stage))


async def test_a_load_shows_progress_and_can_be_cancelled(
    stage: Stage, services: FakeServices
) -> None:
    services.models.load_gate = asyncio.Event()
    await stage.begin()
    stage.window.model_button.click()
    button(stage, "Load").click()
    await stage.until(lambda: services.models.state.phase is ModelPhase.LOADING)
    assert sentence(stage) == "Loading, 40 %"
    assert stage.find(QProgressBar, "Load progress").value() == 400
    button(stage, "Cancel load").click()
    await stage.until(lambda: "Not loaded yet" in sentence(stage))


async def test_a_failed_load_says_why_and_goes_when_it_works(
    stage: Stage, services: FakeServices
) -> None:
    services.models.load_error = OutOfMemory("Not enough memory", "12 GB", "Choose a smaller one.")
    await stage.begin()
    stage.window.model_button.click()
    button(stage, "Load").click()
    await stage.until(lambda: sentence(stage) == "Not enough memory")
    assert stage.find(QLabel, "Model remedy").text() == "Choose a smaller one."
    assert stage.banners() == ["Not enough memory"]
    services.models.load_error = None
    assert button(stage, "Load").text() == "Try again"
    button(stage, "Load").click()
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    assert stage.banners() == []


async def test_choosing_another_model_loads_it(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.model_button.click()
    button(stage, "Qwen3 8B, Q4_K_M · 4.7 GB").click()
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    assert services.models.state.model is services.models.models[1]
    assert not stage.window.popup.isVisible()


async def test_forget_leaves_the_starter_alone(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.model_button.click()
    buttons = stage.window.popup.findChildren(QToolButton)
    forgets = [button for button in buttons if button.accessibleName().startswith("Forget")]
    assert [button.accessibleName() for button in forgets] == ["Forget Qwen3 8B"]
    forgets[0].click()
    await stage.until(lambda: len(services.models.models) == 1)
    rows = [b for b in stage.window.popup.findChildren(QPushButton) if "MB" in b.objectName()]
    assert len(rows) == 1


async def test_keys_walk_the_popup_and_escape_leaves_it(stage: Stage) -> None:
    await stage.begin()
    stage.key(Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    first = stage.focus()
    assert stage.window.popup.isAncestorOf(first)
    stage.key(Qt.Key.Key_Down)
    assert QApplication.focusWidget() is not first
    for _ in range(12):
        stage.key(Qt.Key.Key_Tab)
        assert stage.window.popup.isAncestorOf(stage.focus())
    stage.key(Qt.Key.Key_Escape)
    assert not stage.window.popup.isVisible()
    assert QApplication.focusWidget() is stage.window.composer.field


async def test_opening_a_bad_file_is_a_banner(stage: Stage, services: FakeServices) -> None:
    services.models.open_error = NotGguf("This is no model file", "x.gguf", "Choose a GGUF file.")
    await stage.begin()
    stage.window.files_dropped.emit(["/tmp/x.gguf"])
    await stage.until(lambda: stage.banners() == ["This is no model file"])
    services.models.open_error = None
    stage.window.files_dropped.emit(["/tmp/y.gguf"])
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    assert stage.banners() == []


async def test_a_dropped_model_file_is_opened(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/models/new.GGUF")])
    enter = QDragEnterEvent(
        QPointF(5, 5).toPoint(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(stage.window, enter)
    assert enter.isAccepted()
    assert stage.window.drop_hint.isVisible()
    QApplication.sendEvent(stage.window, _drop(data))
    assert not stage.window.drop_hint.isVisible()
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    assert services.models.opened == ["/models/new.GGUF"]


async def test_another_file_is_not_taken(stage: Stage) -> None:
    await stage.begin()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/picture.png")])
    assert not stage.window.composer.field.canInsertFromMimeData(data)
    QApplication.sendEvent(stage.window, _drop(data))
    await stage.settle()
    assert not stage.window.drop_hint.isVisible()


def _drop(data: QMimeData) -> QDropEvent:
    return QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


async def test_without_any_model_the_window_tells_how_to_get_one(
    stage: Stage, services: FakeServices
) -> None:
    services.models.models = ()
    services.models.state = type(services.models.state)()
    await stage.begin()
    opener = button(stage, "Open a model file")
    assert opener.isVisible()
    opener.click()
    dialog = stage.find(QFileDialog, "Open model file")
    assert dialog.isVisible()
    assert Path(dialog.directory().absolutePath()) == Path.home()
    dialog.filesSelected.emit(["/models/mine.gguf"])
    dialog.close()
    await stage.until(lambda: services.models.opened == ["/models/mine.gguf"])
    await stage.until(lambda: not opener.isVisible())


async def test_each_model_says_whether_it_fits(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.model_button.click()
    row = stage.window.popup.findChildren(ModelRow)[0]
    assert row.badge.isVisible()
    assert row.badge.text() == "fits"
    said = row.main.accessibleDescription()
    assert said == "Chosen; fits, about 412 MB of 18.0 GB free"
    tip = row.main.toolTip()
    assert "Weights: 400 MB" in tip
    assert "Context of 8,192 tokens: 8 MB" in tip
    assert "Buffers: 4 MB" in tip


async def test_what_fits_is_looked_at_again_when_the_list_opens(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    row = stage.window.popup.findChildren(ModelRow)[1]
    for free, words, tone in (
        (430_000_000, "tight", "warning"),
        (300_000_000, "too large", "danger"),
        (18_000_000_000, "fits", "muted"),
    ):
        services.fit.free = free
        stage.window.model_button.click()
        assert (row.badge.text(), row.badge.property("tone")) == (words, tone)
        stage.window.model_button.click()


async def test_a_model_whose_header_tells_too_little_has_no_badge(
    stage: Stage, services: FakeServices
) -> None:
    services.fit.unknown = True
    await stage.begin()
    stage.window.model_button.click()
    row = stage.window.popup.findChildren(ModelRow)[0]
    assert not row.badge.isVisible()
    assert row.main.toolTip() == row.path
    assert row.main.accessibleDescription() == "Chosen"


async def test_what_was_measured_is_told_beside_the_estimate(
    stage: Stage, services: FakeServices
) -> None:
    services.fit.measured = MeasuredSizes(8192, 400_000_000, 8_000_000, 2_000_000)
    await stage.begin()
    tip = stage.window.popup.findChildren(ModelRow)[0].main.toolTip()
    assert "Estimate: 412 MB" in tip
    assert "Measured on this machine: 410 MB" in tip


def rows(stage: Stage) -> list[str]:
    """The names of the models that have a row."""
    found = stage.window.popup.findChildren(ModelRow)
    return [row.main.accessibleName().partition(",")[0] for row in found if not row.isHidden()]


async def test_of_many_models_some_have_rows_and_the_others_are_typed_for(
    stage: Stage, services: FakeServices
) -> None:
    many = [replace(local_model(f"Model {number}"), path=f"/m/{number}") for number in range(500)]
    services.models.models = (*services.models.models, *many)
    await stage.begin()
    stage.window.model_button.click()
    assert len(rows(stage)) == 30
    assert "472 more" in stage.find(QLabel, "Models not shown").text()
    QTest.keyClicks(stage.focus(), "m")
    QTest.keyClicks(stage.find(QLineEdit, "Filter models"), "odel 499")
    await stage.until(lambda: rows(stage) == ["Model 499"])
    button(stage, next(n for n in names(stage) if n.startswith("Model 499"))).click()
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    stage.window.model_button.click()
    await stage.until(lambda: len(rows(stage)) == 30)
    assert rows(stage)[0] == "Model 499"


def names(stage: Stage) -> list[str]:
    """Of the buttons that choose a model."""
    return [row.main.objectName() for row in stage.window.popup.findChildren(ModelRow)]


async def test_few_models_need_no_filter(stage: Stage) -> None:
    await stage.begin()
    stage.window.model_button.click()
    assert not stage.find(QLineEdit, "Filter models").isVisible()
