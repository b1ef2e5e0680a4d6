"""What tests of the window share: asynchronous tests in Qt's loop, and a stage with fakes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent

from app.gui.loop import make_loop
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

_SECONDS = 30
# What the offscreen platform cannot do, and says.
_OFFSCREEN = "This plugin does not support"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Asynchronous tests need the loop; what offscreen cannot do is no fault."""
    for item in items:
        if not item.nodeid.startswith("tests/gui/"):
            continue
        item.add_marker(pytest.mark.qt_log_ignore(_OFFSCREEN))
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            # Last, so that it is gone when the guards look for what was left behind.
            item.fixturenames.append("qt_loop")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an asynchronous test in the loop that Qt and asyncio share."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    loop = pyfuncitem.funcargs["qt_loop"]
    assert isinstance(loop, asyncio.AbstractEventLoop)
    stage = pyfuncitem.funcargs.get("stage")

    async def play() -> None:
        await asyncio.wait_for(pyfuncitem.obj(**arguments), _SECONDS)
        if isinstance(stage, Stage):
            # Here already: between this and the fixture's end pytest-qt lets Qt work, and a timer
            # of the window would then find no running loop.
            await stage.end()

    loop.run_until_complete(play())
    return True


@pytest.fixture
def qt_loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of the test's own."""
    loop = make_loop(qapp)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def services() -> FakeServices:
    """Two models and no conversation; tests add what they need before they raise the curtain."""
    return FakeServices()


@pytest.fixture
def stage(
    qapp: QApplication, qt_loop: asyncio.AbstractEventLoop, services: FakeServices
) -> Iterator[Stage]:
    """The window with fake services; `await stage.begin()` shows it."""
    made = Stage(qapp, services)
    yield made
    qt_loop.run_until_complete(made.end())
    made.window.deleteLater()
    made.theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
