"""The page `Models` with the library in front, as a test drives it."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QLabel,
    QPushButton,
)

from app.domain.library import Capability, LibraryEntry, Origin, Refusal
from app.gui.library.panel import LibraryPanel
from app.gui.pages import MODELS
from tests.helpers.gui_library import library_entry, refused_file
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

OWN = library_entry("Qwen3 8B", sha256="ab" * 32, source="ada/Qwen3-8B-GGUF", licence="mit")
THEIRS = library_entry("Llama 3.2", origin=Origin.OLLAMA, source="llama3.2:3b")
EMBEDDING = library_entry("Nomic", capabilities=frozenset({Capability.EMBEDDING}))
BROKEN = refused_file("Phi-4.gguf", Refusal.DAMAGED)


async def begin(
    stage: Stage,
    services: FakeServices,
    *entries: LibraryEntry,
    size: tuple[int, int] = (1100, 760),
) -> LibraryPanel:
    """The page `Models` with these in the library."""
    services.library.entries = entries or (OWN, THEIRS, EMBEDDING)
    services.library.refused = (BROKEN,)
    services.models.models = tuple(entry.model for entry in services.library.entries)
    await stage.begin(size=size)
    assert stage.wiring is not None
    stage.window.pages.go(MODELS)
    stage.wiring.models.page.show_part("Library")
    panel = stage.wiring.models.library_panel
    await stage.until(panel.isVisible)
    return panel


def shown(panel: LibraryPanel) -> list[str]:
    """The rows from top to bottom."""
    return [panel.rows.index(number).data() for number in range(panel.rows.rowCount())]


def fact(stage: Stage, name: str) -> str:
    """A value of the details."""
    return text(stage, f"Fact: {name}")


def text(stage: Stage, name: str) -> str:
    """What a label says, without the invisible places to break it."""
    return stage.find(QLabel, name).text().replace("\u200b", "")


def button(stage: Stage, name: str) -> QPushButton:
    return stage.find(QPushButton, name)
