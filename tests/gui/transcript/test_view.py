"""The view: few widgets for many messages, the end followed only by those who are there."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QPushButton, QWidget

from app.domain.conversation import MessageStatus
from app.domain.generation import PartKind, Role
from app.gui.transcript.message import MessageRow
from tests.gui.transcript.samples import (
    EVERYTHING,
    answer,
    message,
    question,
    run,
    streaming,
    talk,
)

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from app.gui.theme.keeper import ThemeKeeper
    from app.gui.transcript.view import TranscriptView

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def rows(view: TranscriptView) -> list[MessageRow]:
    """Those that are shown, in the order in which a screen reader meets them."""
    found = [child for child in view.viewport().children() if isinstance(child, MessageRow)]
    return [row for row in found if not row.isHidden()]


def row_at_top(view: TranscriptView) -> tuple[int, int]:
    """The first message in sight and where it stands."""
    for row in sorted(rows(view), key=MessageRow.y):
        if row.geometry().bottom() > 0:
            return row.entry.message.id, row.y()
    raise AssertionError("nothing in sight")


def gap_at_end(view: TranscriptView) -> int:
    """From the last row to the bottom of the view."""
    last = max(rows(view), key=lambda row: row.geometry().bottom())
    return view.viewport().height() - last.geometry().bottom()


def only(view: TranscriptView, kind: type[AnyWidget]) -> AnyWidget:
    (found,) = view.findChildren(kind)
    return found


def scroll_up(view: TranscriptView, pixels: int) -> None:
    bar = view.verticalScrollBar()
    bar.setValue(bar.value() - pixels)


# --------------------------------------------------------------------------------- virtualised


def test_ten_thousand_messages_are_few_widgets(view: TranscriptView) -> None:
    view.set_path(talk(10_000))
    assert len(view.entries) == 10_000
    assert 0 < view.live_rows < 40
    for value in (0, 100_000, 500_000, 50):
        view.verticalScrollBar().setValue(value)
        assert 0 < view.live_rows < 40


def test_rows_follow_each_other_without_holes(view: TranscriptView) -> None:
    view.set_path(talk(200, EVERYTHING))
    for _ in range(30):
        scroll_up(view, 300)
        places = sorted((row.y(), row.geometry().bottom()) for row in rows(view))
        steps = [lower[0] - upper[1] for upper, lower in pairwise(places)]
        assert set(steps) <= {29}
        assert places[0][0] <= 0
        assert places[-1][1] >= view.viewport().height()


def test_scrolling_up_moves_what_is_seen_by_as_much(view: TranscriptView) -> None:
    view.set_path(talk(200, EVERYTHING))
    for _ in range(20):
        before = {row.entry.message.id: row.y() for row in rows(view)}
        scroll_up(view, 50)
        after = {row.entry.message.id: row.y() for row in rows(view)}
        moved = {after[key] - before[key] for key in before.keys() & after.keys()}
        assert moved == {50}


def test_rows_are_stacked_in_reading_order(view: TranscriptView) -> None:
    view.set_path(talk(60))
    for _ in range(10):
        scroll_up(view, 200)
    places = [row.y() for row in rows(view)]
    assert places == sorted(places)


def test_the_column_is_centred_and_never_too_wide(view: TranscriptView) -> None:
    view.set_path(talk(2))
    for width, column in ((1400, 760), (500, None)):
        view.resize(width, 600)
        row = view.row(2)
        assert row is not None
        body = row.body
        left = row.x() + body.x() + body.gutter
        right = view.viewport().width() - (row.x() + body.geometry().right() + 1)
        assert abs(left - right) <= 1
        if column:
            assert body.width() - body.gutter == column


# --------------------------------------------------------------------------------- the end


def test_the_end_is_followed_by_those_who_are_there(view: TranscriptView) -> None:
    view.set_path([*talk(20), streaming(21)])
    for _ in range(30):
        view.grow(21, PartKind.TEXT, "A paragraph of some words.\n\n")
        assert gap_at_end(view) == 33
    assert view.is_at_end


def test_a_reader_further_up_is_left_alone(view: TranscriptView) -> None:
    view.set_path([*talk(20), streaming(21, "Words.\n\n" * 30)])
    scroll_up(view, 500)
    before = row_at_top(view)
    button = only(view, QPushButton)
    assert not button.isVisible()
    view.grow(21, PartKind.TEXT, "More.\n\n" * 30)
    assert row_at_top(view) == before
    assert button.isVisible()
    button.click()
    assert gap_at_end(view) == 33
    assert not button.isVisible()


def test_coming_back_to_the_end_is_following_again(view: TranscriptView) -> None:
    view.set_path(talk(20))
    scroll_up(view, 300)
    assert not view.is_at_end
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    assert view.is_at_end


def test_an_answer_far_away_grows_and_is_whole_when_one_comes_back(view: TranscriptView) -> None:
    view.set_path([*talk(40), streaming(41)])
    view.verticalScrollBar().setValue(0)
    view.grow(41, PartKind.TEXT, EVERYTHING)
    view.grow(41, PartKind.TEXT, "\n\nThe end.")
    view.end_answer(41, MessageStatus.DONE, run(), None)
    view.scroll_to_end()
    row = view.row(41)
    assert row is not None
    assert gap_at_end(view) == 33
    last = row.body.selectable[-1]
    last.selectAll()
    assert last.selected_text().endswith("The end.")


def test_unknown_and_finished_messages_do_not_grow(view: TranscriptView) -> None:
    view.set_path([question(1), answer(2, "Done.")])
    view.grow(2, PartKind.TEXT, "more")
    view.grow(99, PartKind.TEXT, "more")
    view.set_progress(99, 1, 2)
    view.end_answer(99, MessageStatus.DONE, run(), None)
    assert view.entries[1].text == "Done."


# --------------------------------------------------------------------------------- paths


def test_what_has_not_changed_keeps_widget_and_place(view: TranscriptView) -> None:
    path = talk(30)
    view.set_path(path)
    scroll_up(view, 400)
    kept, place = rows(view), row_at_top(view)
    view.set_path([*path, question(31), answer(32)])
    assert row_at_top(view) == place
    assert set(kept) & set(rows(view))
    assert [entry.message.id for entry in view.entries][-2:] == [31, 32]


def test_a_changed_message_is_made_again(view: TranscriptView) -> None:
    view.set_path([question(1), answer(2, "old")])
    before = view.row(1), view.row(2)
    view.set_path([question(1), answer(2, "new")])
    assert view.row(1) is before[0]
    assert view.row(2) is not before[1]


def test_a_path_that_is_behind_the_stream_takes_nothing_back(view: TranscriptView) -> None:
    view.set_path([question(1), streaming(2)])
    view.grow(2, PartKind.TEXT, "further than the store")
    row = view.row(2)
    view.set_path([question(1), streaming(2, "further")])
    assert view.entries[1].text == "further than the store"
    assert view.row(2) is row


def test_a_path_that_is_ahead_of_the_stream_brings_what_is_missing(view: TranscriptView) -> None:
    view.set_path([question(1), streaming(2)])
    view.grow(2, PartKind.REASONING, "Let me ")
    row = view.row(2)
    assert row is not None
    ahead = message(
        2, Role.ASSISTANT, "Done", status=MessageStatus.STREAMING, reasoning="Let me think."
    )
    view.set_path([question(1), ahead])
    assert view.row(2) is row
    assert (view.entries[1].reasoning, view.entries[1].text) == ("Let me think.", "Done")
    assert [piece.content for piece in row.body.pieces] == ["Done"]  # pyright: ignore
    view.set_path([question(1), ahead])
    assert view.entries[1].text == "Done"


def test_a_path_with_another_text_makes_the_streaming_row_again(view: TranscriptView) -> None:
    view.set_path([question(1), streaming(2, "one thing")])
    row = view.row(2)
    view.set_path([question(1), streaming(2, "another")])
    assert view.row(2) is not row
    assert view.entries[1].text == "another"


def test_an_answer_that_begins_takes_the_reader_to_it_once(view: TranscriptView) -> None:
    path = [*talk(20), question(21), streaming(22, "Words.\n\n" * 30)]
    view.set_path(path[:20])
    scroll_up(view, 500)
    view.set_path(path)
    assert gap_at_end(view) == 33
    scroll_up(view, 500)
    before = row_at_top(view)
    view.set_path(path)
    assert row_at_top(view) == before
    assert not view.is_at_end


def test_an_answer_found_while_streaming_goes_on(view: TranscriptView) -> None:
    view.set_path([question(1), streaming(2, "so far")])
    view.grow(2, PartKind.TEXT, " and on")
    assert view.entries[1].text == "so far and on"


def test_another_branch_keeps_the_reader_at_the_question(view: TranscriptView) -> None:
    path = talk(30, "Words.\n\n" * 20)
    view.set_path(path)
    scroll_up(view, 900)
    question_row = next(row for row in rows(view) if row.entry.message.id == 29)
    before = question_row.y()
    view.set_path([*path[:-1], answer(31, "Other words.\n\n" * 40, siblings=(30, 31))])
    assert question_row.y() == before


def test_another_branch_of_what_is_read_stays_in_sight(view: TranscriptView) -> None:
    path = talk(30, "Words.\n\n" * 60)
    view.set_path(path)
    scroll_up(view, 400)
    assert [row.entry.message.id for row in rows(view) if row.y() < 0] == [30]
    value = view.verticalScrollBar().value()
    view.set_path([*path[:-1], answer(31, "Other words.\n\n" * 60, siblings=(30, 31))])
    assert view.verticalScrollBar().value() == value
    assert not view.is_at_end


def test_another_conversation_opens_at_its_end(view: TranscriptView) -> None:
    view.set_path(talk(30))
    view.verticalScrollBar().setValue(0)
    view.set_path([answer(n, EVERYTHING) for n in range(100, 110)])
    assert view.is_at_end
    assert gap_at_end(view) == 33


def test_the_empty_state_shows_while_there_is_nothing(view: TranscriptView) -> None:
    empty = QLabel("Ask something")
    view.set_empty_state(empty)
    assert empty.isVisible()
    assert empty.size() == view.viewport().size()
    view.set_path(talk(2))
    assert not empty.isVisible()
    view.set_path([])
    assert empty.isVisible()
    assert view.live_rows == 0


# --------------------------------------------------------------------------------- keys, looks


@pytest.mark.parametrize(
    ("key", "direction"),
    [
        (Qt.Key.Key_PageUp, -1),
        (Qt.Key.Key_Up, -1),
        (Qt.Key.Key_Home, -1),
        (Qt.Key.Key_PageDown, 1),
        (Qt.Key.Key_Down, 1),
        (Qt.Key.Key_End, 1),
    ],
)
def test_keys_scroll_wherever_the_focus_is(
    view: TranscriptView, qtbot: QtBot, key: Qt.Key, direction: int
) -> None:
    view.set_path(talk(100))
    bar = view.verticalScrollBar()
    bar.setValue(2_000)
    page = rows(view)[0].body.selectable[0]
    for target in (view, page):
        bar.setValue(2_000)
        qtbot.keyClick(target, key)
        assert (bar.value() > 2_000) - (bar.value() < 2_000) == direction


def test_a_row_with_the_focus_stays(view: TranscriptView, qtbot: QtBot) -> None:
    view.set_path(talk(100))
    view.activateWindow()
    row = view.row(100)
    assert row is not None
    assert row.footer is not None
    row.footer.copy.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(row.footer.copy.hasFocus)
    view.verticalScrollBar().setValue(0)
    assert view.row(100) is row
    view.setFocus()
    view.verticalScrollBar().setValue(10)
    assert view.row(100) is None


def test_tab_goes_from_top_to_bottom(view: TranscriptView) -> None:
    view.set_path([answer(2, "```\nx\n```"), question(3)])
    composer = QLineEdit(view)
    view.set_path([answer(2, "```\nx\n```"), question(3), streaming(4)])
    view.grow(4, PartKind.REASONING, "hm")
    view.grow(4, PartKind.TEXT, "```\ny\n```\n\n[z](https://example.com)")
    view.end_answer(4, MessageStatus.DONE, run(), None)
    first, last = view.row(2), view.row(4)
    assert first is not None
    assert last is not None
    wanted = [*first.tab_stops(), *last.tab_stops(), composer]
    chain: list[QWidget] = []
    stop = view.nextInFocusChain()
    while stop is not None and stop is not view:
        chain.append(stop)
        stop = stop.nextInFocusChain()
    assert [stop for stop in chain if stop in wanted] == wanted


def test_copy_takes_the_selection_of_one_message(view: TranscriptView, qtbot: QtBot) -> None:
    view.set_path([question(1, "ask"), answer(2, "reply")])
    for message_id, text in ((1, "ask"), (2, "reply")):
        row = view.row(message_id)
        assert row is not None
        page = row.body.selectable[0]
        page.pressed.emit()
        qtbot.keyClick(page, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        qtbot.keyClick(page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == text


def test_copy_of_one_part_takes_all_that_is_selected(view: TranscriptView) -> None:
    view.set_path([answer(2, "one\n\n```\ntwo\n```\n\nthree")])
    row = view.row(2)
    assert row is not None
    for part in row.body.selectable:
        part.selectAll()
    row.body.selectable[1].copy()
    assert QGuiApplication.clipboard().text() == "one\n\ntwo\n\nthree"


def test_the_menu_copies(view: TranscriptView, qtbot: QtBot) -> None:
    view.set_path([answer(2, "[x](https://example.com)")])
    row = view.row(2)
    assert row is not None
    page = row.body.selectable[0]
    place = page.viewport().mapToGlobal(QPoint(row.body.gutter + 3, page.height() // 2))
    view._popup_menu(row, page.anchorAt(page.viewport().mapFromGlobal(place)), place)
    menu = only(view, QMenu)
    assert [action.text() for action in menu.actions()] == [
        "Copy", "Copy message", "Copy link address",
    ]  # fmt: skip
    assert not menu.actions()[0].isEnabled()
    menu.actions()[2].trigger()
    assert QGuiApplication.clipboard().text() == "https://example.com"
    menu.close()


def test_another_theme_keeps_text_and_place(view: TranscriptView, theme: ThemeKeeper) -> None:
    view.set_path([*talk(30, EVERYTHING), streaming(31, "so far")])
    scroll_up(view, 700)
    before = row_at_top(view)
    theme.set_wish("dark")
    assert row_at_top(view) == before
    view.grow(31, PartKind.TEXT, " and on")
    row = view.row(31) or view.row(before[0])
    assert row is not None
    assert row.styles.tokens.name == "dark"


def test_names(view: TranscriptView) -> None:
    assert view.objectName() == "Messages"
    assert view.accessibleName() == "Messages"
