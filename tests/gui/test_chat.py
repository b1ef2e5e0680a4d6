"""Sending, stopping, drafts, and switching between conversations."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QPushButton

from app.domain.errors import DiskFull, EngineCrashed
from app.domain.facts import PathChanged
from tests.helpers.gui_services import FakeServices, Script
from tests.helpers.gui_stage import Stage


async def test_enter_sends_and_the_answer_streams_in(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.type("Why?")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts() == ["Why?", "Hello there."])
    assert services.chat.sent == [(stage.shown, "Why?")]
    assert stage.window.composer.text() == ""
    assert QApplication.focusWidget() is stage.window.composer.field


async def test_what_is_typed_and_sent_while_everything_starts_is_sent(
    stage: Stage, services: FakeServices
) -> None:
    stage.window.show()
    stage.write("Why?")
    stage.key(Qt.Key.Key_Return, on=stage.window.composer.field)
    await stage.begin()
    await stage.until(lambda: stage.texts() == ["Why?", "Hello there."])


async def test_what_is_typed_while_everything_starts_stays(stage: Stage) -> None:
    stage.window.show()
    stage.write("Wh")
    await stage.begin()
    assert stage.window.composer.text() == "Wh"


async def test_what_is_typed_while_a_conversation_opens_is_joined_to_its_draft_once(
    stage: Stage, services: FakeServices
) -> None:
    number = services.conversations.add("Tides")
    await services.conversations.set_draft(number, "High ")
    await stage.begin()
    assert stage.wiring is not None
    stage.wiring.chat.show_conversation(number)
    stage.write("water")
    await stage.until(lambda: stage.window.composer.text() != "water")
    assert stage.window.composer.text() == "High water"
    await stage.wiring.chat.finish()
    assert (await services.conversations.open(number)).draft == "High water"


async def test_shift_enter_breaks_the_line(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.type("a")
    stage.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    stage.type("b")
    assert stage.window.composer.text() == "a\nb"
    assert services.chat.sent == []


async def test_enter_while_an_input_method_composes_does_not_send(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.write("kana ")
    field = stage.window.composer.field
    QApplication.sendEvent(field, QInputMethodEvent("ni", []))
    stage.key(Qt.Key.Key_Return)
    await stage.settle()
    assert services.chat.sent == []
    QApplication.sendEvent(field, QInputMethodEvent("", []))
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: services.chat.sent)


async def test_send_is_greyed_while_nothing_is_written(stage: Stage) -> None:
    await stage.begin()
    send = stage.find(QPushButton, "Send")
    assert not send.isEnabled()
    stage.write("  \n ")
    assert not send.isEnabled()
    stage.write("x")
    assert send.isEnabled()


async def test_text_stays_when_it_could_not_be_sent(stage: Stage, services: FakeServices) -> None:
    services.chat.send_error = DiskFull("The disk is full", "", "Free some space, then send again.")
    await stage.begin()
    stage.write("precious")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.banners() == ["The disk is full"])
    assert stage.window.composer.text() == "precious"
    assert not stage.window.composer.field.isReadOnly()
    await stage.until(lambda: _draft(services, stage.shown) == "precious")
    services.chat.send_error = None
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts()[:1] == ["precious"])
    assert stage.banners() == []


async def test_text_stays_until_the_message_is_on_disk(
    stage: Stage, services: FakeServices
) -> None:
    services.chat.send_gate = asyncio.Event()
    await stage.begin()
    stage.write("slow")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: services.chat.sent)
    stage.key(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.window.composer.text() == "slow"
    assert len(services.chat.sent) == 1
    services.chat.send_gate.set()
    await stage.until(lambda: stage.window.composer.text() == "")


async def test_stop_by_button_and_by_escape(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    for number, stop in enumerate((_press_stop, _press_escape), start=1):
        services.chat.scripts.append(Script(("Once ", "upon"), gate=asyncio.Event()))
        stage.write("tell")
        stage.key(Qt.Key.Key_Return)
        await stage.until(lambda n=number: stage.texts() == ["tell", "Once "] * n)
        assert stage.find(QPushButton, "Stop").isVisible()
        stop(stage)
        await stage.until(lambda: stage.find(QPushButton, "Send").isVisible())
        assert stage.texts()[-1] == "Once "


async def test_the_menu_stops_only_what_runs(stage: Stage, services: FakeServices) -> None:
    stop = stage.window.menus.stop
    await stage.begin()
    assert not stop.isEnabled()
    services.chat.scripts.append(Script(("Once ", "upon"), gate=asyncio.Event()))
    stage.write("tell")
    stage.key(Qt.Key.Key_Return)
    await stage.until(stop.isEnabled)
    stop.trigger()
    await stage.until(lambda: stage.find(QPushButton, "Send").isVisible())
    assert not stop.isEnabled()


def _press_stop(stage: Stage) -> None:
    stage.find(QPushButton, "Stop").click()


def _press_escape(stage: Stage) -> None:
    stage.key(Qt.Key.Key_Escape)


async def test_enter_while_answering_keeps_the_text_and_says_so(
    stage: Stage, services: FakeServices
) -> None:
    services.chat.scripts.append(Script(gate=asyncio.Event()))
    await stage.begin()
    stage.write("one")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.find(QPushButton, "Stop").isVisible())
    stage.write("two")
    stage.key(Qt.Key.Key_Return)
    assert stage.window.composer.text() == "two"
    assert "still being written" in stage.window.composer.hint()
    assert len(services.chat.sent) == 1


async def test_each_conversation_has_its_draft(stage: Stage, services: FakeServices) -> None:
    first = services.conversations.add("First", "q", "a", draft="old draft")
    second = services.conversations.add("Second", "q", "a")
    await stage.begin(first)
    assert stage.window.composer.text() == "old draft"
    stage.write(" and more")
    stage.window.sidebar.chosen.emit(second)
    await stage.until(lambda: stage.window.header.title() == "Second")
    assert stage.window.composer.text() == ""
    assert _draft(services, first) == "old draft and more"
    stage.window.sidebar.chosen.emit(first)
    await stage.until(lambda: stage.window.composer.text() == "old draft and more")


async def test_a_draft_is_written_soon_without_a_switch(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.write("half a thought")
    await stage.until(lambda: _draft(services, stage.shown) == "half a thought")


async def test_the_end_writes_the_draft_at_once(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.write("last words")
    assert stage.wiring is not None
    await stage.wiring.finish()
    assert _draft(services, stage.shown) == "last words"


async def test_a_switch_under_way_gives_way_to_the_next(
    stage: Stage, services: FakeServices
) -> None:
    ids = [services.conversations.add(f"Talk {n}", f"question {n}", "a") for n in range(6)]
    await stage.begin(ids[0])
    services.conversations.path_gate = asyncio.Event()
    for conversation_id in ids[1:]:
        stage.window.sidebar.chosen.emit(conversation_id)
        await asyncio.sleep(0)
    services.conversations.path_gate.set()
    await stage.until(lambda: stage.window.header.title() == "Talk 5")
    await stage.settle()
    assert stage.texts() == ["question 5", "a"]


async def test_coming_back_to_an_answer_shows_what_it_has_said(
    stage: Stage, services: FakeServices
) -> None:
    other = services.conversations.add("Other", "q", "other answer")
    first = services.conversations.add("First", "q", "a")
    gate = asyncio.Event()
    services.chat.scripts.append(Script(("Said ", "meanwhile."), gate=gate))
    await stage.begin(first)
    stage.write("go")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts()[-1:] == ["Said "])
    stage.window.sidebar.chosen.emit(other)
    await stage.until(lambda: stage.texts() == ["q", "other answer"])
    assert stage.find(QPushButton, "Send").isVisible()
    stage.window.sidebar.chosen.emit(first)
    await stage.until(lambda: stage.texts()[-1:] == ["Said "])
    assert stage.find(QPushButton, "Stop").isVisible()
    gate.set()
    await stage.until(lambda: stage.texts()[-1:] == ["Said meanwhile."])
    await stage.until(lambda: stage.find(QPushButton, "Send").isVisible())


async def test_a_path_read_while_answering_leaves_the_reader_alone(
    stage: Stage, services: FakeServices
) -> None:
    talk = services.conversations.add("Long", *["Words.\n\n" * 20] * 6)
    services.chat.scripts.append(Script(("Said ", "meanwhile."), gate=asyncio.Event()))
    await stage.begin(talk)
    stage.write("go")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts()[-1:] == ["Said "])
    view = stage.window.transcript
    view.verticalScrollBar().setValue(40)
    row = view.row(view.entries[-1].message.id)
    services.facts.publish(PathChanged(talk))
    await stage.settle()
    assert view.verticalScrollBar().value() == 40
    assert row is view.row(view.entries[-1].message.id) is not None


async def test_an_answer_elsewhere_is_not_shown_here(stage: Stage, services: FakeServices) -> None:
    other = services.conversations.add("Other", "q", "a")
    first = services.conversations.add("First", "q", "a")
    await stage.begin(first)
    await services.chat.send(other, "behind the scenes")
    await stage.until(lambda: not services.chat.is_answering(other))
    await stage.settle()
    assert stage.texts() == ["q", "a"]


async def test_a_failed_answer_keeps_its_text(stage: Stage, services: FakeServices) -> None:
    error = EngineCrashed("The engine stopped", "", "Send again.")
    services.chat.scripts.append(Script(("Half an ",), error=error))
    await stage.begin()
    stage.write("go")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.find(QPushButton, "Send").isVisible() and stage.texts()[1:])
    await stage.until(lambda: stage.texts()[-1] == "Half an ")


async def test_regenerate_by_its_shortcut(stage: Stage, services: FakeServices) -> None:
    first = services.conversations.add("First", "q", "a")
    await stage.begin(first)
    stage.key(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    await stage.until(lambda: services.chat.regenerated)
    await stage.until(lambda: stage.texts() == ["q", "Hello there."])


async def test_an_example_fills_the_composer(stage: Stage) -> None:
    await stage.begin()
    button = stage.window.empty.findChildren(QPushButton)[0]
    assert button.isVisible()
    button.click()
    assert stage.window.composer.text() == button.text()
    assert QApplication.focusWidget() is stage.window.composer.field


async def test_the_composer_grows_to_a_third_of_the_window(stage: Stage) -> None:
    await stage.begin()
    low = stage.window.composer.field.height()
    stage.write("a\nb\nc")
    assert stage.window.composer.field.height() > low
    stage.write("\n" * 60)
    assert stage.window.composer.field.height() == stage.window.height() // 3


def _draft(services: FakeServices, conversation_id: int | None) -> str:
    assert conversation_id is not None
    return services.conversations.kept[conversation_id].conversation.draft
