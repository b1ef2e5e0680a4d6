"""The inspector keeps what is edited, by conversation."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QToolButton,
)

from app.domain.conversation import ChatParams
from app.domain.fit import automatic_length
from app.gui.inspector.context import lengths_for
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage


def kept(services: FakeServices, conversation_id: int | None) -> ChatParams:
    assert conversation_id is not None
    return services.conversations.kept[conversation_id].conversation.params


async def test_every_value_is_kept(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    stage.find(QPlainTextEdit, "System prompt").setPlainText("Be brief.")
    numbers = {
        "Temperature": 1.25,
        "Top-p": 0.5,
        "Min-p": 0.1,
        "Top-k": 7,
        "Repetition penalty": 1.1,
        "Max tokens": 512,
    }
    for name, value in numbers.items():
        stage.find(QDoubleSpinBox, name).setValue(value)
    stage.find(QLineEdit, "Seed").setText("42")
    box = stage.find(QComboBox, "Context length")
    box.setCurrentIndex(box.findData(2048))
    await stage.until(lambda: kept(services, stage.shown).context_length == 2048)
    params = kept(services, stage.shown)
    s = params.sampling
    assert (params.system_prompt, params.max_tokens, s.seed) == ("Be brief.", 512, 42)
    assert (s.temperature, s.top_p, s.min_p, s.top_k) == (1.25, 0.5, 0.1, 7)
    assert s.repeat_penalty == 1.1


async def test_edits_belong_to_the_conversation_they_were_made_in(
    stage: Stage, services: FakeServices
) -> None:
    first = services.conversations.add("First", "q", "a")
    second = services.conversations.add("Second", "q", "a")
    await stage.begin(first)
    spin = stage.find(QDoubleSpinBox, "Temperature")
    spin.setValue(1.5)
    stage.window.sidebar.chosen.emit(second)
    await stage.until(lambda: spin.value() == 0.8)
    await stage.until(lambda: kept(services, first).sampling.temperature == 1.5)
    assert kept(services, second).sampling.temperature == 0.8


async def test_an_edit_counts_for_the_message_sent_right_after(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.find(QDoubleSpinBox, "Temperature").setValue(0.2)
    stage.write("go")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: services.chat.sent)
    assert kept(services, stage.shown).sampling.temperature == 0.2


async def test_reset_goes_back_to_the_default(stage: Stage) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    spin = stage.find(QDoubleSpinBox, "Top-k")
    reset = stage.find(QToolButton, "Reset Top-k")
    assert reset.isHidden()
    spin.setValue(3)
    assert not reset.isHidden()
    reset.click()
    assert spin.value() == 40
    assert reset.isHidden()


async def test_slider_and_number_move_together(stage: Stage) -> None:
    await stage.begin()
    slider = stage.find(QSlider, "Temperature slider")
    spin = stage.find(QDoubleSpinBox, "Temperature")
    slider.setValue(20)
    assert spin.value() == 1.0
    spin.setValue(0.5)
    assert slider.value() == 10


@pytest.mark.parametrize("language", ["en_GB", "de_DE"])
@pytest.mark.parametrize("typed", ["0,5", "0.5"])
async def test_comma_and_point_are_both_decimal_signs(
    stage: Stage, typed: str, language: str
) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    spin = stage.find(QDoubleSpinBox, "Temperature")
    spin.setLocale(QLocale(language))
    spin.setFocus()
    spin.selectAll()
    stage.type(typed)
    stage.key(Qt.Key.Key_Tab)
    assert spin.value() == 0.5


async def test_bounds_hold(stage: Stage) -> None:
    await stage.begin()
    spin = stage.find(QDoubleSpinBox, "Top-p")
    spin.setValue(7)
    assert spin.value() == 1.0
    seed = stage.find(QLineEdit, "Seed")
    stage.window.menus.inspector.trigger()
    seed.setFocus()
    stage.type("-12x3")
    assert seed.text() == "123"


async def test_the_wheel_over_a_field_changes_nothing(stage: Stage) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    stage.window.composer.field.setFocus()
    spin = stage.find(QDoubleSpinBox, "Temperature")
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(spin.mapToGlobal(QPoint(5, 5))),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(spin, wheel)
    assert spin.value() == 0.8


async def test_another_context_length_offers_to_reload(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    await services.models.preload()
    reload = stage.find(QPushButton, "Reload to apply")
    assert reload.isHidden()
    box = stage.find(QComboBox, "Context length")
    box.setCurrentIndex(box.findData(4096))
    assert not reload.isHidden()
    reload.click()
    await stage.until(lambda: services.models.loads[-1] == 4096)
    await stage.until(reload.isHidden)


def test_lengths_go_up_to_what_the_model_was_trained_for() -> None:
    assert lengths_for(3000, None) == [1024, 2048, 3000]
    assert lengths_for(2048, 9999) == [1024, 2048, 9999]
    assert automatic_length(131072) == 8192
    assert automatic_length(2048) == 2048


def need(stage: Stage) -> QLabel:
    return stage.find(QLabel, "Memory need")


async def test_the_context_length_tells_what_it_takes(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    await stage.until(lambda: need(stage).isVisible())
    assert need(stage).text() == "Takes about 412 MB of 18.0 GB free."
    box = stage.find(QComboBox, "Context length")
    box.setCurrentIndex(box.findData(1024))
    assert need(stage).text() == "Takes about 405 MB of 18.0 GB free."
    assert "Context of 1,024 tokens: 1 MB" in need(stage).toolTip()


async def test_what_hardly_fits_is_said_louder(stage: Stage, services: FakeServices) -> None:
    services.fit.free = 420_000_000
    await stage.begin()
    assert need(stage).property("tone") == "warning"
    assert need(stage).text().endswith("little is left for other programs.")
    services.fit.free = 410_000_000
    box = stage.find(QComboBox, "Context length")
    box.setCurrentIndex(box.findData(8192))
    assert need(stage).property("tone") == "danger"
    assert need(stage).text() == (
        "Needs about 412 MB, and 410 MB are free. At most 2,048 tokens fit."
    )
    box.setCurrentIndex(box.findData(2048))
    assert need(stage).property("tone") == "warning"


async def test_another_model_takes_another_amount(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    services.fit.needed = 4_000_000_000
    await services.models.choose(services.models.models[1].path)
    await stage.until(lambda: "4.0 GB of 18.0 GB" in need(stage).text())
    services.fit.unknown = True
    await services.models.choose(services.models.models[0].path)
    await stage.until(lambda: need(stage).isHidden())
