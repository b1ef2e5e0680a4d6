"""The context meter in the composer, and what it makes the composer say."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QComboBox, QPlainTextEdit

from app.domain.conversation import Message, MessageStatus
from app.domain.errors import TemplateBroken
from app.domain.facts import AnswerEnded, ModelPhase, ModelState, PathChanged
from app.domain.generation import Role, TokenCount
from app.domain.overflow import Overflow
from app.gui.chat import meter_words
from app.gui.chat.meter import ContextMeter
from app.gui.chat.meter_words import Fullness
from tests.helpers.gui_models import loaded_info
from tests.helpers.gui_services import FakeServices, Script, finished_run
from tests.helpers.gui_stage import Stage


def meter(stage: Stage) -> ContextMeter:
    return stage.find(ContextMeter, "Context")


async def ready(stage: Stage, services: FakeServices, *texts: str) -> ContextMeter:
    """A conversation with these texts, and a loaded model."""
    await services.models.load()
    number = services.conversations.add("Tides", *texts) if texts else None
    await stage.begin(number)
    await stage.until(lambda: meter(stage).isVisible())
    return meter(stage)


def counts(stage: Stage, words: str) -> bool:
    return meter(stage).words() == f"{words} of 8,192 tokens"


async def test_while_no_model_is_loaded_nothing_is_claimed(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.write("some words")
    await stage.until(lambda: services.meter.counted)
    await stage.settle()
    assert not meter(stage).isVisible()


async def test_what_is_typed_is_counted_after_a_pause(stage: Stage, services: FakeServices) -> None:
    await ready(stage, services, "one two", "three")
    assert counts(stage, "3")
    before = len(services.meter.counted)
    for word in ["four", "five", "six"]:
        stage.write(f" {word}")
        await asyncio.sleep(0.02)
    await stage.until(lambda: counts(stage, "6"))
    assert len(services.meter.counted) == before + 1


async def test_a_slow_count_is_not_overtaken_by_itself(
    stage: Stage, services: FakeServices
) -> None:
    await ready(stage, services)
    services.meter.gate = asyncio.Event()
    stage.write("one")
    await stage.until(lambda: services.meter.counted[-1][2] == "one")
    stage.write(" two three")
    await asyncio.sleep(0.4)
    assert services.meter.counted[-1][2] == "one"
    services.meter.gate.set()
    await stage.until(lambda: counts(stage, "3"))


async def test_the_answer_counts_once_it_has_ended(stage: Stage, services: FakeServices) -> None:
    await ready(stage, services)
    services.chat.scripts.append(Script(("Three more words",)))
    stage.type("Why?")
    stage.window.composer.send_wished.emit("Why?")
    await stage.until(lambda: counts(stage, "4"))


async def test_another_conversation_and_another_setting_are_counted_anew(
    stage: Stage, services: FakeServices
) -> None:
    await ready(stage, services, "one two", "three")
    other = services.conversations.add("Other", "one two three four five")
    stage.window.sidebar.chosen.emit(other)
    await stage.until(lambda: counts(stage, "5"))
    stage.find(QPlainTextEdit, "System prompt").setPlainText("Be kind")
    await stage.until(lambda: counts(stage, "7"))


async def test_it_goes_with_the_model_and_comes_back(stage: Stage, services: FakeServices) -> None:
    shown = await ready(stage, services)
    await services.models.unload()
    await stage.until(lambda: not shown.isVisible())
    await services.models.load()
    await stage.until(shown.isVisible)


async def test_a_count_that_comes_after_its_model_has_gone_is_not_shown(
    stage: Stage, services: FakeServices
) -> None:
    shown = await ready(stage, services)
    services.meter.gate = asyncio.Event()
    stage.write("one")
    await stage.until(lambda: services.meter.counted[-1][2] == "one")
    await services.models.unload()
    services.meter.gate.set()
    await stage.settle()
    assert not shown.isVisible()


async def test_a_path_that_was_read_too_early_is_read_again(
    stage: Stage, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready(stage, services, "one two", "three")
    current, read = stage.shown, services.conversations.path
    assert current is not None
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slowly(conversation_id: int) -> list[Message]:
        path = await read(conversation_id)
        begun.set()
        await gate.wait()
        return path

    with monkeypatch.context() as slow:
        slow.setattr(services.conversations, "path", slowly)
        services.facts.publish(AnswerEnded(current, 1, MessageStatus.DONE, finished_run()))
        await begun.wait()
        await asyncio.sleep(0.35)
        services.conversations.append(current, Role.USER, "four five")
        services.facts.publish(PathChanged(current))
        gate.set()
    await stage.until(lambda: counts(stage, "5"))


async def test_what_cannot_be_counted_is_not_shown_and_no_error(
    stage: Stage, services: FakeServices
) -> None:
    shown = await ready(stage, services)
    services.meter.error = TemplateBroken("The template fails.")
    stage.write("word")
    await stage.until(lambda: not shown.isVisible())
    assert stage.banners() == []


async def test_what_will_be_left_out_is_said_before_sending(
    stage: Stage, services: FakeServices
) -> None:
    await ready(stage, services)
    services.meter.left_out = 12
    stage.write("word")
    composer = stage.window.composer
    await stage.until(composer.hint)
    assert composer.hint() == "The oldest 12 messages will be left out to fit the context."
    services.meter.left_out = 0
    stage.write("s")
    await stage.until(lambda: not composer.hint())


async def test_what_is_too_long_is_said_before_sending(
    stage: Stage, services: FakeServices
) -> None:
    await ready(stage, services)
    services.meter.fits = False
    stage.write("word")
    await stage.until(lambda: "too long" in stage.window.composer.hint())


async def test_a_hint_of_the_moment_comes_before_the_lasting_one(stage: Stage) -> None:
    await stage.begin()
    composer = stage.window.composer
    composer.warn("lasting")
    composer.say("now")
    assert composer.hint() == "now"
    composer.say("")
    assert composer.hint() == "lasting"


async def test_the_figures_give_way_to_a_long_text(stage: Stage, services: FakeServices) -> None:
    shown = await ready(stage, services)
    wide = shown.width()
    stage.write("word " * 40)
    assert shown.width() < wide / 3
    stage.window.composer.set_text("two\nlines")
    assert shown.width() < wide / 3
    stage.window.composer.set_text("short")
    assert shown.width() == wide


async def test_a_screen_reader_hears_the_figures(stage: Stage, services: FakeServices) -> None:
    shown = await ready(stage, services, "one two", "three")
    assert shown.accessibleName() == "Context"
    assert shown.text() == "3 of 8,192 tokens"
    assert shown.accessibleDescription() == (
        "The next message would send 3 of 8,192 tokens. "
        "Conversation: 3, Reserved for the answer: 1,024"
    )
    assert "Reserved for the answer: 1,024" in shown.toolTip().split("\n")


def test_the_ring_warns_in_time(stage: Stage) -> None:
    assert meter_words.fullness(TokenCount(8192, 0, 500, 0, 1024)) is Fullness.ROOMY
    assert meter_words.fullness(TokenCount(8192, 0, 6500, 0, 1024)) is Fullness.NEARLY
    assert meter_words.fullness(TokenCount(8192, 0, 500, 0, 1024, 2)) is Fullness.NEARLY
    over = TokenCount(8192, 0, 9000, 0, 0, fits=False)
    assert meter_words.fullness(over) is Fullness.OVER
    colours: set[str] = set()
    for count in (TokenCount(100, 0, 50, 0, 0), TokenCount(100, 0, 95, 0, 0), over):
        shown = stage.window.composer.meter
        stage.window.composer.show_count(count)
        image = shown.grab().toImage()
        colours.add(image.pixelColor(image.width() - 3, image.height() // 2).name())
    assert len(colours) == 3


# ------------------------------------------------------------------------ thinking and overflow


async def test_the_policy_is_kept_and_can_be_reset(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    box = stage.find(QComboBox, "When the context is full")
    box.setCurrentIndex(box.findData(Overflow.STOP.value))

    def kept() -> Overflow:
        assert stage.shown is not None
        return services.conversations.kept[stage.shown].conversation.params.overflow

    await stage.until(lambda: kept() is Overflow.STOP)
    stage.window.inspector.prompting.overflow.reset.click()
    await stage.until(lambda: kept() is Overflow.DROP_OLDEST)


@pytest.mark.parametrize("knows", [True, False])
async def test_thinking_is_offered_where_the_template_knows_it(
    stage: Stage, services: FakeServices, knows: bool
) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    fields = stage.window.inspector.prompting
    show_switches(services, knows, ("low", "high") if knows else ())
    await stage.settle()
    assert fields.thinking.isVisible() == fields.effort.isVisible() == knows
    choices = [fields.effort.box.itemText(at) for at in range(fields.effort.box.count())]
    assert choices == ["As the model does", *(["Low", "High"] if knows else [])]


async def test_the_switches_are_kept_even_beside_a_model_that_has_none(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.menus.inspector.trigger()
    fields = stage.window.inspector.prompting
    show_switches(services, True, ("low", "medium", "high"))
    fields.thinking.box.setCurrentIndex(fields.thinking.box.findData(False))
    fields.effort.box.setCurrentIndex(fields.effort.box.findData("high"))
    show_switches(services, False, ())
    show_switches(services, True, ("low", "high"))
    switches = stage.window.inspector.params().switches
    assert (switches.thinking, switches.effort) == (False, "high")
    assert fields.effort.box.currentText() == "High"


def show_switches(services: FakeServices, thinking: bool, efforts: tuple[str, ...]) -> None:
    """The loaded model's template knows these."""
    model = services.models.state.model
    assert model is not None
    info = replace(loaded_info(model.path), switches_thinking=thinking, efforts=efforts)
    services.models.show(ModelState(ModelPhase.READY, model, 1.0, info))
