"""The window's life: first paint, then the services; and at the end everything on disk."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app.domain.errors import AppError
from app.flow.tasks import TaskOwner
from app.gui.loop import LastResort, make_loop, on_signals
from app.gui.present.dialogs import error_dialog
from app.gui.present.report import trace_of
from app.gui.remember import Remembering
from app.gui.resources import resource
from app.gui.theme.keeper import ThemeKeeper
from app.gui.window import MainWindow

if TYPE_CHECKING:
    from app.gui.single_instance import InstanceServer
    from app.gui.wiring import Wiring
    from app.services import Services

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 3.0
"""The longest that closing may take; what is on the screen has been on disk before."""
_WATCHED_MODULES = ("llama_cpp", "numpy", "huggingface_hub", "keyring", "pygments", "markdown_it")


def _nothing_remembered() -> Mapping[str, Any]:
    return {}


def _remember_nothing(_state: Mapping[str, Any]) -> None:
    return


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What the window is given at its start."""

    profile_key: str
    """Names the profile among this user's; see `app.gui.single_instance`."""
    files: tuple[str, ...] = ()
    """Model files to open."""
    theme: str = "system"
    load_window_state: Callable[[], Mapping[str, Any]] = _nothing_remembered
    save_window_state: Callable[[Mapping[str, Any]], None] = _remember_nothing
    """JSON values; raises nothing the window would have to handle."""
    notices: Sequence[AppError] = field(default=())
    """Shown as banners; read when the services have started, which may add some."""


def run(
    start: Callable[[], Awaitable[Services]],
    stop: Callable[[], Awaitable[None]],
    options: WindowOptions,
) -> int:
    """Show the window until it is closed; the exit status.

    `start` is awaited after the first paint; `stop` at the end, if `start` was begun.
    """
    application = _application()
    loop = make_loop(application)
    with loop:
        return loop.run_until_complete(WindowLife(application, start, stop, options).live())


def show_error(error: AppError) -> None:
    """Say, in a window of its own, why there will be no window."""
    application = _application()
    theme = ThemeKeeper(application)
    theme.dress(application)
    dialog = error_dialog(error)
    dialog.finished.connect(application.quit)
    dialog.open()
    application.exec()


def _application() -> QApplication:
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Lamplight")
    application.setDesktopFileName("lamplight")
    application.setWindowIcon(QIcon(str(resource("icons/lamplight.svg"))))
    application.setQuitOnLastWindowClosed(False)
    return application


class WindowLife:
    """From the first paint to the last write."""

    def __init__(
        self,
        application: QApplication,
        start: Callable[[], Awaitable[Services]],
        stop: Callable[[], Awaitable[None]],
        options: WindowOptions,
    ) -> None:
        self._start = start
        self._stop = stop
        self._options = options
        self._remembered = dict(options.load_window_state())
        self._theme = ThemeKeeper(
            application,
            wish=options.theme,
            system_is_dark=self._remembered.get("system_is_dark") is True,
        )
        self._theme.dress(application)
        self.window = MainWindow(self._theme)
        self.window.restore(self._remembered)
        self._tasks = TaskOwner(self.window.presenter.report)
        self._last_resort = LastResort(self.window.presenter.report)
        self._remembering = Remembering(options.save_window_state, self._tasks)
        self._quit = asyncio.Event()
        self._painted = asyncio.Event()
        self._wiring: Wiring | None = None
        self._server: InstanceServer | None = None
        self.window.close_wished.connect(self._quit.set)
        self.window.painted_first.connect(self._on_painted)

    async def live(self) -> int:
        """Show, start, wait for the wish to close, stop."""
        loop = asyncio.get_running_loop()
        self._last_resort.install(loop)
        on_signals(loop, self._quit.set)
        self.window.show()
        starting = loop.create_task(self._bring_up(), name="start")
        await self._quit.wait()
        self._keep_shape()
        self.window.hide()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._take_down(starting)
        except TimeoutError:
            log.error("closing took longer than %s s and was cut short", _CLOSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - last resort: the window must close
            log.error("closing failed: %s", trace_of(error))
        gc.unfreeze()
        self._last_resort.remove()
        self.window.deleteLater()
        return 0

    def _on_painted(self) -> None:
        note = os.environ.get("LAMPLIGHT_FIRST_PAINT_FILE")
        if note:
            Path(note).write_text(json.dumps(first_paint_facts()), "utf-8")
        self._painted.set()

    async def _bring_up(self) -> None:
        await self._painted.wait()
        self._theme.watch_system()
        self._listen()
        # In another thread: the window would stand still for these 200 ms.
        wiring = await asyncio.to_thread(_import_wiring)
        try:
            services = await self._start()
        except AppError as error:
            self.window.presenter.trouble(error)
            return
        except Exception as error:  # noqa: BLE001 - last resort: the window stays and says so
            self.window.presenter.report(error)
            return
        for notice in self._options.notices:
            self.window.presenter.trouble(notice)
        self._wiring = wiring(self.window, services, self._tasks)
        # A conversation must be found again even where the window does not close well.
        self._wiring.chat.shown.connect(self._keep_shape)
        self._wiring.begin(self._remembered, list(self._options.files))
        self._tasks.spawn(self._settle(), "settle")

    async def _settle(self) -> None:
        """Do now what would make the window stand still in the first answer.

        What there is by now stays to the end. Frozen, it is left out when the garbage collector
        walks through all objects: 50,000, that is 20 ms, some time in an answer.
        """
        from app.gui.transcript.readiness import import_readers

        gc.freeze()
        await asyncio.to_thread(import_readers)
        gc.freeze()

    def _listen(self) -> None:
        from app.gui.single_instance import InstanceServer

        self._server = InstanceServer(self._options.profile_key, self.window)
        self._server.asked.connect(self._on_asked)
        if not self._server.listen():
            log.warning("later starts cannot be heard")

    def _on_asked(self, files: list[str]) -> None:
        self.window.come_forward()
        if files:
            self.window.files_dropped.emit(files)

    def _keep_shape(self, _conversation_id: int | None = None) -> None:
        state = {"system_is_dark": self._theme.system_is_dark, **self.window.state()}
        if self._wiring is not None:
            state |= self._wiring.state()
        self._remembering.note(state)

    async def _take_down(self, starting: asyncio.Task[None]) -> None:
        if self._server is not None:
            self._server.close()
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
        try:
            if self._wiring is not None:
                await self._wiring.finish()
        except AppError as error:
            log.error("a draft could not be kept: %s", error.kind)
        await self._remembering.finish()
        await self._tasks.cancel_all()
        if self._painted.is_set():
            await self._stop()


def _import_wiring() -> type[Wiring]:
    from app.gui.wiring import Wiring

    return Wiring


def first_paint_facts() -> dict[str, Any]:
    """When the window was first painted, what it took, and which heavy modules were there."""
    return {
        "monotonic": time.monotonic(),
        "processor": time.process_time(),
        "rss": _resident_bytes(),
        "modules": [name for name in _WATCHED_MODULES if name in sys.modules],
    }


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        import psutil

        return psutil.Process().memory_info().rss
    return pages * os.sysconf("SC_PAGE_SIZE")
