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

from app.gui.controls import AnyWidget
from app.gui.discover.panel import DiscoverPanel
from app.gui.library.panel import LibraryPanel
from app.gui.models_page import LIBRARY, ModelsPage
from app.gui.pages import MODELS
from tests.bench.display import screen
from tests.helpers.driven_app import run_driven, until
from tests.helpers.gguf_files import starter_file
from tests.helpers.hub_server import FakeRepo, HubServer

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
REPO = "author/SmolLM2-135M-Instruct-GGUF"
SHOWN = "SmolLM2-135M-Instruct-Q4_1.gguf"
FILES = {SHOWN: 64, "SmolLM2-135M-Instruct-Q8_0.gguf": 47_000_000}
"""Bytes by which a variant is larger than the starter model, whose bytes both of them have."""
CARD = """
A small model for short texts and for trying things out. It runs on any computer of the last years.

- **Languages:** English
- **Context:** 8,192 tokens
"""
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
    await take(window, "window")
    await discover(window)
    await take(window, "discover")
    await library(window)
    await take(window, "library")
    window.close()


async def take(window: MainWindow, name: str) -> None:
    """One picture in each theme."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        window.theme.set_wish(theme)
        await asyncio.sleep(0.6)
        window.grab().save(str(IMAGES / f"{name}-{theme}.png"))


async def discover(window: MainWindow) -> None:
    """Search, open a repository, and look at what a variant of it takes."""
    window.pages.go(MODELS)
    panel = part(window, DiscoverPanel)
    QTest.keyClicks(panel.browser.field, "smol")
    await until(lambda: len(panel.browser.found.rows) == 3)
    QTest.keyClick(panel.browser.field, Qt.Key.Key_Down)
    QTest.keyClick(panel.browser.view, Qt.Key.Key_Return)
    await until(lambda: panel.page.card.text)
    row = panel.page.variants.rows[SHOWN]
    row.main.click()
    await until(panel.fit.context.isVisible)
    row.download.click()
    await until(row.use.isVisible)
    window.toast.hide()


def part(window: MainWindow, kind: type[AnyWidget]) -> AnyWidget:
    """The one of its kind in the window."""
    found = window.findChild(kind)
    assert found is not None
    return found


async def library(window: MainWindow) -> None:
    """What was fetched, with its details."""
    page, panel = part(window, ModelsPage), part(window, LibraryPanel)
    page.show_part(LIBRARY, focus=True)
    await until(lambda: panel.rows.rowCount() == 2)
    QTest.keyClick(panel.list, Qt.Key.Key_Home)
    await asyncio.sleep(1)


def offer(hub: HubServer) -> None:
    """What the pictures show of a hub."""
    content = starter_file().read_bytes()
    files = {name: content + bytes(more) for name, more in FILES.items()}
    hub.add(FakeRepo(REPO, files, card=CARD))
    for name in ("SmolLM2-360M-Instruct-GGUF", "SmolLM2-1.7B-Instruct-GGUF"):
        hub.add(FakeRepo(f"author/{name}", {f"{name}.gguf": content}))


async def ask(window: MainWindow, services: Services, question: str) -> None:
    """Type, send, and wait for the whole answer."""
    window.composer.set_text(question)
    QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
    await until(lambda: len(window.transcript.entries) >= 2)
    await until(lambda: not window.transcript.entries[-1].is_live)
    await asyncio.sleep(0.3)


def main() -> int:
    """Take the pictures on a display of our own; the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="lamplight-") as profile,
        HubServer() as hub,
        screen() as environment,
    ):
        offer(hub)
        os.environ.update({**environment, "HF_ENDPOINT": hub.address})
        return run_driven(pose, profile)


if __name__ == "__main__":
    sys.exit(main())
