"""Theme: icons, style sheet, and following the system."""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon

from app.gui.resources import resource
from app.gui.theme.icons import LineIconEngine
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.stylesheet import stylesheet_of
from app.gui.theme.system_scheme import SystemScheme, has_session_bus
from app.gui.theme.tokens import DARK, LIGHT

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

_SOURCES = Path(__file__).parents[2] / "app" / "gui"
_OWN_ICONS = {"lamplight", "stop"}
_PORTAL = Path(__file__).parents[1] / "helpers" / "fake_portal.py"


def ink(icon: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> QColor:
    """The colour of the darkest (most opaque) pixel."""
    image = icon.pixmap(QSize(24, 24), 1.0, mode).toImage()
    pixels = [image.pixelColor(x, y) for x in range(24) for y in range(24)]
    return max(pixels, key=QColor.alpha)


def test_icons_have_the_colour_of_their_token_and_follow_the_theme(qapp: QApplication) -> None:
    keeper = ThemeKeeper(wish="light")
    icon = keeper.icon("check", "accent")
    assert ink(icon).name() == LIGHT.accent
    keeper.set_wish("dark")
    assert ink(icon).name() == DARK.accent
    assert ink(icon, QIcon.Mode.Disabled).alpha() < 140


def test_icons_outlive_what_made_them(qapp: QApplication) -> None:
    keeper = ThemeKeeper(wish="light")
    icons = [QIcon(keeper.icon("x")) for _ in range(20)]
    gc.collect()
    copies = [QIcon(icon) for icon in icons]
    del icons
    gc.collect()
    assert {ink(icon).name() for icon in copies} == {LIGHT.text}


def test_a_clone_draws_the_same(qapp: QApplication) -> None:
    engine = LineIconEngine("x", lambda: QColor(LIGHT.danger))
    size, mode, state = QSize(24, 24), QIcon.Mode.Normal, QIcon.State.Off
    first = engine.pixmap(size, mode, state).toImage()
    assert engine.clone().pixmap(size, mode, state).toImage() == first


def test_every_icon_is_used_and_every_used_one_is_there() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in _SOURCES.rglob("*.py"))
    folder = resource("icons")
    there = {path.stem for path in folder.glob("*.svg")}
    unused = {name for name in there if f'"{name}"' not in sources} - {"lamplight"}
    assert unused == set()
    named = set(re.findall(r'\bicon\(\s*"([a-z0-9-]+)"', sources))
    assert named <= there
    assert (folder / "LICENSE-lucide.txt").is_file()


def test_icons_are_lucide_unchanged() -> None:
    for path in resource("icons").glob("*.svg"):
        if path.stem not in _OWN_ICONS:
            assert "lucide-static" in path.read_text("utf-8"), path.name


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
def test_the_style_sheet_has_no_colour_of_its_own(qapp: QApplication, tokens: object) -> None:
    assert isinstance(tokens, type(LIGHT))
    sheet = stylesheet_of(tokens)
    assert "$" not in sheet
    before = qapp.styleSheet()
    qapp.setStyleSheet(sheet)
    qapp.setStyleSheet(before)


def test_only_the_wish_system_follows_the_system(qapp: QApplication) -> None:
    keeper = ThemeKeeper(wish="system", system_is_dark=True)
    assert keeper.tokens is DARK
    told: list[object] = []
    keeper.changed.connect(told.append)
    keeper._on_system(False)
    assert keeper.tokens is LIGHT
    keeper.set_wish("light")
    keeper._on_system(True)
    assert keeper.tokens is LIGHT
    keeper.set_wish("nonsense")
    assert keeper.tokens is DARK
    assert told == [LIGHT, DARK]


def test_without_a_bus_nothing_is_asked(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    assert not has_session_bus()
    scheme = SystemScheme()
    heard: list[bool] = []
    scheme.changed.connect(heard.append)
    if sys.platform.startswith("linux"):
        scheme.watch()
        assert heard == []


@pytest.mark.skipif(
    shutil.which("dbus-run-session") is None, reason="needs a D-Bus daemon to start"
)
def test_the_portal_is_asked_and_heard() -> None:
    """A real bus, a portal of our own that says dark and then light, and a keeper beside it."""
    command = ["dbus-run-session", "--", sys.executable, str(_PORTAL)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    if "no module" in done.stdout:
        pytest.skip("the system's Python has no D-Bus binding")
    assert done.stdout.split() == ["dark", "light"], done.stderr
