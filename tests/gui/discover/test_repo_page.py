"""The page of a repository: variants, what they take, downloads in place, the card."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QDialog, QFrame, QLabel, QPlainTextEdit, QPushButton, QToolButton

from app.domain.errors import HubUnreachable, NotGguf, RepoMissing, TokenNeeded
from app.domain.transfer import TransferPhase
from app.gui.pages import CHAT
from app.gui.transcript.page import Page as TextPage
from tests.gui.discover.conftest import GATED, QWEN, Scene
from tests.helpers.hub_repos import repo

PARTS = [(f"v/m-Q4_K_M-0000{number}-of-00003.gguf", 2_000_000_000) for number in (1, 2, 3)]


def text(scene: Scene, name: str) -> str:
    return scene.stage.find(QLabel, name).text()


async def test_it_tells_what_it_is(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    assert text(scene, "Repository name") == "Qwen3-8B-GGUF"
    told = text(scene, "Terms")
    for part in ("8.2B parameters", "context 40,960", "licence Apache 2.0", "186,325 downloads"):
        assert part in told
    assert text(scene, "Tags") == "Languages: English, German\nTags: conversational"
    base = scene.stage.find(QPushButton, "Open Qwen/Qwen3-8B in a web browser")
    assert base.isVisible()
    assert not scene.stage.find(QFrame, "Access on request").isVisible()


async def test_tags_tell_the_languages_where_the_card_does_not(scene: Scene) -> None:
    repos = scene.services.offers.repos
    repos[QWEN] = replace(repos[QWEN], languages=())
    await scene.begin()
    await scene.open(QWEN)
    assert text(scene, "Tags") == "Languages: English, German\nTags: conversational"


async def test_the_recommended_variant_first_and_the_others_on_request(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    assert scene.shown_variants() == ["Q4_K_M"]
    assert scene.rows["Q4_K_M"].recommended
    scene.stage.find(QPushButton, "Show all variants").click()
    ordered = ["Q4_K_M", "Q2_K", "Q3_K_M", "Q4_0", "Q6_K", "Q8_0", "BF16"]
    assert scene.shown_variants() == ordered
    await scene.stage.settle()
    tops = [scene.rows[name].y() for name in ordered]
    assert tops == sorted(set(tops))
    assert scene.rows["Q4_K_M"].badge.text() == "fits"
    assert scene.rows["BF16"].badge.text() == "too large"


async def test_a_repository_without_a_usable_file_says_so(scene: Scene) -> None:
    scene.hub.repos["a/none"] = repo("a/none", ("x-Q8_0-00001-of-00002.gguf", 10))
    await scene.begin()
    await scene.search("a/none")
    scene.panel.browser.view.clicked.emit(scene.panel.browser.found.index(0))
    page = scene.panel.page
    await scene.stage.until(page.no_variants.isVisible)
    assert "a part is missing on the hub: x-Q8_0" in page.incomplete.text()


# ------------------------------------------------------------------------------ a closer look


async def test_a_header_is_read_only_when_its_variant_is_chosen(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    assert scene.services.headers.read == []
    row = scene.rows["Q4_K_M"]
    row.main.click()
    await scene.stage.until(lambda: scene.panel.fit.context.isVisible())
    assert scene.services.headers.read == [row.path]
    assert "of 18.0 GB free" in text(scene, "Fit verdict")
    row.main.click()
    assert not scene.panel.fit.isVisible()
    row.main.click()
    await scene.stage.until(lambda: scene.panel.fit.context.isVisible())
    assert scene.services.headers.read == [row.path]


async def test_a_look_that_is_overtaken_shows_the_later_one(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    scene.stage.find(QPushButton, "Show all variants").click()
    scene.services.headers.gate = asyncio.Event()
    scene.rows["Q8_0"].main.click()
    await scene.stage.until(lambda: scene.services.headers.read)
    assert text(scene, "Fit verdict").startswith("Reading")
    scene.services.headers.gate = None
    scene.rows["Q2_K"].main.click()
    await scene.stage.until(lambda: scene.panel.fit.context.isVisible())
    assert scene.panel.page.variants.open_path == scene.rows["Q2_K"].path
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "look-into"]


async def test_what_cannot_be_looked_into_is_said(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    scene.services.headers.error = NotGguf("It is no model.", "", "Choose another variant.")
    scene.rows["Q4_K_M"].main.click()
    await scene.stage.until(lambda: text(scene, "Fit verdict").startswith("It is no model."))
    assert text(scene, "Fit verdict") == "It is no model. Choose another variant."


# ---------------------------------------------------------------------------------- downloads


async def test_a_download_goes_on_in_its_place(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    row = scene.rows["Q4_K_M"]
    row.download.click()
    await scene.stage.until(lambda: row.bar.isVisible())
    assert not row.download.isVisible()
    total = scene.hub.transfers[0].request.total_bytes
    scene.hub.go_on(
        phase=TransferPhase.RUNNING, done_bytes=total // 4, bytes_per_second=5e7, seconds_left=75.0
    )
    assert row.bar.value() == 250
    assert row.sentence.text() == "1.2 GB of 5.0 GB · 50 MB/s · about 1 min left"
    scene.stage.find(QToolButton, "Pause Q4_K_M").click()
    await scene.stage.until(lambda: ("pause", "t1") in scene.hub.asked)
    scene.hub.go_on(phase=TransferPhase.PAUSED)
    scene.stage.find(QToolButton, "Resume Q4_K_M").click()
    scene.stage.find(QToolButton, "Cancel Q4_K_M").click()
    await scene.stage.until(lambda: ("remove", "t1") in scene.hub.asked)
    assert ("resume", "t1") in scene.hub.asked
    scene.hub.announce()
    assert row.download.isVisible()


async def test_what_has_come_is_used_by_one_press(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    row = scene.rows["Q4_K_M"]
    row.download.click()
    await scene.stage.until(lambda: scene.hub.transfers)
    scene.hub.go_on(phase=TransferPhase.FINISHED, paths=("/models/Qwen/q.gguf",))
    await scene.stage.until(lambda: row.badge.text() == "on this computer")
    row.use.click()
    await scene.stage.until(lambda: scene.stage.window.pages.shown == CHAT)
    await scene.stage.until(lambda: scene.services.models.loads)
    assert scene.services.models.opened == ["/models/Qwen/q.gguf"]
    assert scene.services.models.offered == ["/models/Qwen/q.gguf"]


async def test_a_variant_that_is_being_fetched_is_seen_among_folded_ones(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    scene.panel.page.variants.download_wished.emit(scene.rows["Q8_0"].path)
    await scene.stage.until(lambda: scene.shown_variants() == ["Q4_K_M", "Q8_0"])


async def test_shards_and_projector_are_fetched_as_one(scene: Scene) -> None:
    scene.hub.repos["a/vision"] = repo("a/vision", *PARTS, ("mmproj-F16.gguf", 851_000_000))
    await scene.begin()
    await scene.open("a/vision")
    (row,) = scene.rows.values()
    assert "3 parts · + vision 851 MB" in row.main.accessibleDescription()
    row.download.click()
    await scene.stage.until(lambda: scene.hub.transfers)
    files = scene.hub.transfers[0].request.files
    assert [file.path for file in files] == [*(path for path, _ in PARTS), "mmproj-F16.gguf"]


async def test_a_download_that_failed_says_why_and_goes_on_when_asked(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    row = scene.rows["Q4_K_M"]
    row.download.click()
    await scene.stage.until(lambda: scene.hub.transfers)
    error = TokenNeeded("Only for people with an account.", "", "Give a token.")
    scene.hub.go_on(phase=TransferPhase.FAILED, error=error)
    assert row.sentence.text() == "Stopped · 5.0 GB\nOnly for people with an account. Give a token."
    assert row.resume.isVisible()
    assert not row.pause.isVisible()


# ------------------------------------------------------------------------------------ its card


async def test_a_hostile_card_is_words_and_links_that_ask(scene: Scene) -> None:
    scene.hub.cards[QWEN] = (
        '<script>x()</script><img src="https://evil.example/p.png"> ![p](file:///etc/passwd)\n\n'
        "[a link](https://a.example/x) and [bad](javascript:x)\n"
    )
    await scene.begin()
    await scene.open(QWEN)
    card = scene.panel.page.card
    await scene.stage.until(lambda: card.text)
    (page,) = card.findChildren(TextPage)
    assert page.toPlainText() == "a link and [bad](javascript:x)"
    assert "img" not in page.toHtml()
    page.anchorClicked.emit(QUrl("https://a.example/x"))
    dialog = scene.stage.find(QDialog, "Open this link?")
    assert scene.stage.find(QPlainTextEdit, "Link address").toPlainText() == "https://a.example/x"
    dialog.reject()


async def test_a_card_follows_the_theme_and_the_width(scene: Scene) -> None:
    scene.hub.cards[QWEN] = "# Title\n\n" + "many words of text " * 60
    await scene.begin()
    await scene.open(QWEN)
    card = scene.panel.page.card
    await scene.stage.until(lambda: card.height() > 50)
    before = card.height()
    scene.stage.theme.set_wish("dark")
    (page,) = card.findChildren(TextPage)[-1:]
    assert page.styles.tokens is scene.stage.theme.tokens
    scene.stage.window.resize(420, 760)
    await scene.stage.until(lambda: card.height() == page.height() > before)


async def test_a_long_card_comes_little_by_little(scene: Scene) -> None:
    scene.hub.cards[QWEN] = "\n\n".join(f"Paragraph {number} of many." for number in range(3000))
    await scene.begin()
    await scene.open(QWEN)
    card = scene.panel.page.card
    sentence = "This is the beginning of its card; all of it is on its page."
    await scene.stage.until(lambda: text(scene, "Card sentence") == sentence)
    last = card.text.rpartition("\n")[2]
    await scene.stage.until(lambda: last in card.findChildren(TextPage)[-1].toPlainText())


# ------------------------------------------------------------------------- what stands in the way


async def test_a_gated_repository_leads_to_its_page(scene: Scene) -> None:
    await scene.begin()
    await scene.open(GATED)
    scene.stage.find(QPushButton, "Request access").click()
    address = scene.stage.find(QPlainTextEdit, "Link address").toPlainText()
    assert address == f"https://hub.example/{GATED}"
    scene.stage.find(QDialog, "Open this link?").reject()
    wished: list[str] = []
    assert scene.stage.wiring is not None
    discover = scene.stage.wiring.models.discover
    discover.token_wished.disconnect()
    discover.token_wished.connect(wished.append)
    scene.panel.page.token.click()
    assert wished == ["“Gated-4B-GGUF” is given on request only."]


async def test_a_repository_that_is_gone_is_said_in_its_place(scene: Scene) -> None:
    await scene.begin()
    await scene.search("qwen")
    scene.hub.repos.clear()
    scene.panel.browser.view.clicked.emit(scene.panel.browser.found.index(0))
    page = scene.panel.page
    await scene.stage.until(page.trouble.isVisible)
    assert isinstance(page.trouble.error, RepoMissing)
    assert not page.variants.isVisible()
    assert not page.card.isVisible()


async def test_without_a_network_the_page_says_so_and_asks_again(scene: Scene) -> None:
    await scene.begin()
    scene.hub.refuses_asking = HubUnreachable("No way there.", "", "Check the connection.")
    scene.panel.browser.view.clicked.emit(scene.panel.browser.found.index(1))
    page = scene.panel.page
    await scene.stage.until(page.trouble.isVisible)
    assert page.trouble.library.isVisible()
    scene.hub.refuses_asking = None
    page.trouble.again.click()
    await scene.stage.until(lambda: scene.rows)
    assert not page.trouble.isVisible()


async def test_a_page_that_is_overtaken_is_not_shown(scene: Scene) -> None:
    await scene.begin()
    discover = scene.stage.wiring.models.discover if scene.stage.wiring else None
    assert discover is not None
    discover.repo.open(GATED)
    discover.repo.open(QWEN)
    await scene.stage.until(lambda: scene.rows)
    await scene.stage.settle()
    assert text(scene, "Repository name") == "Qwen3-8B-GGUF"
    assert ("details", GATED) not in scene.hub.asked[1:]


async def test_the_same_page_again_asks_nobody(scene: Scene) -> None:
    await scene.begin()
    await scene.open(QWEN)
    asked = len(scene.hub.asked)
    scene.panel.browser.view.clicked.emit(scene.panel.browser.found.index(0))
    await scene.stage.settle()
    assert len(scene.hub.asked) == asked


async def test_what_is_here_by_its_hash_can_be_used_at_once(scene: Scene) -> None:
    await scene.begin()
    assert scene.stage.wiring is not None
    repo_controller = scene.stage.wiring.models.discover.repo
    details = scene.hub.repos[QWEN]
    (variant,) = [each for each in details.variants if each.quantisation == "Q8_0"]
    places = {variant.files[0].sha256: "/elsewhere/q8.gguf"}
    repo_controller._path_of = places.get
    await scene.open(QWEN)
    assert scene.shown_variants() == ["Q4_K_M", "Q8_0"]
    assert scene.rows["Q8_0"].badge.text() == "on this computer"
    assert not scene.rows["Q8_0"].download.isVisible()
