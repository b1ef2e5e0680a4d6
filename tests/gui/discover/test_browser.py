"""The list of what can be had: search, filters, an endless list, and what stands in its way."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton

from app.domain.errors import HubBusy, HubUnreachable, NetworkOff, TokenNeeded
from app.domain.hub import RepoSort
from app.domain.quick_fit import most_parameters
from app.gui.byname.dialog import ByNameDialog
from app.gui.discover.controller import DiscoverController
from app.gui.pages import CHAT, MODELS
from tests.gui.discover.conftest import GATED, LARGE, QWEN, Scene
from tests.helpers.hub_repos import usual


def wired(scene: Scene) -> DiscoverController:
    assert scene.stage.wiring is not None
    return scene.stage.wiring.models.discover


async def test_nothing_is_asked_before_somebody_acts(scene: Scene) -> None:
    await scene.begin()
    assert scene.names == ["a/tiny", QWEN]
    assert scene.panel.browser.found.rows[0].mark == "a good first choice"
    assert "comes with Lamplight" in scene.panel.browser.notice()
    await asyncio.sleep(0.35)
    assert scene.hub.asked == []


async def test_typing_asks_once_when_it_pauses(scene: Scene) -> None:
    await scene.begin()
    assert QApplication.focusWidget() is scene.panel.browser.field
    scene.stage.type("qwen")
    await scene.stage.until(lambda: scene.names == [QWEN])
    assert [query.text for query, _ in scene.searches] == ["qwen"]


async def test_a_search_that_is_overtaken_is_cancelled(scene: Scene) -> None:
    await scene.begin()
    scene.hub.search_gate = asyncio.Event()
    await scene.search("llama")
    scene.hub.search_gate = None
    await scene.search("qwen")
    assert scene.names == [QWEN]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "search-hub"]


async def test_what_is_popular_comes_when_it_is_asked_for(scene: Scene) -> None:
    await scene.begin()
    scene.stage.find(QPushButton, "Show what is popular").click()
    await scene.stage.until(lambda: scene.names == [QWEN, LARGE, GATED])
    assert [row.gated for row in scene.panel.browser.found.rows] == [False, False, True]
    scene.stage.find(QPushButton, "Lamplight's own list").click()
    assert scene.names == ["a/tiny", QWEN]
    assert scene.panel.browser.notice().startswith("The list of November 2026 that ")
    assert len(scene.searches) == 1


async def test_order_and_conditions_are_asked_of_the_hub(scene: Scene) -> None:
    await scene.begin()
    await scene.search("q")
    filters = scene.panel.browser.filters
    for box, text in (
        (filters.sort, "Most likes"),
        (filters.licence, "MIT"),
        (filters.task, "Text and images"),
        (filters.language, "German"),
        (filters.parameters, "2B to 5B"),
    ):
        box.setCurrentText(text)
    await scene.stage.settle()
    query, _ = scene.searches[-1]
    assert (query.sort, query.licence, query.task) == (RepoSort.LIKES, "mit", "image-text-to-text")
    assert (query.language, query.min_parameters, query.max_parameters) == ("de", 2, 5)
    assert filters.is_narrowing()


async def test_only_what_fits_is_left(scene: Scene) -> None:
    await scene.begin()
    await scene.search("gguf")
    badges = {row.repo_id: row.badge for row in scene.panel.browser.found.rows}
    assert badges == {QWEN: "fits", LARGE: "too large", GATED: "fits"}
    scene.panel.browser.filters.fits.click()
    await scene.stage.until(lambda: scene.names == [QWEN, GATED])
    query, _ = scene.searches[-1]
    assert query.max_parameters == most_parameters(scene.services.fit.room()) / 1e9


async def test_an_endless_list_grows_while_it_is_read(scene: Scene) -> None:
    scene.hub.repos = {f"a/Model-{n}-1B": usual(f"a/Model-{n}-1B", "Q8_0") for n in range(70)}
    scene.hub.page_size = 30
    await scene.begin()
    await scene.search("model")
    assert len(scene.names) == 30
    bar = scene.panel.browser.view.verticalScrollBar()
    for expected in (60, 70):
        bar.setValue(bar.maximum())
        await scene.stage.until(lambda expected=expected: len(scene.names) == expected)
    assert scene.names == list(scene.hub.repos)
    assert [page for _, page in scene.searches] == [None, "30", "60"]


async def test_a_part_of_the_list_that_fails_can_be_asked_for_again(scene: Scene) -> None:
    scene.hub.repos = {f"a/Model-{n}-1B": usual(f"a/Model-{n}-1B", "Q8_0") for n in range(40)}
    scene.hub.page_size = 30
    await scene.begin()
    await scene.search("model")
    scene.hub.refuses_asking = HubUnreachable("No way there.", "", "Check the connection.")
    bar = scene.panel.browser.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    await scene.stage.until(scene.panel.browser.trouble.isVisible)
    assert len(scene.names) == 30
    scene.hub.refuses_asking = None
    scene.panel.browser.trouble.again.click()
    await scene.stage.until(lambda: len(scene.names) == 40)
    assert not scene.panel.browser.trouble.isVisible()


async def test_pages_of_which_nothing_fits_are_passed_over(scene: Scene) -> None:
    large = {f"a/Model-{n}-90B": usual(f"a/Model-{n}-90B", "Q8_0", billions=90) for n in range(40)}
    scene.hub.repos = {**large, QWEN: scene.hub.repos[QWEN]}
    scene.hub.page_size = 20
    await scene.begin()
    scene.panel.browser.filters.fits.setChecked(True)
    scene.stage.find(QPushButton, "Show what is popular").click()
    await scene.stage.until(lambda: scene.names == [QWEN])


async def test_nothing_found_is_said_and_the_filters_can_go(scene: Scene) -> None:
    await scene.begin()
    scene.panel.browser.filters.fits.setChecked(True)
    await scene.search("llama")
    assert scene.panel.browser.notice() == "Nothing was found for “llama”."
    scene.stage.find(QPushButton, "Clear the filters").click()
    await scene.stage.until(lambda: scene.names == [LARGE])


async def test_without_a_network_the_own_list_stays(scene: Scene) -> None:
    error = HubUnreachable("hub.example cannot be reached.", "", "Check the connection.")
    await scene.begin()
    scene.hub.refuses_asking = error
    await scene.search("qwen")
    trouble = scene.panel.browser.trouble
    assert trouble.accessibleDescription() == f"{error.title} {error.remedy}"
    assert scene.names == ["a/tiny", QWEN]
    assert scene.panel.browser.notice() == "What Lamplight knows without a network:"
    scene.hub.refuses_asking = None
    trouble.again.click()
    await scene.stage.until(lambda: scene.names == [QWEN])
    assert not trouble.isVisible()


async def test_the_offline_switch_leads_to_where_it_is(scene: Scene) -> None:
    await scene.begin()
    scene.hub.refuses_asking = NetworkOff("Lamplight is set to use no network.", "", "Switch that.")
    await scene.search("qwen")
    trouble = scene.panel.browser.trouble
    assert scene.names == ["a/tiny", QWEN]
    assert not trouble.again.isVisible()
    wished: list[bool] = []
    discover = wired(scene)
    discover.network_wished.disconnect()
    discover.network_wished.connect(lambda: wished.append(True))
    trouble.network.click()
    assert wished == [True]
    scene.hub.refuses_asking = None
    discover.again()
    await scene.stage.until(lambda: scene.names == [QWEN])


async def test_a_busy_hub_is_asked_again_by_itself(scene: Scene) -> None:
    await scene.begin()
    busy = HubBusy("hub.example is asked too often from here.")
    busy.wait_seconds = 0.5
    scene.hub.refuses_asking = busy
    await scene.search("qwen")
    trouble = scene.panel.browser.trouble
    assert trouble.isVisible()
    assert not trouble.again.isVisible()
    scene.hub.refuses_asking = None
    await scene.stage.until(lambda: scene.names == [QWEN])
    assert not trouble.isVisible()


async def test_a_pasted_address_opens_the_page_itself(scene: Scene) -> None:
    await scene.begin()
    await scene.search(f"https://huggingface.co/{QWEN}:q6_k")
    await scene.stage.until(lambda: scene.rows)
    await scene.stage.settle()
    assert scene.panel.page.variants.open_path == scene.rows["Q6_K"].path
    assert scene.names == [QWEN]


async def test_an_address_of_a_file_opens_its_variant(scene: Scene) -> None:
    await scene.begin()
    await scene.search(f"https://hf.co/{QWEN}/resolve/main/Qwen3-8B-Q3_K_M.gguf?download=true")
    await scene.stage.until(lambda: scene.rows)
    await scene.stage.settle()
    assert scene.panel.page.variants.open_path == scene.rows["Q3_K_M"].path


async def test_an_address_of_ollamas_leads_to_the_dialog_for_names(scene: Scene) -> None:
    await scene.begin()
    scene.panel.browser.field.setText("https://ollama.com/library/llama3.2:3b")
    await scene.stage.until(lambda: scene.stage.window.findChildren(ByNameDialog))
    (dialog,) = scene.stage.window.findChildren(ByNameDialog)
    assert "“llama3.2:3b” is a name of Ollama's" in dialog.about.text()
    assert scene.panel.browser.text == ""
    assert scene.searches == []


async def test_the_keyboard_is_enough(scene: Scene) -> None:
    await scene.begin()
    await scene.search("gguf")
    scene.panel.browser.field.setFocus()
    scene.stage.key(Qt.Key.Key_Down)
    scene.stage.key(Qt.Key.Key_Down)
    scene.stage.key(Qt.Key.Key_Return)
    await scene.stage.until(lambda: scene.hub.asked[-1] == ("details", LARGE))
    assert scene.panel.page.title.text() == LARGE.partition("/")[2]


async def test_an_emptied_field_shows_the_own_list_and_asks_nobody(scene: Scene) -> None:
    await scene.begin()
    await scene.search("qwen")
    scene.stage.key(Qt.Key.Key_Escape)
    assert scene.panel.browser.text == ""
    assert scene.names == ["a/tiny", QWEN]
    await asyncio.sleep(0.35)
    assert len(scene.searches) == 1


async def test_in_a_narrow_window_the_page_lies_on_the_list(scene: Scene) -> None:
    await scene.begin(width=480)
    await scene.open(QWEN)
    assert scene.panel.page.isVisible()
    assert not scene.panel.browser.isVisible()
    assert scene.panel.width() <= 480
    scene.stage.key(Qt.Key.Key_Escape)
    assert scene.panel.browser.isVisible()
    assert not scene.panel.page.isVisible()
    scene.panel.browser.view.clicked.emit(scene.panel.browser.found.index(0))
    scene.panel.page.back.click()
    assert scene.panel.browser.isVisible()


async def test_the_ways_to_it_lead_there(scene: Scene) -> None:
    await scene.begin()
    pages = scene.stage.window.pages
    pages.go(CHAT)
    scene.stage.window.popup.toggle()
    scene.stage.find(QPushButton, "Find more models").click()
    assert pages.shown == MODELS
    pages.go(CHAT)
    scene.stage.window.empty.find_wished.emit()
    assert pages.shown == MODELS


async def test_a_token_is_asked_for_where_it_is_missing_and_tried_at_once(scene: Scene) -> None:
    await scene.begin()
    scene.hub.refuses_asking = TokenNeeded("This hub is for members.", "", "Give a token.")
    await scene.search("qwen")
    scene.stage.find(QPushButton, "Give an access token").click()
    dialog = scene.stage.find(QDialog, "Network and access")
    assert any("for members" in each.text() for each in dialog.findChildren(QLabel))
    scene.hub.refuses_asking = None
    assert scene.stage.wiring is not None
    scene.stage.wiring.models.access.changed.emit()
    await scene.stage.until(lambda: scene.names == [QWEN])
    dialog.close()
