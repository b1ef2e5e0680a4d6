"""Guards that hold for every test: what a test leaves behind or touches by mistake fails it.

Autouse fixtures, loaded by tests/conftest.py:

* `profile`        the application's folders lie in the test's own temporary folder
* `network_guard`  no name is looked up and no address is reached but this machine's own
* `leak_guard`     no thread and no child process outlives the test
* `expected_logs`  no WARNING or worse from `app.*` that the test did not announce
* `qt_guard`       (tests/gui) no top-level widget and no running QTimer outlives the test

A thread, process or widget made by a fixture of a wider scope is there before the test begins and
is therefore not counted against it.
"""

from __future__ import annotations

import gc
import ipaddress
import logging
import re
import sys
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QWidget

# How long something may take to end after the test has let go of it.
GRACE_SECONDS = 2.0


# ------------------------------------------------------------------------------------- profile


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a profile folder of its own, and no way to the person's keyring."""
    folder = tmp_path / "profile"
    monkeypatch.setenv("LAMPLIGHT_HOME", str(folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return folder


# ------------------------------------------------------------------------------------- network


class NetworkTouched(BaseException):
    """Raised inside the call that would have left the machine.

    Not an Exception, so that no handler of the code under test can swallow it.
    """


class _NetworkWatch:
    """An audit hook (those cannot be taken out again, so there is one, and it can be off)."""

    def __init__(self) -> None:
        self.touched: list[str] | None = None
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self.touched is None or not event.startswith("socket."):
            return
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = args[1]
            outside = isinstance(address, tuple) and not is_this_machine(address[0])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            address = args[0]
            outside = not is_this_machine(address)
        else:
            return
        if outside:
            self.touched.append(f"{event} {address!r}")
            raise NetworkTouched(f"{event} {address!r}")


def is_this_machine(host: object) -> bool:
    """Tell whether a host, as given to the socket module, is this machine itself."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or not isinstance(host, str):
        return host is None
    if host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    # The unspecified address is what a server binds to, and connecting to it stays here too.
    return address.is_loopback or address.is_unspecified


_network_watch = _NetworkWatch()


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[list[str]]:
    """Fail the test if it reached for the network, even if the code under test hid the error.

    Python's sockets only: Qt's network classes are kept out of the application by
    tests/unit/test_architecture.py.
    """
    touched: list[str] = []
    _network_watch.touched = touched
    try:
        yield touched
    finally:
        _network_watch.touched = None
    if touched:
        pytest.fail("the test reached for the network: " + "; ".join(touched))


# --------------------------------------------------------------------------- threads, processes

# Threads and processes that belong to tools and not to the code under test.
_TOOL_THREADS = ("pytest_timeout",)
_TOOL_PROCESSES = (
    # One per interpreter, started by multiprocessing when first needed and ended with it.
    "multiprocessing.resource_tracker",
)


@pytest.fixture(autouse=True)
def leak_guard() -> Iterator[None]:
    """Fail the test if a thread or a child process that it started is still there at its end."""
    threads = set(threading.enumerate())
    children = _children()
    yield
    left = _wait_until_gone(lambda: _new_threads(threads))
    left += _wait_until_gone(lambda: _new_children(children))
    if left:
        pytest.fail("the test left behind: " + "; ".join(left))


def _new_threads(before: Iterable[threading.Thread]) -> list[str]:
    known = set(before)
    return [
        f"thread {thread.name!r}{' (daemon)' if thread.daemon else ''}"
        for thread in threading.enumerate()
        if thread not in known and thread.is_alive() and not thread.name.startswith(_TOOL_THREADS)
    ]


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def _new_children(before: set[int]) -> list[str]:
    found: list[str] = []
    for child in psutil.Process().children(recursive=True):
        if child.pid in before:
            continue
        try:
            # A zombie has ended; whether its parent has asked for its status is another matter.
            if child.status() == psutil.STATUS_ZOMBIE:
                continue
            command = " ".join(child.cmdline()) or child.name()
        except psutil.NoSuchProcess:
            continue
        if not any(tool in command for tool in _TOOL_PROCESSES):
            found.append(f"process {child.pid} ({command[:200]})")
    return found


def _wait_until_gone(look: Callable[[], list[str]]) -> list[str]:
    deadline = time.monotonic() + GRACE_SECONDS
    left = look()
    while left and time.monotonic() < deadline:
        time.sleep(0.01)
        left = look()
    return left


# ---------------------------------------------------------------------------------------- logs


class ExpectedLogs(logging.Handler):
    """What `app.*` logged at WARNING or above, and which of it the test announced."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self._allowed: list[re.Pattern[str]] = []
        self._wanted: list[re.Pattern[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record for the end of the test."""
        self.records.append(record)

    def allow(self, pattern: str) -> None:
        """Let messages matching `pattern` (a regular expression, searched) pass if they come."""
        self._allowed.append(re.compile(pattern))

    def expect(self, pattern: str) -> None:
        """Demand at least one message matching `pattern` (searched) by the end of the test."""
        self.allow(pattern)
        self._wanted.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """Return one line for each unexpected record and each expected one that never came."""
        messages = [record.getMessage() for record in self.records]
        unexpected = [
            f"unexpected log line: {record.levelname} {record.name}: {message}"
            for record, message in zip(self.records, messages, strict=True)
            if not any(pattern.search(message) for pattern in self._allowed)
        ]
        absent = [
            f"expected log line never came: {pattern.pattern}"
            for pattern in self._wanted
            if not any(pattern.search(message) for message in messages)
        ]
        return unexpected + absent


@pytest.fixture(autouse=True)
def expected_logs() -> Iterator[ExpectedLogs]:
    """Fail the test on an unannounced warning; a test asks for this fixture to announce one."""
    logger = logging.getLogger("app")
    watch = ExpectedLogs()
    logger.addHandler(watch)
    yield watch
    logger.removeHandler(watch)
    complaints = watch.complaints()
    if complaints:
        pytest.fail("\n".join(complaints))


# ------------------------------------------------------------------------------------------ Qt


@pytest.fixture(autouse=True)
def qt_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of the window if it leaves a top-level widget or a running timer."""
    if request.node.get_closest_marker("gui") is None or "PySide6" not in sys.modules:
        yield
        return
    from PySide6.QtWidgets import QApplication

    widgets = set(map(id, QApplication.topLevelWidgets()))
    with _watched_timers() as timers:
        yield
        left = _qt_leftovers(widgets, timers)
        if left:
            # A cycle between a widget and a closure is collected now, not at a chance moment.
            gc.collect()
            left = _qt_leftovers(widgets, timers)
    if left:
        pytest.fail("the test left behind: " + "; ".join(left))


def _qt_leftovers(before: set[int], timers: weakref.WeakSet[QTimer]) -> list[str]:
    import shiboken6
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [_describe(widget) for widget in _new_widgets(QApplication.topLevelWidgets(), before)]
    left += [
        f"running QTimer {timer.objectName()!r} of {timer.parent()!r}"
        for timer in list(timers)
        if shiboken6.isValid(timer) and timer.isActive()
    ]
    return left


def _new_widgets(widgets: Iterable[QWidget], before: set[int]) -> list[QWidget]:
    return [widget for widget in widgets if id(widget) not in before]


def _describe(widget: QWidget) -> str:
    return f"widget {type(widget).__qualname__} {widget.objectName()!r}"


@contextmanager
def _watched_timers() -> Iterator[weakref.WeakSet[QTimer]]:
    # Qt has no list of its timers; every start from Python passes here.
    from PySide6.QtCore import QTimer

    started: weakref.WeakSet[QTimer] = weakref.WeakSet()
    original = QTimer.start

    def start(timer: QTimer, *args: Any) -> None:
        started.add(timer)
        original(timer, *args)

    QTimer.start = start
    try:
        yield started
    finally:
        QTimer.start = original
