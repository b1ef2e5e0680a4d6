"""Run the real application with a scenario inside it that uses the window as a person would."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from app import bootstrap
from app.cli.commands import OpenWindow
from app.gui.window import MainWindow

if TYPE_CHECKING:
    from app.services import Services

Scenario = Callable[[MainWindow, "Services"], Awaitable[None]]


def run_driven(scenario: Scenario, profile: str, files: tuple[str, ...] = ()) -> int:
    """Open the window on a profile and play the scenario once its services have started.

    A scenario that fails ends the process with status 70 and its traceback.
    """
    playing: list[asyncio.Task[None]] = []
    start = bootstrap.Application.start_for_window

    async def start_driven(self: bootstrap.Application) -> Services:
        services = await start(self)
        task = asyncio.get_running_loop().create_task(_play(scenario, services))
        playing.append(task)
        return services

    bootstrap.Application.start_for_window = start_driven
    return bootstrap.run(OpenWindow(profile, files))


async def _play(scenario: Scenario, services: Services) -> None:
    try:
        # The window connects itself to the services in the turn after they have started.
        await asyncio.sleep(0.01)
        await scenario(main_window(), services)
    except BaseException:  # noqa: BLE001 - last resort: nobody else would hear of it
        sys.excepthook = sys.__excepthook__
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


def main_window() -> MainWindow:
    """The one window."""
    (found,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait until the window shows something; whoever started this process has the time limit."""
    while not condition():
        await asyncio.sleep(0.005)


def tell(*line: object) -> None:
    """A JSON list on a line of standard output, whole even if the process is killed next."""
    os.write(1, json.dumps(line).encode() + b"\n")
