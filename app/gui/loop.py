"""The event loop that Qt and asyncio share, and the last resort for our own mistakes."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from qasync import QEventLoop

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

log = logging.getLogger(__name__)
qt_log = logging.getLogger("app.gui.qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def make_loop(application: QApplication) -> QEventLoop:
    """The loop, with a pool of its own: qasync's is made of QThreads and is joined at the end."""
    loop = QEventLoop(application)
    loop.set_default_executor(ThreadPoolExecutor(4, thread_name_prefix="window-io"))
    asyncio.set_event_loop(loop)
    return loop


def on_signals(loop: asyncio.AbstractEventLoop, quit_wished: Callable[[], None]) -> None:
    """Ctrl+C in the terminal and the end of the session close the window as its button does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, quit_wished)
        except NotImplementedError:
            # Windows: the handler runs when Python next has control.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(quit_wished))


class LastResort:
    """Hears every exception that nobody caught, as long as it is installed."""

    def __init__(self, show: Callable[[BaseException], None]) -> None:
        self._show = show
        self._showing = False

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the hooks of Python, of the threads, of asyncio and of Qt."""
        sys.excepthook = self._on_exception
        loop.set_exception_handler(self._on_loop)
        threading.excepthook = lambda arguments: loop.call_soon_threadsafe(
            self._tell, arguments.exc_value
        )
        qInstallMessageHandler(_on_qt_message)

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        self._tell(error)

    def _on_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._tell(error)
        else:
            log.error("event loop: %s", context.get("message", ""))

    def _tell(self, error: BaseException | None) -> None:
        # What fails while a failure is shown must not be shown again, without end.
        if error is None or self._showing:
            return
        self._showing = True
        try:
            self._show(error)
        finally:
            self._showing = False


def _on_qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", message)
