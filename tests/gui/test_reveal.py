"""Showing a file where it lies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QDesktopServices

from app.gui.present import reveal
from app.gui.present.reveal import Revealer

if TYPE_CHECKING:
    from PySide6.QtCore import QUrl
    from pytestqt.qtbot import QtBot

_FILE_MANAGER = Path(__file__).parents[1] / "helpers" / "fake_file_manager.py"


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("dbus-run-session"), reason="needs a session bus"
)
def test_the_file_manager_of_the_desktop_is_asked_for_the_file() -> None:
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, str(_FILE_MANAGER), "/tmp/a folder/modèle.gguf"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    if done.stdout.strip() == "no module":
        pytest.skip("the system's Python has no D-Bus binding")
    assert done.stdout.strip() == "file:///tmp/a%20folder/mod%C3%A8le.gguf", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems are always there")
@pytest.mark.parametrize("opens", [True, False])
def test_without_one_its_folder_is_opened(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opens: bool
) -> None:
    opened: list[str] = []

    def open_url(address: QUrl) -> bool:
        opened.append(address.toLocalFile())
        return opens

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    monkeypatch.setattr(reveal, "has_session_bus", lambda: False)
    revealer, missing = Revealer(), list[str]()
    revealer.unable.connect(missing.append)
    revealer.show(str(tmp_path / "model.gguf"))
    assert opened == [str(tmp_path)]
    assert missing == ([] if opens else [str(tmp_path / "model.gguf")])
