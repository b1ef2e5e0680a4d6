"""What can be done with a model of the library."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
)

from app.domain.library import Origin, Verdict
from app.domain.library_errors import NotOurs
from app.gui.library.acts import Act
from app.gui.loading.dialog import LoadSettingsDialog
from app.gui.pages import CHAT, MODELS
from app.gui.present.reveal import Revealer
from tests.helpers.gui_models import loaded_info
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage
from tests.helpers.library_stage import (
    BROKEN,
    EMBEDDING,
    OWN,
    THEIRS,
    begin,
    button,
    shown,
    text,
)
from tests.helpers.measurements import record, speed

# ------------------------------------------------------------------------------------ the acts


async def test_use_chooses_loads_and_goes_to_the_conversation(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Use").click()
    assert stage.window.pages.shown == CHAT
    await stage.until(lambda: services.models.loads)
    model = services.models.state.model
    assert model is not None
    assert model.path == OWN.path
    stage.window.pages.go(MODELS)
    assert button(stage, "Use").text() == "Go to the conversation"


async def test_return_and_a_double_click_use_it_too(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    wished: list[tuple[Act, str]] = []
    panel.wished.connect(lambda act, path: wished.append((act, path)))
    panel.list.setFocus()
    panel.select(EMBEDDING.path)
    stage.key(Qt.Key.Key_Return)
    assert wished == []
    panel.select(THEIRS.path)
    stage.key(Qt.Key.Key_Return)
    assert wished == [(Act.USE, THEIRS.path)]


async def test_the_star_is_set_by_key_and_by_click(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.list.setFocus()
    panel.select(OWN.path)
    stage.key(Qt.Key.Key_Space)
    await stage.until(lambda: shown(panel)[0] == "Qwen3 8B")
    star = panel.list.visualRect(panel.rows.index(0)).topLeft() + QPoint(22, 18)
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=star)
    await stage.until(lambda: shown(panel)[0] == "Llama 3.2")
    stage.find(QToolButton, "Favourite").click()
    await stage.until(lambda: shown(panel)[0] == "Qwen3 8B")


async def test_a_new_name_is_shown(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.list.setFocus()
    panel.select(OWN.path)
    stage.key(Qt.Key.Key_F2)
    field = stage.find(QLineEdit, "Shown name")
    assert field.text() == "Qwen3 8B"
    field.setText("  My favourite ")
    button(stage, "Rename now").click()
    await stage.until(lambda: "My favourite" in shown(panel))
    assert services.library.calls == [("rename", OWN.path, "My favourite")]
    assert text(stage, "Details title") == "My favourite"


async def test_removal_asks_unloads_and_goes_to_the_trash(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    services.models.show_loaded(loaded_info(OWN.path))
    panel.select(OWN.path)
    button(stage, "Move to trash").click()
    question = stage.find(QPushButton, "Cancel").window()
    said = " ".join(label.text() for label in question.findChildren(QLabel))
    assert "4.7 GB" in said
    assert "unloaded first" in said
    move = question.findChild(QPushButton, "Move to trash")
    assert isinstance(move, QPushButton)
    move.click()
    await stage.until(lambda: "Qwen3 8B" not in shown(panel))
    assert services.models.unloaded == [OWN.path]
    assert services.library.calls == [("remove", OWN.path)]


async def test_a_removal_that_is_not_wanted_does_nothing(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Move to trash").click()
    button(stage, "Cancel").click()
    await stage.settle()
    assert services.library.calls == []


async def test_a_failure_is_told_and_over_when_the_next_thing_works(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    services.library.error = NotOurs("This file is not Lamplight's own.")
    panel.wished.emit(Act.FAVOURITE, OWN.path)
    await stage.until(lambda: stage.banners() == ["This file is not Lamplight's own."])
    services.library.error = None
    panel.wished.emit(Act.FAVOURITE, OWN.path)
    await stage.until(lambda: stage.banners() == [])


@pytest.mark.parametrize(
    ("verdict", "said"),
    [(Verdict.SOUND, "Verified: the file is"), (Verdict.CHANGED, "This file is not what was")],
)
async def test_a_verification_tells_how_far_it_is_and_how_it_ended(
    stage: Stage, services: FakeServices, verdict: Verdict, said: str
) -> None:
    services.library.gate = asyncio.Event()
    services.library.verdict = verdict
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Verify").click()
    await stage.until(lambda: panel.work.isVisible() and "GB" in text(stage, "Work"))
    assert text(stage, "Work") == "Verifying “Qwen3 8B”: 2.3 GB of 4.7 GB"
    assert stage.find(QProgressBar, "Progress: Verifying “Qwen3 8B”").value() == 489
    assert not button(stage, "Verify").isEnabled()
    services.library.gate.set()
    await stage.until(lambda: text(stage, "Verification").startswith(said))
    assert not panel.work.isVisible()
    assert button(stage, "Verify").isEnabled()


async def test_a_verification_can_be_cancelled(stage: Stage, services: FakeServices) -> None:
    services.library.gate = asyncio.Event()
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Verify").click()
    await stage.until(panel.work.isVisible)
    button(stage, "Cancel: Verifying “Qwen3 8B”").click()
    await stage.until(lambda: not panel.work.isVisible())
    assert text(stage, "Verification") == ""
    assert services.library.calls == []
    assert button(stage, "Verify").isEnabled()


async def test_a_verification_ends_as_a_word_in_passing_where_another_row_is_shown(
    stage: Stage, services: FakeServices
) -> None:
    services.library.gate = asyncio.Event()
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Verify").click()
    panel.select(THEIRS.path)
    await stage.until(panel.work.isVisible)
    services.library.gate.set()
    await stage.until(stage.window.toast.isVisible)
    assert stage.window.toast.accessibleDescription().startswith("“Qwen3 8B”: Verified")


async def test_it_is_shown_in_the_file_manager_and_its_path_copied(
    stage: Stage, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    revealed: list[str] = []
    monkeypatch.setattr(Revealer, "show", lambda _, path: revealed.append(path))
    panel = await begin(stage, services)
    for path in (OWN.path, BROKEN.path):
        panel.select(path)
        button(stage, "Show in folder").click()
        button(stage, "Copy path").click()
        assert QGuiApplication.clipboard().text() == path
    assert revealed == [OWN.path, BROKEN.path]


async def test_settings_and_measurement_are_those_of_the_model(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(THEIRS.path)
    button(stage, "Load settings").click()
    settings = stage.find(LoadSettingsDialog, "Model settings")
    assert any("Llama 3.2" in label.text() for label in settings.findChildren(QLabel))
    settings.close()
    button(stage, "Measure").click()
    await stage.until(lambda: stage.window.findChildren(QPushButton, "Measure now"))
    model = services.models.state.model
    assert model is not None
    assert model.path == THEIRS.path


async def test_an_opened_file_can_be_taken_out_of_the_list(
    stage: Stage, services: FakeServices
) -> None:
    opened = replace(OWN, origin=Origin.OPENED)
    panel = await begin(stage, services, opened, THEIRS)
    panel.select(opened.path)
    button(stage, "Take out of the list").click()
    await stage.until(lambda: "Qwen3 8B" not in shown(panel))
    assert services.library.calls == [("forget", opened.path)]


async def test_the_menu_of_a_row_does_the_same(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services, replace(OWN, is_favourite=True))
    panel.select(OWN.path)
    menu = panel.list.menu_of(replace(OWN, is_favourite=True))
    words = [action.text().partition("\t")[0] for action in menu.actions() if action.text()]
    assert words[0] == "Use"
    assert "No favourite any more" in words
    assert words[-1] == "Move to trash…"
    next(action for action in menu.actions() if action.text() == "Verify").trigger()
    await stage.until(lambda: services.library.calls == [("verify", OWN.path)])
    menu.close()


async def test_the_measured_speed_is_told(stage: Stage, services: FakeServices) -> None:
    services.benchmarks.path = OWN.path
    services.benchmarks.records = [record(speed(0))]
    panel = await begin(stage, services)
    panel.select(OWN.path)
    await stage.until(lambda: text(stage, "Speed").startswith("Measured: writes"))
