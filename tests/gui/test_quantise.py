"""The dialog “Make smaller”: what a model can become, a job and its end."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QProgressBar, QPushButton, QWidget

from app.domain.errors import EngineCrashed, NotGguf
from app.domain.library_errors import ResultExists
from app.gui.quantise.dialog import QuantiseDialog
from tests.helpers.gui_models import local_model
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def open_dialogs(stage: Stage) -> list[QuantiseDialog]:
    return [one for one in stage.window.findChildren(QuantiseDialog) if one.isVisible()]


def chosen(services: FakeServices) -> str:
    model = services.models.state.model
    return model.path if model else ""


def toast(stage: Stage) -> str:
    return stage.window.toast.accessibleDescription()


async def opened(stage: Stage) -> QuantiseDialog:
    """The dialog, from the menu, for the chosen model."""
    await stage.begin()
    stage.window.menus.quantise.trigger()
    (dialog,) = open_dialogs(stage)
    await stage.until(lambda: dialog.choices.rowCount() or "Looking" not in dialog.subject.text())
    return dialog


def part(dialog: QuantiseDialog, kind: type[AnyWidget], name: str) -> AnyWidget:
    found = dialog.findChild(kind, name)
    assert found is not None, name
    return found


def row(dialog: QuantiseDialog, number: int) -> list[str]:
    table = dialog.choices
    items = [table.item(number, column) for column in range(table.columnCount())]
    return [item.text() for item in items if item is not None]


def press(dialog: QuantiseDialog, name: str) -> None:
    button = part(dialog, QPushButton, name)
    assert button.isVisible(), name
    assert button.isEnabled(), name
    button.click()


async def test_the_types_are_listed_with_size_memory_and_quality(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    assert services.quantise.looked == ["/models/starter.gguf"]
    assert dialog.subject.text() == "Tiny-F16 · F16 · 16.1 GB"
    first = row(dialog, 0)
    assert first[:2] == ["Q8_0", "8.5 GB"]
    assert first[2] == "412 MB, fits"
    assert first[3] == "as good as the original"


async def test_nothing_gapes_below_a_short_list(stage: Stage, services: FakeServices) -> None:
    services.quantise.most = 2
    dialog = await opened(stage)
    await stage.settle()
    below = dialog.choices.geometry().bottom()
    assert below < dialog.place.y() < below + 40
    table = dialog.choices
    assert 0 <= table.viewport().height() - 2 * table.rowHeight(0) < table.rowHeight(0) // 2


async def test_the_recommended_one_is_chosen_and_the_place_follows(stage: Stage) -> None:
    dialog = await opened(stage)
    assert dialog.choices.target == "Q4_K_M"
    assert row(dialog, dialog.choices.currentRow())[3] == "small loss, recommended"
    assert dialog.place.full_text() == "/models/Tiny-Q4_K_M.gguf"
    stage.key(Qt.Key.Key_Down, on=dialog.choices)
    assert dialog.place.full_text() == "/models/Tiny-Q4_K_S.gguf"


async def test_a_job_from_begin_to_use(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    press(dialog, "Begin")
    (request,) = services.quantise.begun
    assert (request.source, request.target) == ("/models/starter.gguf", "Q4_K_M")
    assert (request.result, request.replace) == ("/models/Tiny-Q4_K_M.gguf", False)
    services.quantise.went_on(0.4, 130.0)
    assert part(dialog, QLabel, "State").text() == "Making it smaller: 40%, about 2 minutes left"
    assert part(dialog, QProgressBar, "Progress").value() == 400
    assert not part(dialog, QPushButton, "Begin").isVisible()
    services.quantise.finish()
    assert "5.0 GB, 69% less" in part(dialog, QLabel, "State").text()
    services.models.models = (*services.models.models, local_model("Tiny-Q4_K_M"))
    press(dialog, "Use the result")
    await stage.until(lambda: chosen(services) == "/models/Tiny-Q4_K_M.gguf")
    assert open_dialogs(stage) == []


async def test_a_job_is_stopped(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    press(dialog, "Begin")
    press(dialog, "Stop making it smaller")
    assert services.quantise.cancelled == 1
    assert part(dialog, QLabel, "State").text() == "Stopped. Nothing of it was kept."
    assert part(dialog, QPushButton, "Begin").isVisible()


async def test_what_was_made_smaller_before_needs_a_tick(
    stage: Stage, services: FakeServices
) -> None:
    services.quantise.is_quantised = True
    dialog = await opened(stage)
    assert part(dialog, QLabel, "Warning").isVisible()
    begin = part(dialog, QPushButton, "Begin")
    assert not begin.isEnabled()
    part(dialog, QCheckBox, "Make it smaller all the same").click()
    press(dialog, "Begin")
    assert services.quantise.begun[0].again


async def test_a_full_model_is_not_warned_of(stage: Stage) -> None:
    assert not part(await opened(stage), QLabel, "Warning").isVisible()


async def test_a_file_that_is_there_is_replaced_only_when_asked(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    assert not part(dialog, QPushButton, "Replace the file").isVisible()
    press(dialog, "Begin")
    services.quantise.fail(ResultExists("There is one already."))
    assert part(dialog, QLabel, "State").text() == "There is one already."
    press(dialog, "Replace the file")
    assert [request.replace for request in services.quantise.begun] == [False, True]


async def test_a_model_that_cannot_become_smaller_says_so(
    stage: Stage, services: FakeServices
) -> None:
    services.quantise.nothing_smaller = True
    dialog = await opened(stage)
    assert "as small as Lamplight can make it" in dialog.subject.text()
    assert not part(dialog, QPushButton, "Begin").isEnabled()


async def test_a_model_that_cannot_be_read_says_why(stage: Stage, services: FakeServices) -> None:
    services.quantise.error = NotGguf("It is no model.", "", "Choose another one.")
    dialog = await opened(stage)
    assert dialog.subject.text() == "It is no model.\nChoose another one."


async def test_closed_meanwhile_the_end_is_told_all_the_same(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    press(dialog, "Begin")
    dialog.reject()
    assert "still being made smaller" in toast(stage)
    services.quantise.finish()
    assert "is ready" in toast(stage)
    services.quantise.fail(EngineCrashed("It stopped."))
    assert stage.banners() == ["It stopped."]


async def test_opened_again_it_shows_the_job(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    press(dialog, "Begin")
    dialog.reject()
    services.quantise.went_on(0.5)
    stage.window.menus.quantise.trigger()
    (again,) = open_dialogs(stage)
    await stage.until(lambda: "50%" in again.doing.text())
    assert part(again, QPushButton, "Stop making it smaller").isVisible()


async def test_closed_before_the_options_came_nothing_happens(
    stage: Stage, services: FakeServices
) -> None:
    services.quantise.gate = asyncio.Event()
    await stage.begin()
    stage.window.menus.quantise.trigger()
    await stage.settle()
    (dialog,) = open_dialogs(stage)
    dialog.reject()
    services.quantise.gate.set()
    await stage.settle()
    assert open_dialogs(stage) == []


async def test_the_list_of_models_opens_it_too(stage: Stage) -> None:
    await stage.begin()
    stage.window.model_button.click()
    stage.find(QPushButton, "Make smaller").click()
    assert open_dialogs(stage)
