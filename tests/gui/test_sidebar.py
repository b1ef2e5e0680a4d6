"""The conversation list: new, rename, trash with undo, search."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QListView, QPushButton, QToolButton

from app.domain.conversation import ConversationSummary
from app.domain.facts import PathChanged
from app.gui.sidebar.delegates import split_marks
from app.gui.sidebar.rows import ID_ROLE, ConversationItemModel
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def three(services: FakeServices) -> list[int]:
    """Three conversations, the newest first in the list."""
    return [
        services.conversations.add("Newest", "the blue sky", "answer one", age_minutes=1),
        services.conversations.add("Middle", "green grass", "a blue answer", age_minutes=60),
        services.conversations.add("Oldest", "red soil", "answer three", age_minutes=5000),
    ]


def titles(stage: Stage) -> list[str]:
    rows = stage.window.sidebar.rows
    return [rows.index(row).data() for row in range(rows.rowCount())]


async def test_rows_stand_in_the_order_of_use(stage: Stage, three: list[int]) -> None:
    await stage.begin(three[0])
    await stage.until(lambda: titles(stage) == ["Newest", "Middle", "Oldest"])
    assert stage.find(QListView, "Conversations").currentIndex().data() == "Newest"


async def test_arrows_open_the_next_conversation(stage: Stage, three: list[int]) -> None:
    await stage.begin(three[0])
    stage.find(QListView, "Conversations").setFocus()
    stage.key(Qt.Key.Key_Down)
    await stage.until(lambda: stage.texts() == ["green grass", "a blue answer"])
    assert stage.window.header.title() == "Middle"


async def test_a_new_conversation_by_its_shortcut(stage: Stage, three: list[int]) -> None:
    await stage.begin(three[0])
    stage.key(Qt.Key.Key_N, CONTROL)
    await stage.until(lambda: stage.shown not in (None, *three))
    await stage.until(lambda: stage.window.empty.isVisible())
    assert QApplication.focusWidget() is stage.window.composer.field


async def test_the_button_makes_no_second_empty_one(stage: Stage) -> None:
    await stage.begin()
    first = stage.shown
    stage.find(QToolButton, "New conversation").click()
    await stage.until(lambda: stage.shown == first)


async def test_rename_inline(stage: Stage, three: list[int]) -> None:
    await stage.begin(three[1])
    stage.key(Qt.Key.Key_F2)
    editor = stage.find(QLineEdit, "Rename conversation")
    assert editor.text() == "Middle"
    stage.type("Meadow")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: "Meadow" in titles(stage))
    await stage.until(lambda: stage.window.header.title() == "Meadow")


async def test_a_rename_survives_news_of_the_list(
    stage: Stage, services: FakeServices, three: list[int]
) -> None:
    await stage.begin(three[1])
    stage.key(Qt.Key.Key_F2)
    stage.type("Meadow")
    services.conversations.change(three[2], updated_at=10**13, title="Newer now")
    await stage.until(lambda: titles(stage)[0] == "Newer now")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: "Meadow" in titles(stage))


async def test_delete_and_undo_by_keys(
    stage: Stage, services: FakeServices, three: list[int]
) -> None:
    await stage.begin(three[0])
    stage.find(QListView, "Conversations").setFocus()
    stage.key(Qt.Key.Key_Delete)
    await stage.until(lambda: titles(stage) == ["Middle", "Oldest"])
    await stage.until(lambda: stage.window.header.title() == "Middle")
    assert stage.window.toast.isVisible()
    stage.key(Qt.Key.Key_Z, CONTROL)
    await stage.until(lambda: titles(stage) == ["Newest", "Middle", "Oldest"])
    await stage.until(lambda: stage.shown == three[0])
    assert not stage.window.toast.isVisible()


async def test_undo_by_the_toast(stage: Stage, services: FakeServices, three: list[int]) -> None:
    await stage.begin(three[0])
    assert not stage.window.menus.undo_delete.isEnabled()
    stage.window.menus.delete.trigger()
    await stage.until(lambda: stage.window.toast.isVisible())
    assert stage.window.menus.undo_delete.isEnabled()
    assert "Newest" in stage.window.toast.accessibleDescription()
    stage.find(QPushButton, "Toast action").click()
    await stage.until(lambda: not services.conversations.kept[three[0]].trashed)
    await stage.until(lambda: stage.shown == three[0])


async def test_control_z_in_the_composer_undoes_text_first(
    stage: Stage, services: FakeServices, three: list[int]
) -> None:
    await stage.begin(three[0])
    stage.window.menus.delete.trigger()
    await stage.until(lambda: stage.shown == three[1])
    stage.window.composer.field.setFocus()
    stage.type("abc")
    stage.key(Qt.Key.Key_Z, CONTROL)
    assert stage.window.composer.text() == ""
    await stage.settle()
    assert services.conversations.kept[three[0]].trashed
    stage.key(Qt.Key.Key_Z, CONTROL)
    await stage.until(lambda: not services.conversations.kept[three[0]].trashed)


async def test_deleting_the_last_one_leaves_a_fresh_one(
    stage: Stage, services: FakeServices
) -> None:
    only = services.conversations.add("Only", "q", "a")
    await stage.begin(only)
    stage.window.menus.delete.trigger()
    await stage.until(lambda: stage.shown not in (None, only))
    await stage.until(lambda: stage.window.empty.isVisible())


async def test_search_as_one_types(stage: Stage, services: FakeServices, three: list[int]) -> None:
    await stage.begin(three[0])
    stage.key(Qt.Key.Key_F, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert QApplication.focusWidget() is stage.find(QLineEdit, "Search conversations")
    stage.type("blue")
    results = stage.find(QListView, "Search results")
    await stage.until(results.isVisible)
    assert results.model().rowCount() == 2
    assert services.conversations.searched == ["blue"]
    stage.key(Qt.Key.Key_Down)
    stage.key(Qt.Key.Key_Down)
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.shown == three[1])
    stage.key(Qt.Key.Key_Escape)
    assert not results.isVisible()


def is_in_sight(stage: Stage, message_id: int) -> bool:
    row = stage.window.transcript.row(message_id)
    height = stage.window.transcript.viewport().height()
    return row is not None and row.isVisible() and 0 <= row.y() < height


@pytest.fixture
def long(services: FakeServices) -> int:
    """A conversation of which only the end is in sight when it is opened."""
    texts = ["the blue sky", *(f"line {n}\n\nand more" for n in range(60))]
    return services.conversations.add("Long", *texts, age_minutes=60)


async def search_and_take_first(stage: Stage, words: str) -> None:
    stage.window.sidebar.begin_search()
    stage.type(words)
    await stage.until(stage.window.sidebar.result_view.isVisible)
    stage.key(Qt.Key.Key_Return)


@pytest.mark.parametrize("is_shown_before", [True, False])
async def test_a_hit_opens_at_its_message(
    stage: Stage, services: FakeServices, long: int, is_shown_before: bool
) -> None:
    other = services.conversations.add("Other", "nothing")
    await stage.begin(long if is_shown_before else other)
    first = services.conversations.kept[long].messages[0].id
    assert not is_in_sight(stage, first)
    await search_and_take_first(stage, "blue")
    await stage.until(lambda: stage.shown == long and is_in_sight(stage, first))


async def test_a_hit_on_another_branch_brings_that_branch(
    stage: Stage, services: FakeServices, long: int
) -> None:
    await stage.begin(long)
    kept = services.conversations.kept[long]
    away = kept.messages[-1]
    kept.messages = kept.messages[:-1]
    services.conversations.branches[away.id] = [*kept.messages, away]
    services.facts.publish(PathChanged(long))
    await stage.until(lambda: stage.window.transcript.entries[-1].message.id != away.id)
    stage.window.sidebar.message_chosen.emit(long, away.id)
    await stage.until(lambda: is_in_sight(stage, away.id))


async def test_nothing_found_says_what_to_try(stage: Stage, three: list[int]) -> None:
    await stage.begin(three[0])
    stage.window.sidebar.begin_search()
    stage.type("zebra")
    await stage.until(lambda: stage.window.sidebar.notice().startswith("Nothing found"))
    stage.key(Qt.Key.Key_Escape)
    assert stage.find(QListView, "Conversations").isVisible()


async def test_late_results_of_an_old_query_are_dropped(
    stage: Stage, services: FakeServices, three: list[int]
) -> None:
    services.conversations.search_gates["blue"] = asyncio.Event()
    await stage.begin(three[0])
    sidebar = stage.window.sidebar
    sidebar.search_field.setText("blue")
    sidebar.search_wished.emit("blue")
    sidebar.search_field.setText("red")
    sidebar.search_wished.emit("red")
    await stage.until(lambda: sidebar.hits.rowCount() == 1)
    services.conversations.search_gates["blue"].set()
    await stage.settle()
    assert sidebar.hits.index(0).data(ID_ROLE) == three[2]


def summary(number: int, updated_at: int) -> ConversationSummary:
    return ConversationSummary(number, f"Title {number}", 0, updated_at)


def test_rows_move_without_a_reset(qapp: QApplication) -> None:
    rows = ConversationItemModel()
    rows.show_rows([summary(n, 10 - n) for n in range(5)])
    resets: list[int] = []
    moves: list[tuple[int, int]] = []
    rows.modelReset.connect(lambda: resets.append(1))
    rows.rowsMoved.connect(
        lambda _a, first, _b, _c, to: moves.append((first, to)),
    )
    wanted = [summary(3, 99), summary(7, 50), summary(0, 10), summary(4, 6)]
    rows.show_rows(wanted)
    assert [rows.index(n).data(ID_ROLE) for n in range(rows.rowCount())] == [3, 7, 0, 4]
    assert moves
    assert not resets
    assert rows.rowCount(QModelIndex()) == 4


def test_marks_become_ranges_on_one_line() -> None:
    text, ranges = split_marks("the \x02blue\x03\n sky is \x02bl\x03ue")
    assert text == "the blue sky is blue"
    assert [text[start : start + length] for start, length in ranges] == ["blue", "bl"]
