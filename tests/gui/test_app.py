"""The life of the window: first paint, services after it, and a close that loses nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest

from app.domain.errors import SettingsDamaged, StoreDamaged
from app.gui.app import WindowLife, WindowOptions
from app.gui.single_instance import InstanceServer, files_in, server_name
from app.services import Services
from tests.helpers.guards import ExpectedLogs
from tests.helpers.gui_services import FakeServices, Script

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


class Life:
    """A window life over fakes, and what happened in which order."""

    def __init__(self, qapp: QApplication, services: FakeServices, key: str) -> None:
        self.order: list[str] = []
        self.saved: Mapping[str, Any] = {}
        self.start_error: Exception | None = None
        self.stop_seconds = 0.0
        self.stop_error: Exception | None = None
        self.services = services
        self.notices = [SettingsDamaged("Some settings were not understood", "", "They are reset.")]
        options = WindowOptions(
            profile_key=key,
            theme="light",
            save_window_state=self._save,
            notices=self.notices,
        )
        self.life = WindowLife(qapp, self._start, self._stop, options)
        self.window = self.life.window
        self.window.painted_first.connect(lambda: self.order.append("painted"))

    def _save(self, state: Mapping[str, Any]) -> None:
        self.saved = state

    async def _start(self) -> Services:
        self.order.append("start")
        if self.start_error is not None:
            raise self.start_error
        return self.services.as_services()

    async def _stop(self) -> None:
        self.order.append("stop")
        await asyncio.sleep(self.stop_seconds)
        if self.stop_error is not None:
            raise self.stop_error

    async def until(self, condition: Any) -> None:
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("waited in vain")


@pytest.fixture
def life(
    qapp: QApplication, services: FakeServices, tmp_path: Path, expected_logs: ExpectedLogs
) -> Life:
    # Qt's own messages go to the log here, what the offscreen platform cannot do among them.
    expected_logs.allow("This plugin does not support")
    return Life(qapp, services, str(tmp_path))


def clean() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


async def test_services_start_after_the_first_paint(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "paint.json"
    monkeypatch.setenv("LAMPLIGHT_FIRST_PAINT_FILE", str(note))
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    assert life.order == ["painted", "start"]
    assert json.loads(note.read_text("utf-8"))["rss"] > 1_000_000
    assert [e.title for e in life.window.banners.errors()] == [life.notices[0].title]
    life.window.close()
    assert await running == 0
    assert life.order == ["painted", "start", "stop"]
    clean()


async def test_what_lasts_is_left_out_of_garbage_collections(life: Life) -> None:
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: gc.get_freeze_count() > 10_000)
    life.window.close()
    assert await running == 0
    assert gc.get_freeze_count() == 0
    clean()


async def test_close_while_answering_keeps_the_draft(life: Life, services: FakeServices) -> None:
    services.chat.scripts.append(Script(gate=asyncio.Event()))
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    field = life.window.composer.field
    field.insertPlainText("question")
    QTest.keyClick(field, Qt.Key.Key_Return)
    await life.until(lambda: services.chat.is_answering(1))
    field.insertPlainText("next thought")
    life.window.close()
    assert await running == 0
    assert services.conversations.kept[1].conversation.draft == "next thought"
    assert life.saved["conversation"] == 1
    for task in tuple(services.chat.tasks):
        task.cancel()
    clean()


async def test_close_right_after_enter_loses_nothing(life: Life, services: FakeServices) -> None:
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    services.chat.send_gate = asyncio.Event()
    field = life.window.composer.field
    field.insertPlainText("just in time")
    QTest.keyClick(field, Qt.Key.Key_Return)
    life.window.close()
    await asyncio.sleep(0.05)
    services.chat.send_gate.set()
    assert await running == 0
    assert services.conversations.kept[1].messages[0].text == "just in time"
    for task in tuple(services.chat.tasks):
        task.cancel()
    clean()


async def test_a_stop_that_hangs_is_cut_short(
    life: Life, monkeypatch: pytest.MonkeyPatch, expected_logs: ExpectedLogs
) -> None:
    expected_logs.expect("cut short")
    monkeypatch.setattr("app.gui.app._CLOSE_SECONDS", 0.2)
    life.stop_seconds = 60
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    life.window.close()
    assert await running == 0
    clean()


async def test_a_stop_that_fails_closes_all_the_same(
    life: Life, expected_logs: ExpectedLogs
) -> None:
    expected_logs.expect("closing failed: LookupError")
    life.stop_error = LookupError("secret")
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    life.window.close()
    assert await running == 0
    clean()


async def test_a_failed_start_is_a_banner_and_the_window_lives(life: Life) -> None:
    life.start_error = StoreDamaged("The conversations cannot be read", "", "Restore a copy.")
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.banners.errors())
    assert life.window.isVisible()
    life.window.close()
    assert await running == 0
    clean()


async def test_what_nobody_caught_is_shown(life: Life, expected_logs: ExpectedLogs) -> None:
    expected_logs.expect("unexpected: ZeroDivisionError")
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    title = "Something went wrong in Lamplight."
    await life.until(lambda: title in [e.title for e in life.window.banners.errors()])
    life.window.close()
    assert await running == 0
    clean()


async def second_start(key: str, *files: str) -> bool:
    """Another process hands its files over; whether the first window heard."""
    code = "import sys; from app.gui.single_instance import forward; "
    code += "sys.exit(0 if forward(sys.argv[1], sys.argv[2:]) else 1)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, key, *files)
    return await process.wait() == 0


async def test_a_second_start_hands_over_its_files(
    life: Life, services: FakeServices, tmp_path: Path
) -> None:
    running = asyncio.ensure_future(life.life.live())
    await life.until(lambda: life.window.inspector.isEnabled())
    assert await second_start(str(tmp_path), "/models/a.gguf")
    await life.until(lambda: services.models.opened == ["/models/a.gguf"])
    life.window.close()
    await running
    assert not await second_start(str(tmp_path))
    clean()


async def test_nonsense_on_the_socket_is_ignored(tmp_path: Path) -> None:
    server = InstanceServer(str(tmp_path))
    asked: list[list[str]] = []
    server.asked.connect(asked.append)
    assert server.listen()
    reader, writer = await asyncio.open_unix_connection(_socket_path(str(tmp_path)))
    writer.write(b"hello\n")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert asked == []
    server.close()


def _socket_path(key: str) -> str:
    name = server_name(key)
    return name if name.startswith("/") else str(Path("/tmp", name))


@pytest.mark.parametrize("line", [b"", b"[]", b'{"files": [1]}', b'{"files": "x"}', b"\xff"])
def test_only_lists_of_names_are_files(line: bytes) -> None:
    assert files_in(line) is None
    assert files_in(b'{"files": ["a", "b"]}') == ["a", "b"]
