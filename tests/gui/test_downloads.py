"""The page of downloads, and what the rest of the window shows of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QMenu,
    QPushButton,
    QSystemTrayIcon,
    QToolButton,
    QWidget,
)

from app.domain.errors import ConfigError, HubUnreachable, NoSpace
from app.domain.facts import ModelPhase
from app.domain.settings import HubSettings
from app.domain.transfer import Transfer, TransferPhase
from app.gui.downloads.notifier import Notifier
from app.gui.downloads.row import TransferRow, Wish
from app.gui.downloads.words import GOES_ON
from app.gui.navigation import PlaceButton
from app.gui.pages import CHAT, DOWNLOADS, MODELS
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage
from tests.helpers.gui_transfers import GB, FakeTransfers, transfer

ALT = Qt.KeyboardModifier.AltModifier
LOST = HubUnreachable("There is no connection.", "", "Lamplight tries again by itself.")
FULL = NoSpace("The disk is full.", "", "Make room, then resume.")
P = TransferPhase


def stand(stage: Stage, *transfers: Transfer) -> None:
    """These downloads are there before the window is."""
    vars(stage.services)["transfers"] = FakeTransfers(stage.services.facts, transfers)


def line(stage: Stage) -> FakeTransfers:
    """The downloads, to move on, and what was asked of them."""
    found = vars(stage.services)["transfers"]
    assert isinstance(found, FakeTransfers)
    return found


async def begin(stage: Stage, *transfers: Transfer, width: int = 1100) -> None:
    """A window that shows the page with these downloads."""
    stand(stage, *transfers)
    await stage.begin(size=(width, 700))
    stage.window.pages.go(DOWNLOADS)
    await stage.settle()


def rows(stage: Stage) -> list[TransferRow]:
    assert stage.wiring is not None
    return stage.wiring.models.downloads.page.list.rows()


def titles(stage: Stage) -> list[str]:
    return [row.accessibleName() for row in rows(stage)]


def press(row: TransferRow, name: str) -> None:
    """A button of a row, which must be there to be seen."""
    (button,) = [b for b in row.findChildren(QPushButton) if b.text() == name and b.isVisible()]
    button.click()


def button(stage: Stage) -> PlaceButton:
    """The way to the page."""
    return stage.find(PlaceButton, "Show downloads")


# ------------------------------------------------------------------------------------ the rows


async def test_what_nothing_can_use_is_not_offered_for_use(stage: Stage) -> None:
    await begin(stage, transfer("A", P.UNUSABLE, done=GB, total=GB, error=FULL))
    (row,) = rows(stage)
    assert Wish.USE not in [row.main_wish, *row.wishes()]


async def test_without_downloads_it_says_where_they_come_from(stage: Stage) -> None:
    await begin(stage)
    page = stage.find(QWidget, DOWNLOADS)
    assert page.isVisible()
    assert rows(stage) == []
    browse = stage.find(QPushButton, "Browse models")
    assert browse.isVisible() is stage.window.pages.has(MODELS)
    assert not stage.find(QPushButton, "Pause all").isVisible()
    expected = "Browse models" if browse.isVisible() else "Speed limit"
    assert stage.focus().objectName() == expected


async def test_those_under_way_stand_before_the_finished_ones(stage: Stage) -> None:
    await begin(
        stage, transfer("A", P.FINISHED), transfer("B"), transfer("C", P.FINISHED), transfer("D")
    )
    assert titles(stage) == ["B", "D", "C", "A"]
    assert stage.focus() is rows(stage)[0]


async def test_a_row_tells_what_is_known_of_it(stage: Stage) -> None:
    await begin(
        stage,
        transfer("A", done=GB, bytes_per_second=48e6, seconds_left=21.0),
        transfer("B", P.RETRYING, GB, error=LOST, retry_in=12.0),
        transfer("C", P.PAUSED, GB, error=FULL),
    )
    assert [row.words() for row in rows(stage)] == [
        "1.0 GB of 2.0 GB · 48 MB/s · about 20 s left",
        "1.0 GB of 2.0 GB · trying again in 12 s "
        "There is no connection. Lamplight tries again by itself.",
        "Paused · 1.0 GB of 2.0 GB The disk is full. Make room, then resume.",
    ]
    assert rows(stage)[0].accessibleDescription().startswith("author/repo. 1.0 GB of 2.0 GB")


async def test_a_row_goes_on_as_the_download_does(stage: Stage) -> None:
    await begin(stage, transfer("A", P.WAITING), transfer("B", P.WAITING))
    first = rows(stage)[0]
    line(stage).change("A", phase=P.RUNNING, done_bytes=GB, bytes_per_second=1e6)
    assert first.words() == "1.0 GB of 2.0 GB · 1 MB/s"
    line(stage).change("A", phase=P.FINISHED, paths=("/m/A.gguf",))
    assert titles(stage) == ["B", "A"]
    assert rows(stage)[1] is first
    line(stage).announce(line(stage).transfers[1])
    assert titles(stage) == ["B"]


async def test_what_came_while_another_page_was_shown_is_there(stage: Stage) -> None:
    await begin(stage, transfer("A"))
    stage.window.pages.go(CHAT)
    line(stage).announce(transfer("A", done=GB), transfer("B"))
    stage.window.pages.go(DOWNLOADS)
    assert titles(stage) == ["A", "B"]
    assert rows(stage)[0].words().startswith("1.0 GB of")


@pytest.mark.parametrize(
    ("phase", "name", "asked"),
    [
        (P.WAITING, "Pause", "pause"),
        (P.RUNNING, "Pause", "pause"),
        (P.CHECKING, "Pause", "pause"),
        (P.RETRYING, "Try now", "resume"),
        (P.PAUSED, "Resume", "resume"),
        (P.FAILED, "Try again", "resume"),
    ],
)
async def test_the_button_does_what_helps(
    stage: Stage, phase: TransferPhase, name: str, asked: str
) -> None:
    await begin(stage, transfer("A", phase))
    press(rows(stage)[0], name)
    await stage.settle()
    stage.key(Qt.Key.Key_Space, on=rows(stage)[0])
    await stage.settle()
    assert line(stage).asked == [(asked, "A"), (asked, "A")]


async def test_a_finished_one_is_chosen_and_talked_to(stage: Stage, services: FakeServices) -> None:
    await begin(stage, transfer("A", P.FINISHED))
    press(rows(stage)[0], "Use it")
    assert stage.window.pages.shown == CHAT
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)
    model = services.models.state.model
    assert model is not None
    assert model.path == "/models/A.gguf"
    assert stage.focus() is stage.window.composer.field


async def test_its_folder_is_shown(stage: Stage) -> None:
    await begin(stage, transfer("A", P.FINISHED))
    assert stage.wiring is not None
    shown: list[str] = []
    downloads = stage.wiring.models.downloads
    downloads.show_folder = lambda folder: bool(shown.append(folder))
    stage.find(QToolButton, "Show in folder").click()
    assert shown == ["/models"]
    assert "No program" in stage.window.toast.accessibleDescription()


async def test_little_is_removed_at_once_and_much_is_asked_about(stage: Stage) -> None:
    await begin(stage, transfer("A", done=1000), transfer("B", done=GB), transfer("C", P.FINISHED))
    first, second, third = rows(stage)
    stage.key(Qt.Key.Key_Delete, on=first)
    await stage.until(lambda: titles(stage) == ["B", "C"])
    stage.key(Qt.Key.Key_Delete, on=third)
    await stage.until(lambda: titles(stage) == ["B"])
    for answer, left in (("Keep it", ["B"]), ("Remove and delete", [])):
        stage.key(Qt.Key.Key_Delete, on=second)
        assert titles(stage) == ["B"]
        stage.find(QPushButton, answer).click()
        await stage.settle()
        assert titles(stage) == left


async def test_finished_ones_are_cleared_together(stage: Stage) -> None:
    await begin(stage, transfer("A", P.FINISHED), transfer("B"), transfer("C", P.FINISHED))
    stage.find(QPushButton, "Clear finished downloads").click()
    await stage.until(lambda: titles(stage) == ["B"])
    assert not stage.find(QPushButton, "Clear finished downloads").isVisible()


async def test_all_are_paused_and_resumed(stage: Stage) -> None:
    await begin(stage, transfer("A"))
    stage.find(QPushButton, "Pause all").click()
    await stage.settle()
    assert not stage.find(QPushButton, "Resume all").isVisible()
    line(stage).change("A", phase=P.PAUSED)
    assert not stage.find(QPushButton, "Pause all").isVisible()
    stage.find(QPushButton, "Resume all").click()
    await stage.settle()
    assert line(stage).asked == [("pause all",), ("resume all",)]


async def test_what_cannot_be_done_is_said(stage: Stage) -> None:
    await begin(stage, transfer("A"))
    line(stage).error = FULL
    press(rows(stage)[0], "Pause")
    await stage.until(lambda: stage.banners() == ["The disk is full."])


# ------------------------------------------------------------------------------------ the order


async def test_the_order_is_changed_by_keyboard(stage: Stage) -> None:
    await begin(stage, transfer("F", P.FINISHED), transfer("A"), transfer("B"), transfer("C"))
    stage.key(Qt.Key.Key_Down)
    assert stage.focus() is rows(stage)[1]
    moved = stage.focus()
    for key, order in (
        (Qt.Key.Key_Up, ["B", "A", "C", "F"]),
        (Qt.Key.Key_Up, ["B", "A", "C", "F"]),
        (Qt.Key.Key_Down, ["A", "B", "C", "F"]),
        (Qt.Key.Key_Down, ["A", "C", "B", "F"]),
        (Qt.Key.Key_Down, ["A", "C", "B", "F"]),
    ):
        stage.key(key, ALT)
        await stage.settle()
        assert titles(stage) == order
        assert stage.focus() is moved
    places = [asked[2] for asked in line(stage).asked]
    assert places == [1, 2, 3], "counted with the finished one"


async def test_a_menu_offers_the_same(stage: Stage) -> None:
    await begin(stage, transfer("A", P.RETRYING, error=LOST), transfer("B", P.FINISHED))
    first, second = rows(stage)
    assert second.wishes() == [Wish.USE, Wish.SHOW, Wish.REMOVE]
    first.open_menu(QPoint(0, 0))
    menu = stage.find(QMenu, "Download menu")
    names = [action.text() for action in menu.actions()]
    assert names == ["Try now", "Pause", "Move up", "Move down", "Remove"]
    menu.actions()[1].trigger()
    await stage.settle()
    menu.close()
    assert line(stage).asked == [("pause", "A")]


async def test_the_order_is_changed_with_the_mouse(stage: Stage) -> None:
    await begin(stage, transfer("A"), transfer("B"), transfer("C"), transfer("D", P.FINISHED))
    first, _, third, _ = rows(stage)
    below = third.mapToGlobal(QPoint(0, third.height() - 4))
    QTest.mousePress(first.grip, Qt.MouseButton.LeftButton)
    QTest.mouseMove(first.grip, first.grip.mapFromGlobal(below))
    await stage.settle()
    assert titles(stage) == ["B", "C", "A", "D"]
    line(stage).change("B", done_bytes=5)
    assert titles(stage) == ["B", "C", "A", "D"], "what comes meanwhile moves nothing"
    QTest.mouseRelease(first.grip, Qt.MouseButton.LeftButton)
    await stage.settle()
    assert line(stage).asked == [("move", "A", 2)]
    assert titles(stage) == ["B", "C", "A", "D"]


async def test_the_focus_goes_on_where_a_row_goes(stage: Stage) -> None:
    await begin(stage, transfer("A"), transfer("B"), transfer("C"))
    for left in (["B", "C"], ["C"], []):
        stage.key(Qt.Key.Key_Delete)
        await stage.until(lambda left=left: titles(stage) == left)
        await stage.settle()
        assert stage.focus() is rows(stage)[0] if left else not rows(stage)
    assert stage.focus().objectName() in ("Browse models", "Speed limit")


async def test_the_last_row_gives_the_focus_to_the_one_before(stage: Stage) -> None:
    await begin(stage, transfer("A"), transfer("B"))
    stage.key(Qt.Key.Key_Down)
    stage.key(Qt.Key.Key_Delete)
    await stage.until(lambda: titles(stage) == ["A"])
    assert stage.focus() is rows(stage)[0]


async def test_that_it_goes_on_is_said_once_and_while_it_holds(stage: Stage) -> None:
    await begin(stage, transfer("A"), transfer("B", P.WAITING))
    (said,) = [label for label in stage.window.findChildren(QLabel) if label.text() == GOES_ON]
    assert said.isVisible()
    line(stage).announce(transfer("A", P.PAUSED))
    assert not said.isVisible()


# ------------------------------------------------------------------------------------ the limits


async def test_limits_are_kept_and_hold_at_once(stage: Stage, services: FakeServices) -> None:
    services.settings.current = replace(services.settings.current, hub=HubSettings(limit=3.5))
    await begin(stage)
    assert stage.wiring is not None
    limits = stage.wiring.models.downloads.page.limits
    shown = [limits.speed.currentText(), limits.at_once.currentText()]
    assert shown == ["At most 3.5 MB/s", "2 at once"]
    limits.speed.setCurrentIndex(limits.speed.findText("At most 10 MB/s"))
    limits.at_once.setCurrentIndex(limits.at_once.findText("4 at once"))
    await stage.settle()
    hub = services.settings.current.hub
    assert (hub.limit, hub.at_once) == (10.0, 4)
    assert line(stage).asked[-1] == ("limits", hub)


async def test_a_limit_that_cannot_be_kept_holds_all_the_same(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage)
    assert stage.wiring is not None
    services.settings.error = ConfigError("It can't be saved.")
    limits = stage.wiring.models.downloads.page.limits
    limits.at_once.setCurrentIndex(0)
    await stage.settle()
    assert stage.banners() == ["It can't be saved."]
    assert line(stage).asked == [("limits", HubSettings(at_once=1))]


# -------------------------------------------------------------------- elsewhere in the window


async def test_the_status_line_tells_and_leads_there(stage: Stage) -> None:
    await begin(stage, transfer("A", P.WAITING))
    stage.window.pages.go(CHAT)
    glance = stage.find(QWidget, "Download progress")
    assert not glance.isVisible()
    line(stage).change("A", phase=P.RUNNING, done_bytes=GB)
    await stage.settle()
    assert glance.isVisible()
    assert glance.accessibleDescription().startswith("Downloading 50 %")
    QTest.mouseClick(glance, Qt.MouseButton.LeftButton)
    assert stage.window.pages.shown == DOWNLOADS
    line(stage).change("A", phase=P.PAUSED)
    assert not glance.isVisibleTo(stage.window)


async def test_the_navigation_tells_how_it_stands(stage: Stage) -> None:
    await begin(stage, transfer("A"), transfer("B", P.WAITING))
    stage.window.pages.go(CHAT)
    assert button(stage).accessibleDescription() == "2 are under way."
    line(stage).change("A", phase=P.FINISHED, paths=("/m/A.gguf",))
    line(stage).change("B", phase=P.FAILED, error=FULL)
    told = "One download has stopped. One download is ready."
    assert button(stage).accessibleDescription() == told
    stage.window.pages.go(DOWNLOADS)
    assert button(stage).accessibleDescription() == ""


async def test_the_end_is_told_once_and_offers_the_model(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, transfer("A", done=GB))
    stage.window.pages.go(CHAT)
    line(stage).change("A", phase=P.FINISHED, paths=("/models/A.gguf",))
    toast = stage.window.toast
    assert toast.isVisible()
    assert toast.accessibleDescription() == "“A” is ready."
    toast.hide()
    line(stage).announce(*line(stage).transfers)
    assert not toast.isVisible()
    line(stage).announce(*line(stage).transfers, transfer("B", P.FINISHED))
    assert toast.accessibleDescription() == "“B” is ready."
    stage.find(QPushButton, "Toast action").click()
    await stage.until(lambda: services.models.state.phase is ModelPhase.READY)


@pytest.mark.parametrize("phase", [P.FAILED, P.PAUSED])
async def test_a_failure_is_told_and_leads_to_the_page(stage: Stage, phase: TransferPhase) -> None:
    await begin(stage, transfer("A"))
    stage.window.pages.go(CHAT)
    line(stage).change("A", phase=phase, error=FULL)
    assert stage.window.toast.accessibleDescription() == "“A” has stopped."
    stage.window.toast.findChildren(QPushButton)[0].click()
    assert stage.window.pages.shown == DOWNLOADS


async def test_a_pause_that_was_wished_is_no_news(stage: Stage) -> None:
    await begin(stage, transfer("A"))
    stage.window.pages.go(CHAT)
    line(stage).change("A", phase=P.PAUSED)
    assert not stage.window.toast.isVisible()
    assert button(stage).accessibleDescription() == ""


async def test_every_control_of_a_row_is_named_and_tells_whose_it_is(stage: Stage) -> None:
    await begin(stage, transfer("A"), transfer("B", P.FINISHED))
    for row in rows(stage):
        controls = [w for w in row.findChildren(QAbstractButton) if w.isVisible()]
        assert len(controls) > 1
        for control in controls:
            assert control.accessibleName() == control.objectName() != ""
            assert row.accessibleName() in control.accessibleDescription()


async def test_a_failure_of_an_earlier_run_is_marked_but_no_news(stage: Stage) -> None:
    stand(stage, transfer("A", P.FAILED, error=FULL))
    await stage.begin()
    assert not stage.window.toast.isVisible()
    assert button(stage).accessibleDescription() == "One download has stopped."


async def test_the_narrowest_window_clips_nothing(stage: Stage) -> None:
    await begin(stage, transfer("A", P.PAUSED), transfer("B"), width=100)
    page = stage.find(QWidget, DOWNLOADS)
    assert page.minimumSizeHint().width() <= page.width()
    assert stage.window.rail.isVisible()


async def test_a_narrow_window_clips_no_row(stage: Stage) -> None:
    await begin(
        stage,
        transfer("A model with a name that has no end at all " * 3, P.RETRYING, GB, error=LOST),
        transfer("B", P.FINISHED),
        width=480,
    )
    for row in rows(stage):
        for child in row.findChildren(QWidget):
            if child.isVisible():
                left = child.mapTo(stage.window, QPoint(0, 0)).x()
                assert stage.window.rail.width() <= left
                assert left + child.width() <= 480, child


async def test_many_reports_paint_only_what_has_changed(stage: Stage) -> None:
    await begin(stage, *(transfer(str(n)) for n in range(20)))
    before = rows(stage)
    for n in range(10):
        line(stage).change("3", done_bytes=n * 1000)
    assert rows(stage) == before


# ------------------------------------------------------------------------- the system's notice


class RecordedTray(QObject):
    """In the place of a tray."""

    messageClicked = Signal()  # noqa: N815 - Qt's name

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.shown = False

    def show(self) -> None:
        self.shown = True

    def hide(self) -> None:
        self.shown = False

    def showMessage(self, title: str, text: str, _icon: object) -> None:
        self.said.append(f"{title}: {text}")


def notifier(window: QWidget, tray: RecordedTray | None) -> Notifier:
    make: Callable[[QWidget], QSystemTrayIcon | None] = lambda _: tray  # type: ignore[assignment]  # noqa: E731
    return Notifier(window, make)


async def test_the_system_tells_only_who_looks_elsewhere(stage: Stage) -> None:
    await begin(stage)
    tray = RecordedTray()
    made = notifier(stage.window, tray)
    made.tell("Done", "A")
    assert tray.said == []
    other = QWidget()
    other.show()
    other.activateWindow()
    await stage.until(lambda: not stage.window.isActiveWindow())
    made.tell("Done", "A")
    assert (tray.said, tray.shown) == (["Done: A"], True)
    pressed: list[bool] = []
    made.pressed.connect(lambda: pressed.append(True))
    tray.messageClicked.emit()
    assert pressed
    notifier(stage.window, None).tell("Done", "no tray is no fault")
    other.close()
    other.deleteLater()
