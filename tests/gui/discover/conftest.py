"""The window at the part `Discover` of the page `Models`, before a scripted hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.hub import CuratedList, CuratedRepo
from app.gui.discover.panel import DiscoverPanel
from app.gui.pages import MODELS
from tests.helpers.hub_repos import repo, usual

if TYPE_CHECKING:
    from app.gui.discover.variant_row import VariantRow
    from tests.helpers.gui_services import FakeServices
    from tests.helpers.gui_stage import Stage
    from tests.helpers.scripted_hub import ScriptedHub

QWEN = "Qwen/Qwen3-8B-GGUF"
LARGE = "bartowski/Llama-3.1-70B-GGUF"
GATED = "google/Gated-4B-GGUF"


@dataclass
class Scene:
    """What a test of Discover has in its hands."""

    stage: Stage
    services: FakeServices

    @property
    def hub(self) -> ScriptedHub:
        return self.services.offers

    @property
    def panel(self) -> DiscoverPanel:
        return self.stage.find(DiscoverPanel, "Discover")

    async def begin(self, width: int = 1200) -> None:
        """Show the page, as by its button."""
        await self.stage.begin(size=(width, 760))
        self.stage.window.pages.go(MODELS)
        await self.stage.settle()

    async def search(self, text: str) -> None:
        """Type it and press Enter, and wait for the answer."""
        asked = len(self.searches)
        self.panel.browser.field.setText(text)
        self.panel.browser.field.returnPressed.emit()
        await self.stage.until(lambda: len(self.searches) > asked)
        await self.stage.settle()

    async def open(self, repo_id: str) -> None:
        """Search for a repository and open its page."""
        await self.search(repo_id)
        row = self.panel.browser.found.row_of(repo_id)
        assert row is not None
        self.panel.browser.view.clicked.emit(self.panel.browser.found.index(row))
        await self.stage.until(lambda: self.rows)
        await self.stage.settle()

    @property
    def searches(self) -> list[tuple[Any, ...]]:
        """Query and page of each."""
        return [each[1:] for each in self.hub.asked if each[0] == "search"]

    @property
    def names(self) -> list[str]:
        """The repositories in the list."""
        return [row.repo_id for row in self.panel.browser.found.rows]

    @property
    def rows(self) -> dict[str, VariantRow]:
        """Of the repository's page, by the shown name."""
        return {row.main.objectName(): row for row in self.panel.page.variants.rows.values()}

    def shown_variants(self) -> list[str]:
        """The names of the variants that are to be seen."""
        return [name for name, row in self.rows.items() if row.isVisible()]


@pytest.fixture
def scene(stage: Stage, services: FakeServices) -> Scene:
    """Three repositories on the hub, one proposal beside them."""
    repos = (
        usual(QWEN, "Q2_K", "Q3_K_M", "Q4_0", "Q4_K_M", "Q6_K", "Q8_0", "BF16"),
        usual(LARGE, "Q4_K_M", billions=70.6),
        repo(GATED, ("g-Q8_0.gguf", 4_300_000_000), gated=True, parameters=4_000_000_000),
    )
    services.offers.repos = {each.summary.repo_id: each for each in repos}
    services.offers.files = {
        file.path: bytes(100)
        for each in repos
        for variant in each.variants
        for file in variant.files
    }
    proposed = (
        CuratedRepo(
            QWEN, "Qwen3 8B", "An all-rounder.", "chat", 8 * 10**9, "Q4_K_M", 5 * 10**9, ""
        ),
        CuratedRepo("a/tiny", "Tiny", "Small.", "chat", 10**9, "Q8_0", 10**9, "mit"),
    )
    services.curated = CuratedList(date(2026, 11, 24), proposed)
    return Scene(stage, services)
