"""One row: what it says while it waits, when it ended, and to a screen reader."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from app.domain.conversation import MessageStatus, Run
from app.domain.errors import EngineCrashed
from app.domain.generation import FinishReason, PartKind, Role
from app.domain.overflow import Overflow
from app.gui.transcript.message import MessageRow
from tests.gui.transcript.samples import answer, message, question, run, streaming

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from app.gui.transcript.view import TranscriptView


def row_of(view: TranscriptView, message_id: int) -> MessageRow:
    row = view.row(message_id)
    assert row is not None
    return row


def test_before_the_first_word_it_waits(view: TranscriptView) -> None:
    view.set_path([streaming(2)])
    row = row_of(view, 2)
    assert row.waiting is not None
    assert row.waiting.accessibleName() == "Waiting for the answer"
    view.set_progress(2, 43, 100)
    assert row.waiting.accessibleName() == "Reading the prompt… 43\u00a0%"
    view.grow(2, PartKind.TEXT, "Word")
    assert row.waiting is None


def test_statistics_under_a_finished_answer(view: TranscriptView) -> None:
    view.set_path([streaming(2)])
    view.grow(2, PartKind.TEXT, "Words")
    view.end_answer(2, MessageStatus.STOPPED, run(FinishReason.CANCELLED), None)
    footer = row_of(view, 2).footer
    assert footer is not None
    assert footer.statistics.full_text().endswith("38.1 tok/s · stopped by you")


def with_losses(left_out: int, shifted: int, overflow: Overflow = Overflow.DROP_OLDEST) -> Run:
    """The run of an answer that was made without some of the conversation."""
    made = run()
    stats = replace(made.stats, left_out=left_out, shifted_tokens=shifted)
    return replace(made, stats=stats, params=replace(made.params, overflow=overflow))


def test_what_was_left_out_is_said_while_the_prompt_is_read(view: TranscriptView) -> None:
    view.set_path([streaming(2)])
    view.set_progress(2, 43, 100, 12)
    row = row_of(view, 2)
    assert row.left_out is not None
    assert row.left_out.text() == "The oldest 12 messages were left out to fit the context."
    assert row.left_out.accessibleName() == row.left_out.text()
    view.grow(2, PartKind.TEXT, "Words")
    view.end_answer(2, MessageStatus.DONE, with_losses(12, 0), None)
    assert row.left_out.isVisibleTo(view)
    assert row.left_out.geometry().bottom() < row.body.geometry().top()
    assert row.shifted is None


def test_what_was_left_out_of_a_stored_answer_is_said(view: TranscriptView) -> None:
    view.set_path([answer(2, "Words", of=with_losses(3, 3072, Overflow.KEEP_ENDS))])
    row = row_of(view, 2)
    assert row.left_out is not None
    assert row.shifted is not None
    assert "between the first and the latest" in row.left_out.text()
    assert "3,072 tokens" in row.shifted.text()
    assert row.footer is not None
    assert row.body.geometry().bottom() < row.shifted.geometry().top()
    assert row.shifted.geometry().bottom() < row.footer.geometry().top()


def test_nothing_is_said_where_nothing_was_left_out(view: TranscriptView) -> None:
    view.set_path([answer(2, "Words")])
    assert (row_of(view, 2).left_out, row_of(view, 2).shifted) == (None, None)


def test_a_failure_is_said_with_its_remedy(view: TranscriptView) -> None:
    view.set_path([streaming(2)])
    error = EngineCrashed("The engine stopped.", "It broke.", "Send it again.")
    view.end_answer(2, MessageStatus.FAILED, run(None), error)
    card = row_of(view, 2).error
    assert card is not None
    texts = [label.text() for label in card.findChildren(QLabel)]
    assert texts == ["The engine stopped.", "Send it again.", "It broke."]
    assert card.accessibleDescription() == "The engine stopped. Send it again. It broke."


def test_a_stored_failure_is_said_too(view: TranscriptView) -> None:
    failed = run(None, error_title="It failed.", error_remedy="Try <b>again</b>.")
    view.set_path([answer(2, "Let", of=failed, status=MessageStatus.FAILED)])
    card = row_of(view, 2).error
    assert card is not None
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in card.findChildren(QLabel))
    for label in card.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width())


def test_copy_takes_the_answer_as_it_was_written(view: TranscriptView) -> None:
    view.set_path([answer(2, "**bold**\n\n- x", reasoning="hm")])
    footer = row_of(view, 2).footer
    assert footer is not None
    footer.copy.click()
    assert QGuiApplication.clipboard().text() == "**bold**\n\n- x"
    assert footer.copy.toolTip() == "Copied"


def test_siblings_can_be_switched(view: TranscriptView) -> None:
    view.set_path([answer(5, siblings=(3, 5, 8))])
    footer = row_of(view, 5).footer
    assert footer is not None
    asked: list[int] = []
    view.sibling_requested.connect(asked.append)
    footer.previous.click()
    footer.next.click()
    assert asked == [3, 8]
    assert footer.counter.text() == "2/3"
    assert footer.counter.accessibleName() == "Answer 2 of 3"


def test_ends_of_the_siblings(view: TranscriptView) -> None:
    view.set_path([answer(3, siblings=(3, 5)), question(4)])
    footer = row_of(view, 3).footer
    assert footer is not None
    assert not footer.previous.isEnabled()
    assert footer.next.isEnabled()
    view.set_path([answer(3), question(4)])
    assert not footer.next.isVisible()


def test_regenerate_is_asked_for(view: TranscriptView, qtbot: QtBot) -> None:
    view.set_path([question(1), answer(2)])
    footer = row_of(view, 2).footer
    assert footer is not None
    with qtbot.waitSignal(view.regenerate_requested) as asked:
        qtbot.mouseClick(footer.regenerate, Qt.MouseButton.LeftButton)
    assert asked.args == [2]


def test_thoughts_fold_and_unfold(view: TranscriptView) -> None:
    view.set_path([answer(2, reasoning="First **this**.\n\nThen that.")])
    row = row_of(view, 2)
    assert row.reasoning is not None
    assert row.reasoning.body is None
    folded = row.height()
    row.reasoning.toggle.click()
    assert row.height() > folded
    assert len(row.bodies) == 2
    row.reasoning.toggle.click()
    assert row.height() == folded


def test_thoughts_stream_and_end(view: TranscriptView) -> None:
    view.set_path([streaming(2)])
    view.grow(2, PartKind.REASONING, "Let me ")
    row = row_of(view, 2)
    assert row.reasoning is not None
    assert row.reasoning.toggle.text() == "Thinking…"
    row.reasoning.toggle.click()
    view.grow(2, PartKind.REASONING, "think.")
    view.grow(2, PartKind.TEXT, "Done.")
    assert row.reasoning.toggle.text() == "Thought for a moment"
    body = row.reasoning.body
    assert body is not None
    assert [piece.content for piece in body.pieces] == ["Let me think."]  # pyright: ignore


@pytest.mark.parametrize("role", [Role.USER, Role.SYSTEM])
def test_what_was_typed_is_not_markdown(view: TranscriptView, role: Role) -> None:
    view.set_path([message(1, role, "*a*\n  <b>x</b>\n# y")])
    (page,) = row_of(view, 1).body.selectable
    page.selectAll()
    assert page.selected_text() == "*a*\n  <b>x</b>\n# y"


def test_a_short_bubble_is_narrow_and_right(view: TranscriptView) -> None:
    view.set_path([question(1, "Hi"), question(2, "long words " * 40)])
    short, long = row_of(view, 1), row_of(view, 2)
    assert short.body.width() < 60 < long.body.width()
    assert short.body.geometry().right() == long.body.geometry().right()


def test_a_screen_reader_is_told_role_and_text(view: TranscriptView) -> None:
    view.set_path([question(1, "Why?"), streaming(2)])
    view.grow(2, PartKind.TEXT, "Because ")
    view.grow(2, PartKind.TEXT, "of that.")
    asked, answered = row_of(view, 1), row_of(view, 2)
    assert (asked.accessibleName(), asked.accessibleDescription()) == ("You", "user: Why?")
    assert answered.accessibleDescription() == "assistant: Because of that."


def test_every_button_has_a_name(view: TranscriptView) -> None:
    view.set_path([answer(2, "```py\nx\n```", reasoning="r", siblings=(2, 3))])
    stops = row_of(view, 2).tab_stops()
    names = [stop.accessibleName() for stop in stops]
    assert names == [
        "Thoughts", "Copy code", "Previous answer", "Next answer", "Copy", "Regenerate",
    ]  # fmt: skip


def test_actions_show_on_the_last_answer_and_under_the_pointer(view: TranscriptView) -> None:
    view.set_path([answer(2), answer(3)])
    first, last = row_of(view, 2).footer, row_of(view, 3).footer
    assert first is not None
    assert last is not None
    assert last.copy.is_awake
    assert not first.copy.is_awake
    assert _painted(last.copy)
    assert not _painted(first.copy)


def _painted(widget: QWidget) -> bool:
    """Whether anything is drawn on it."""
    image = widget.grab().toImage()
    colours = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
    return len(colours) > 1
