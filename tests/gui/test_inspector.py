"""The inspector keeps what is edited, by conversation."""

from __future__ import annotations

from dataclasses import replace

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
from app.domain.sampling import Sampling
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


async def test_less_free_memory_does_not_ask_to_reload(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    await services.models.preload()
    info = services.models.state.info
    assert info is not None
    services.models.show(replace(services.models.state, info=replace(info, context_length=2048)))
    assert stage.find(QPushButton, "Reload to apply").isHidden()


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


async def test_advanced_values_are_kept_and_counted_in_the_heading(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    toggle = stage.find(QToolButton, "Advanced sampling")
    assert toggle.text() == "Advanced sampling"
    toggle.click()
    stage.find(QDoubleSpinBox, "DRY strength").setValue(0.8)
    stage.find(QDoubleSpinBox, "Mirostat").setValue(2)
    stage.find(QPlainTextEdit, "Stop strings").setPlainText("END\n\\n\\n\nEND")
    stage.find(QPlainTextEdit, "Logit bias").setPlainText(" the: -100\nfox: 2,5")
    await stage.until(lambda: kept(services, stage.shown).sampling.logit_bias)
    params = kept(services, stage.shown)
    assert (params.sampling.dry_multiplier, params.sampling.mirostat) == (0.8, 2)
    assert params.sampling.logit_bias == ((" the", -100.0), ("fox", 2.5))
    assert params.stop == ("END", "\n\n")
    assert toggle.text() == "Advanced sampling (4 set)"
    order = stage.find(QLabel, "Order of the samplers").text()
    assert order == "In this order: logit bias, DRY, temperature, Mirostat."


async def test_advanced_values_are_shown_when_unfolded_later(
    stage: Stage, services: FakeServices
) -> None:
    set_before = services.conversations.add("First", "q", "a")
    entry = services.conversations.kept[set_before]
    sampling = Sampling(typical_p=0.5, logit_bias=(("a:b", 1.0),), grammar='root ::= "a"')
    params = ChatParams(sampling=sampling, stop=("\\", "\t"))
    entry.conversation = replace(entry.conversation, params=params)
    await stage.begin(set_before)
    stage.window.menus.inspector.trigger()
    toggle = stage.find(QToolButton, "Advanced sampling")
    assert toggle.text() == "Advanced sampling (3 set)"
    toggle.click()
    assert stage.find(QDoubleSpinBox, "Typical").value() == 0.5
    assert stage.find(QPlainTextEdit, "Logit bias").toPlainText() == "a:b: 1"
    assert stage.find(QPlainTextEdit, "Stop strings").toPlainText() == "\\\\\n\\t"
    assert stage.find(QPlainTextEdit, "Grammar").toPlainText() == 'root ::= "a"'
    stage.find(QDoubleSpinBox, "Temperature").setValue(1.5)
    await stage.until(lambda: kept(services, set_before).sampling.temperature == 1.5)
    assert kept(services, set_before).stop == params.stop
    assert kept(services, set_before).sampling == replace(sampling, temperature=1.5)


async def test_a_line_that_is_no_bias_is_told(stage: Stage) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    stage.find(QToolButton, "Advanced sampling").click()
    edit = stage.find(QPlainTextEdit, "Logit bias")
    note = stage.find(QLabel, "Logit bias note")
    edit.setPlainText("fox: 2\nfox: much")
    assert note.text().startswith("Line 2 is not")
    edit.setPlainText("fox: 2")
    assert note.isHidden()


async def test_a_bad_form_is_told_while_it_is_typed(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    box = stage.find(QComboBox, "Answer format")
    schema = stage.find(QPlainTextEdit, "JSON Schema")
    assert schema.isHidden() or not schema.isVisible()
    box.setCurrentIndex(box.findText("JSON Schema"))
    note = stage.find(QLabel, "JSON Schema note")
    schema.setPlainText('{"type": "objec"}')
    await stage.until(lambda: "At /type" in note.text())
    schema.setPlainText('{"type": "integer", "minimum": 1}')
    await stage.until(lambda: note.text() == "Ready. Not enforced while writing: minimum.")
    await stage.until(
        lambda: kept(services, stage.shown).sampling.json_schema == schema.toPlainText()
    )
    box.setCurrentIndex(box.findText("GBNF grammar"))
    stage.find(QPlainTextEdit, "Grammar").setPlainText('root ::= "a')
    note = stage.find(QLabel, "Grammar note")
    await stage.until(lambda: "Line 1, column 10" in note.text())
    stage.find(QToolButton, "Reset Answer format").click()
    await stage.until(lambda: not kept(services, stage.shown).sampling.json_schema)
    assert not kept(services, stage.shown).sampling.grammar


async def test_what_the_file_recommends_is_the_default(
    stage: Stage, services: FakeServices
) -> None:
    state = services.models.state
    assert state.model is not None
    facts = replace(state.model.facts, sampling=(("temperature", 0.6), ("top_k", 40.0)))
    services.models.show(replace(state, model=replace(state.model, facts=facts)))
    await stage.begin()
    stage.window.menus.inspector.trigger()
    note = stage.find(QLabel, "From the model's file")
    assert note.text() == "Defaults from the model's file: temperature."
    spin = stage.find(QDoubleSpinBox, "Temperature")
    stage.find(QToolButton, "Reset Temperature").click()
    assert spin.value() == 0.6
