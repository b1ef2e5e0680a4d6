"""The pictures in docs/images, taken from the real window with the real starter model.

python3 dev.py screenshots        (in the environment: python -m tests.screenshots)
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.bench.display import screen
from tests.helpers.driven_app import run_driven, until

if TYPE_CHECKING:
    from app.gui.window import MainWindow
    from app.services import Services

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1200, 800)
EARLIER = (
    "What is a good name for a small black cat?",
    "Translate “good morning” into French, German and Italian.",
    "Give me three ideas for a quiet evening at home",
)
QUESTION = (
    "Write a short Python function that returns the sum of a list of numbers, with an example."
)


async def pose(window: MainWindow, services: Services) -> None:
    """Hold a few conversations and take the pictures."""
    window.resize(*SIZE)
    chat = replace(services.settings.current.chat, max_tokens=48, temperature=0.2)
    services.settings.change(replace(services.settings.current, chat=chat))
    for question in EARLIER:
        await ask(window, services, question)
        window.menus.new.trigger()
        await until(lambda: not window.transcript.entries)
    newest = await services.conversations.fresh()
    sampling = replace(newest.params.sampling, temperature=0.0)
    params = replace(newest.params, sampling=sampling, max_tokens=220)
    await services.conversations.set_params(newest.id, params)
    await ask(window, services, QUESTION)
    IMAGES.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        window.theme.set_wish(theme)
        await asyncio.sleep(0.6)
        window.grab().save(str(IMAGES / f"window-{theme}.png"))
    window.close()


async def ask(window: MainWindow, services: Services, question: str) -> None:
    """Type, send, and wait for the whole answer."""
    window.composer.set_text(question)
    QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
    await until(lambda: len(window.transcript.entries) >= 2)
    await until(lambda: not window.transcript.entries[-1].is_live)
    await asyncio.sleep(0.3)


def main() -> int:
    """Take the pictures on a display of our own; the exit status."""
    with tempfile.TemporaryDirectory() as profile, screen() as environment:
        os.environ.update(environment)
        return run_driven(pose, profile)


if __name__ == "__main__":
    sys.exit(main())
