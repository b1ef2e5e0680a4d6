"""The pages in the middle of the window, and the ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QListView, QPushButton, QWidget

from app.domain.errors import StoreReadOnly
from app.gui.controls import named
from app.gui.models_page import DISCOVER, LIBRARY, ModelsPage
from app.gui.navigation import Navigation, PlaceButton
from app.gui.pages import CHAT, DOWNLOADS, MODELS, Badge, Page, PageHeader, Pages
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

if TYPE_CHECKING:
    from PySide6.QtGui import QImage
    from pytestqt.qtbot import QtBot

CONTROL = Qt.KeyboardModifier.ControlModifier


class OtherPage(Page):
    """A page with a field, and something that Esc leaves first."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "download", PageHeader(name))
        self.field = named(QLineEdit(), f"Field of {name}")
        self.is_open = False
        self.add(self.field, 1)

    def take_focus(self) -> None:
        self.field.setFocus()

    def step_back(self) -> bool:
        was_open, self.is_open = self.is_open, False
        return was_open


class Alone(QWidget):
    """Pages and their navigation without the rest of the window."""

    def __init__(self, stage: Stage, qtbot: QtBot) -> None:
        super().__init__()
        self.pages = Pages(QWidget())
        self.navigation = Navigation(stage.theme, compact=False)
        self.navigation.follow(self.pages)
        row = QHBoxLayout(self)
        row.addWidget(self.navigation)
        row.addWidget(self.pages)
        qtbot.addWidget(self)

    def open(self) -> None:
        """Be seen, and have the focus."""
        self.show()
        self.activateWindow()


async def begin(stage: Stage, services: FakeServices, width: int = 1100) -> Page:
    """A window with two conversations and the page of downloads."""
    services.conversations.add("Earlier", "an earlier question", "a", age_minutes=5)
    shown = services.conversations.add("Now", "q", "a")
    await stage.begin(shown, size=(width, 700))
    return stage.find(Page, DOWNLOADS)


def way(stage: Stage, name: str) -> PlaceButton:
    """The button that leads to a page, and that is to be seen."""
    return stage.find(PlaceButton, f"Show {name.lower()}")


async def test_it_begins_with_the_conversation(stage: Stage, services: FakeServices) -> None:
    page = await begin(stage, services)
    assert stage.window.pages.shown == CHAT
    assert not page.isVisible()
    assert way(stage, CHAT).isChecked()
    assert not way(stage, DOWNLOADS).isChecked()


@pytest.mark.parametrize("width", [480, 1100])
async def test_a_click_leads_to_a_page_and_back(
    stage: Stage, services: FakeServices, width: int
) -> None:
    page = await begin(stage, services, width)
    way(stage, DOWNLOADS).click()
    assert page.isVisible()
    assert page.isAncestorOf(stage.focus())
    assert way(stage, DOWNLOADS).isChecked()
    assert not way(stage, CHAT).isChecked()
    assert stage.window.windowTitle() == "Downloads - Lamplight"
    way(stage, CHAT).click()
    assert not page.isVisible()
    assert stage.focus() is stage.window.composer.field
    assert stage.window.windowTitle() == "Now - Lamplight"


async def test_the_ways_are_there_however_the_window_is(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    for shown in (True, False):
        button = way(stage, DOWNLOADS)
        assert button.isVisible()
        assert stage.window.sidebar.isAncestorOf(button) is shown
        assert stage.window.rail.isVisible() is not shown
        at = button.mapTo(stage.window, QPoint(0, 0))
        assert not stage.window.pages.geometry().contains(at)
        stage.key(Qt.Key.Key_B, CONTROL)
        await stage.settle()


async def test_keys_and_menu_lead_to_pages(stage: Stage, services: FakeServices) -> None:
    await begin(stage, services)
    stage.key(Qt.Key.Key_3, CONTROL)
    assert stage.window.pages.shown == DOWNLOADS
    entries = {action.objectName(): action for action in stage.window.menus.pages.actions()}
    assert [name for name, action in entries.items() if action.isChecked()] == [DOWNLOADS]
    stage.key(Qt.Key.Key_1, CONTROL)
    assert stage.window.pages.shown == CHAT
    entries[DOWNLOADS].trigger()
    assert stage.window.pages.shown == DOWNLOADS
    stage.key(Qt.Key.Key_L, CONTROL)
    assert stage.focus() is stage.window.composer.field


async def test_pages_keep_their_order_whenever_they_come(stage: Stage, qtbot: QtBot) -> None:
    alone = Alone(stage, qtbot)
    for name in (CHAT, DOWNLOADS, MODELS):
        alone.pages.add_page(OtherPage(name))
    alone.open()
    await stage.settle()
    buttons = [alone.navigation.button(name) for name in (CHAT, MODELS, DOWNLOADS)]
    tops = [button.y() for button in buttons]
    assert tops == sorted(set(tops))
    buttons[0].setFocus()
    for following in buttons[1:]:
        stage.key(Qt.Key.Key_Tab)
        assert stage.focus() is following


async def test_a_promised_page_has_its_way_already(stage: Stage, qtbot: QtBot) -> None:
    alone = Alone(stage, qtbot)
    alone.pages.add_page(OtherPage(CHAT))
    alone.pages.promise(DOWNLOADS, "download")
    alone.open()
    await stage.settle()
    button = alone.navigation.button(DOWNLOADS)
    place = button.geometry()
    button.click()
    assert alone.pages.shown == CHAT
    alone.pages.add_page(OtherPage(DOWNLOADS))
    await stage.settle()
    assert button.geometry() == place
    button.click()
    assert alone.pages.shown == DOWNLOADS


async def test_the_menu_has_the_pages_in_their_order(stage: Stage) -> None:
    await stage.begin()
    entries = [action.objectName() for action in stage.window.menus.view.actions()]
    assert entries.index(CHAT) == 0
    assert entries.index(DOWNLOADS) < entries.index("Conversations")


async def test_a_conversation_leads_back_to_itself(stage: Stage, services: FakeServices) -> None:
    await begin(stage, services)
    rows = stage.find(QListView, "Conversations")
    assert rows.currentIndex().isValid()
    stage.key(Qt.Key.Key_3, CONTROL)
    assert not rows.currentIndex().isValid()
    now = stage.window.sidebar.rows.index(0)
    rows.setCurrentIndex(now)
    assert stage.window.pages.shown == CHAT
    assert stage.texts() == ["q", "a"]
    assert rows.currentIndex() == now


async def test_the_focus_is_never_on_a_page_that_is_gone(
    stage: Stage, services: FakeServices
) -> None:
    page = await begin(stage, services)
    stage.window.model_button.setFocus()
    stage.key(Qt.Key.Key_3, CONTROL)
    assert page.isAncestorOf(stage.focus())
    assert stage.shown is not None
    stage.window.sidebar.chosen.emit(stage.shown)
    assert stage.focus() is stage.window.composer.field


async def test_new_conversation_and_search_lead_to_the_conversation(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    stage.key(Qt.Key.Key_3, CONTROL)
    stage.key(Qt.Key.Key_N, CONTROL)
    assert stage.window.pages.shown == CHAT
    assert stage.focus() is stage.window.composer.field
    stage.key(Qt.Key.Key_3, CONTROL)
    stage.key(Qt.Key.Key_F, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    stage.type("earlier")
    await stage.until(stage.window.sidebar.result_view.isVisible)
    assert stage.window.pages.shown == DOWNLOADS
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts()[:1] == ["an earlier question"])
    assert stage.window.pages.shown == CHAT


async def test_escape_leads_from_the_page_to_the_conversation(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    stage.key(Qt.Key.Key_3, CONTROL)
    stage.key(Qt.Key.Key_Escape)
    assert stage.window.pages.shown == CHAT
    assert stage.focus() is stage.window.composer.field


async def test_escape_leaves_first_what_is_open_on_the_page(stage: Stage, qtbot: QtBot) -> None:
    alone = Alone(stage, qtbot)
    chat, page = OtherPage(CHAT), OtherPage(DOWNLOADS)
    alone.pages.add_page(chat)
    alone.pages.add_page(page)
    alone.open()
    alone.pages.go(DOWNLOADS)
    page.is_open = True
    assert alone.pages.step_back()
    assert (alone.pages.shown, page.is_open) == (DOWNLOADS, False)
    assert alone.pages.step_back()
    assert alone.pages.shown == CHAT
    assert not alone.pages.step_back()


async def test_the_inspector_belongs_to_the_conversation(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    window = stage.window
    window.menus.inspector.trigger()
    assert window.inspector.isVisible()
    stage.key(Qt.Key.Key_3, CONTROL)
    assert not window.inspector.isVisible()
    assert not window.menus.inspector.isEnabled()
    assert not window.menus.delete.isEnabled(), "nobody sees what it would delete"
    stage.key(Qt.Key.Key_1, CONTROL)
    assert window.inspector.isVisible()
    assert window.menus.delete.isEnabled()


async def test_choosing_a_model_leads_to_the_conversation(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    stage.key(Qt.Key.Key_3, CONTROL)
    stage.key(Qt.Key.Key_M, CONTROL)
    assert stage.window.pages.shown == CHAT
    assert stage.window.popup.isVisible()


async def test_banners_and_toasts_are_seen_on_every_page(
    stage: Stage, services: FakeServices
) -> None:
    page = await begin(stage, services)
    stage.window.presenter.trouble(StoreReadOnly("It is read-only."))
    for keys, shown in ((Qt.Key.Key_3, page), (Qt.Key.Key_1, stage.window.chat)):
        stage.key(keys, CONTROL)
        stage.window.presenter.toast("Something happened.")
        await stage.settle()
        assert stage.window.banners.isVisible()
        assert shown.isAncestorOf(stage.window.banners)
        toast = stage.window.toast
        assert toast.isVisible()
        assert stage.window.pages.rect().contains(toast.geometry())
        seen = stage.window.pages.childAt(toast.geometry().center())
        assert seen is not None
        assert seen is toast or toast.isAncestorOf(seen)
    assert toast.geometry().bottom() < stage.window.composer.y()


async def test_a_toast_makes_way_for_the_foot_of_the_part_that_is_shown(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    stage.key(Qt.Key.Key_2, CONTROL)
    page, toast = stage.find(ModelsPage, MODELS), stage.window.toast
    stage.window.presenter.toast("Something happened.")
    for part in (LIBRARY, DISCOVER, LIBRARY):
        page.show_part(part)
        await stage.settle()
        is_foot_shown = page.foot is not None and page.foot.isVisible()
        assert is_foot_shown is (part == LIBRARY)
        seen = stage.window.pages.height() - (
            page.foot.height() if page.foot and is_foot_shown else 0
        )
        assert seen - 32 < toast.geometry().bottom() < seen


async def test_a_floating_list_is_out_of_the_way_on_another_page(
    stage: Stage, services: FakeServices
) -> None:
    page = await begin(stage, services, width=480)
    stage.window.rail.toggle.click()
    assert stage.window.sidebar.isVisible()
    stage.window.sidebar.navigation.button(DOWNLOADS).click()
    assert not stage.window.sidebar.isVisible()
    assert page.isAncestorOf(stage.focus())
    stage.window.rail.toggle.click()
    stage.window.sidebar.navigation.button(DOWNLOADS).click()
    assert not stage.window.sidebar.isVisible()


@pytest.mark.parametrize("width", [480, 1100])
async def test_a_badge_is_seen_and_told(stage: Stage, services: FakeServices, width: int) -> None:
    await begin(stage, services, width)
    button = way(stage, DOWNLOADS)
    pictures = [picture(button)]
    for badge in (Badge("Two run.", 2, 0.5), Badge("One is done."), Badge("No.", is_trouble=True)):
        stage.window.pages.set_badge(DOWNLOADS, badge)
        assert button.accessibleDescription() == badge.words
        assert badge.words in button.toolTip()
        pictures.append(picture(button))
    stage.window.pages.set_badge(DOWNLOADS, None)
    assert button.accessibleDescription() == ""
    assert picture(button) == pictures[0]
    assert all(pictures[n] != pictures[n + 1] for n in range(3))


def picture(button: PlaceButton) -> QImage:
    """How it looks."""
    return button.grab().toImage()


async def test_the_models_page_switches_between_its_parts(stage: Stage, qtbot: QtBot) -> None:
    alone = Alone(stage, qtbot)
    discover, library = OtherPage(CHAT), OtherPage(DOWNLOADS)
    page = ModelsPage(discover, library)
    alone.pages.add_page(page)
    alone.open()
    await stage.until(alone.isActiveWindow)
    alone.pages.go(MODELS)
    assert (page.part, stage.focus()) == (DISCOVER, discover.field)
    told: list[str] = []
    page.part_changed.connect(told.append)
    (button,) = page.findChildren(QPushButton, "Show library")
    button.click()
    assert (page.part, stage.focus(), told) == (LIBRARY, library.field, [LIBRARY])
    assert not discover.isVisible()
    library.is_open = True
    assert page.step_back()
    assert not page.step_back()


async def test_a_narrow_page_keeps_inside_the_window(stage: Stage, services: FakeServices) -> None:
    page = await begin(stage, services, width=480)
    stage.key(Qt.Key.Key_3, CONTROL)
    await stage.settle()
    left = page.mapTo(stage.window, QPoint(0, 0)).x()
    assert left == stage.window.rail.width()
    assert left + page.width() == 480
