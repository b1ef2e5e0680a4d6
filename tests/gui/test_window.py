"""The window as a whole: names, keyboard, narrow layout, shape, menus, theme."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QToolButton, QWidget

from app.domain.facts import ModelPhase, ModelState
from app.gui.controls import ElidedLabel
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import DARK, LIGHT
from app.gui.window import MainWindow
from tests.helpers.gui_models import local_model
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

# DESIGN, section 8, as far as this window has them.
LASTING = {
    "Lamplight",
    "Message",
    "Send",
    "Stop",
    "New conversation",
    "Model",
    "Conversations",
    "Messages",
    "Search results",
    "Search conversations",
    "Chat",
}


async def test_lasting_names(stage: Stage) -> None:
    await stage.begin()
    widgets = [stage.window, *stage.window.findChildren(QWidget)]
    named = {widget.objectName() for widget in widgets if widget.accessibleName()}
    assert named >= LASTING


async def test_every_control_that_takes_the_focus_is_named(
    stage: Stage, services: FakeServices
) -> None:
    first = services.conversations.add("First", "q", "An answer with\n\n```python\ncode\n```")
    await stage.begin(first)
    stage.window.popup.toggle()
    nameless = [
        repr(widget)
        for widget in stage.window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.objectName().startswith("qt_")
        and not (widget.objectName() and widget.accessibleName())
    ]
    assert nameless == []
    actions = stage.window.sidebar.search_field.findChildren(QToolButton)
    assert "Clear the search" in [
        interface.text(QAccessible.Text.Name)
        for interface in map(QAccessible.queryAccessibleInterface, actions)
    ]


async def test_tab_reaches_everything_and_comes_back(stage: Stage, services: FakeServices) -> None:
    first = services.conversations.add("First", "q", "a")
    await stage.begin(first)
    stage.window.menus.inspector.trigger()
    stage.write("x")
    names: list[str] = []
    for _ in range(60):
        stage.key(Qt.Key.Key_Tab)
        names.append(stage.focus().objectName())
        if names[-1] == "Message":
            break
    assert names[-1] == "Message"
    assert names[0] == "Send"
    for name in ("Search conversations", "Conversations", "Model", "Temperature", "Messages"):
        assert name in names
    left = ["Show chat", "Show models", "Show downloads", "Search conversations"]
    assert [name for name in names if name in left] == left


async def test_a_whole_talk_by_keyboard(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    stage.type("first question")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts() == ["first question", "Hello there."])
    await stage.until(lambda: stage.window.header.title() == "first question")
    stage.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    await stage.until(lambda: stage.texts() == [])
    stage.type("second")
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts()[:1] == ["second"])
    stage.key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    stage.type("first")
    await stage.until(stage.window.sidebar.result_view.isVisible)
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: stage.texts()[:1] == ["first question"])
    stage.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.focusWidget() is stage.window.composer.field


async def test_a_narrow_window_clips_nothing(stage: Stage, services: FakeServices) -> None:
    first = services.conversations.add("First", "q", "a")
    await stage.begin(first, size=(480, 700))
    assert stage.window.width() == 480
    assert not stage.window.sidebar.isVisible()
    for name in ("Model", "Send", "Message", "Toggle inspector", "Toggle conversations"):
        widget = stage.find(QWidget, name)
        left = widget.mapTo(stage.window, QPoint(0, 0)).x()
        assert left >= 0, name
        assert left + widget.width() <= 480, name


async def test_a_long_model_name_leaves_room_for_the_title(
    stage: Stage, services: FakeServices
) -> None:
    services.models.models = (local_model("A model with a name that has no end at all"),)
    services.models.state = ModelState(ModelPhase.CHOSEN, services.models.models[0])
    await stage.begin(size=(480, 700))
    assert stage.window.model_button.width() <= 0.4 * stage.window.header.width()


async def test_panels_float_in_a_narrow_window_and_escape_closes_them(
    stage: Stage, services: FakeServices
) -> None:
    ids = [services.conversations.add(f"Talk {n}", f"q {n}", "a") for n in range(2)]
    await stage.begin(ids[0], size=(480, 700))
    stage.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert stage.window.sidebar.isVisible()
    assert stage.window.chat.width() == 480 - stage.window.rail.width()
    stage.key(Qt.Key.Key_Escape)
    assert not stage.window.sidebar.isVisible()
    stage.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    stage.window.sidebar.chosen.emit(ids[1])
    await stage.until(lambda: stage.texts()[:1] == ["q 1"])
    assert not stage.window.sidebar.isVisible()
    stage.window.resize(1100, 700)
    await stage.until(stage.window.sidebar.isVisible)


def test_the_first_size_fits_on_the_screen(qapp: QApplication) -> None:
    window = MainWindow(ThemeKeeper(qapp, wish="light"))
    screen = qapp.primaryScreen().availableSize()
    assert screen.width() < 1120, "the screen of these tests is a small one"
    assert window.width() < screen.width()
    assert window.height() < screen.height()
    window.deleteLater()


@pytest.mark.parametrize("width", [480, 1100])
async def test_a_panel_that_closes_gives_the_focus_to_the_composer(
    stage: Stage, width: int
) -> None:
    await stage.begin(size=(width, 700))
    stage.key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert stage.focus() is stage.window.sidebar.search_field
    stage.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert not stage.window.sidebar.isVisible()
    assert stage.focus() is stage.window.composer.field


async def test_its_shape_is_remembered(stage: Stage, qapp: QApplication) -> None:
    await stage.begin()
    stage.window.shell.right.wished = True
    stage.window.shell.left.width = 300
    # The offscreen platform has a screen of 800 x 800.
    stage.window.resize(780, 640)
    again = MainWindow(stage.theme)
    again.restore(stage.window.state())
    shape = (again.width(), again.height(), again.shell.left.width, again.shell.right.wished)
    again.deleteLater()
    assert shape == (780, 640, 300, True)


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"geometry": 7, "panels": []},
        {"geometry": "no base64!", "panels": {"left": ["x", None], "right": [True]}},
        {"geometry": "AAAA", "panels": {"left": [False, 10**9]}},
    ],
)
async def test_a_damaged_shape_does_no_harm(stage: Stage, damaged: dict[str, object]) -> None:
    stage.window.restore(damaged)
    await stage.begin()
    assert stage.window.composer.isVisible()
    assert stage.window.shell.left.width <= 460


async def test_every_menu_entry_does_something(stage: Stage) -> None:
    await stage.begin()
    idle = [
        action.text()
        for action in stage.window.findChildren(QAction)
        if action.menu() is None
        and not action.isSeparator()
        and action.objectName()
        and action.actionGroup() is None
        and not action.receivers("2triggered(bool)")
    ]
    assert idle == []


def test_a_line_takes_the_longest_wording_that_fits(qapp: QApplication) -> None:
    line = ElidedLabel()
    line.set_full_text("the whole long wording", "a shorter one")
    shown: dict[str, str] = {}
    for words in ("the whole long wording", "a shorter one", "a short"):
        line.resize(line.fontMetrics().horizontalAdvance(words) + 2, 20)
        line.resizeEvent(QResizeEvent(line.size(), line.size()))
        shown[words] = line.text()
    assert shown["the whole long wording"] == "the whole long wording"
    assert shown["a shorter one"] == "a shorter one"
    assert shown["a short"].startswith("a s")
    assert line.toolTip() == line.accessibleName() == "the whole long wording"


async def test_no_shortcut_is_given_twice(stage: Stage) -> None:
    await stage.begin()
    keys = [
        action.shortcut().toString(QKeySequence.SequenceFormat.PortableText)
        for action in stage.window.findChildren(QAction)
        if not action.shortcut().isEmpty()
    ]
    assert sorted(set(keys)) == sorted(keys)


async def test_theme_switches_live_and_is_kept(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    dark = next(a for a in stage.window.menus.themes.actions() if a.data() == "dark")
    dark.trigger()
    assert stage.theme.tokens is DARK
    assert QApplication.palette().window().color().name() == DARK.paper
    assert services.settings.current.appearance.theme == "dark"
    stage.window.menus.themes.actions()[1].trigger()
    assert stage.theme.tokens is LIGHT


@pytest.mark.parametrize(
    ("action", "title"), [("shortcuts", "Keyboard shortcuts"), ("about", "Lamplight")]
)
async def test_help_dialogs_open_and_close(stage: Stage, action: str, title: str) -> None:
    await stage.begin()
    getattr(stage.window.menus, action).trigger()
    dialog = stage.find(QDialog, title)
    assert dialog.isVisible()
    stage.find(QPushButton, "Close").click()
    assert not dialog.isVisible()
