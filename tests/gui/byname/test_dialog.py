"""A model by its name: what is pasted, what it turns out to be, and how it comes."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QProgressBar, QPushButton, QWidget

from app.domain.errors import (
    ArchitectureUnknown,
    HubUnreachable,
    LoadRefused,
    NoSpace,
    OllamaNotRunning,
    TokenNeeded,
)
from app.domain.hub import RepoDetails
from app.domain.ollama import OllamaPart, OllamaProgress
from app.gui.byname.dialog import ByNameDialog
from app.gui.pages import CHAT, DOWNLOADS
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage
from tests.helpers.hub_repos import usual
from tests.helpers.scripted_ollama import halfway

AnyWidget = TypeVar("AnyWidget", bound=QWidget)
REPO = "author/Model-8B-GGUF"
BLOB = "/ollama/blobs/sha256-ab"


async def opened(stage: Stage, services: FakeServices) -> ByNameDialog:
    services.offers.repos[REPO] = usual(REPO, "Q4_K_M", "Q8_0")
    for variant in services.offers.repos[REPO].variants:
        services.offers.files[variant.path] = b"GGUF" * 100
    await stage.begin()
    stage.window.menus.by_name.trigger()
    await stage.settle()
    (dialog,) = shown(stage)
    return dialog


def shown(stage: Stage) -> list[ByNameDialog]:
    return [one for one in stage.window.findChildren(ByNameDialog) if one.isVisible()]


def part(dialog: ByNameDialog, kind: type[AnyWidget], name: str) -> AnyWidget:
    found = dialog.findChild(kind, name)
    assert found is not None, name
    return found


def words(dialog: ByNameDialog, name: str) -> str:
    label = part(dialog, QLabel, name)
    return label.text() if label.isVisible() else ""


def main(dialog: ByNameDialog) -> QPushButton:
    return part(dialog, QPushButton, "Get the model")


async def enter(stage: Stage, dialog: ByNameDialog, text: str) -> None:
    """Type it and press Enter."""
    field = part(dialog, QLineEdit, "Name or address")
    field.clear()
    field.setFocus()
    await stage.until(field.hasFocus)
    stage.type(text)
    stage.key(Qt.Key.Key_Return)
    await stage.settle()


async def test_it_says_what_can_be_written(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage, services)
    assert words(dialog, "About the model").startswith("A repository (AUTHOR/NAME")
    assert not main(dialog).isEnabled()


async def test_a_name_is_looked_up_after_a_pause(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage, services)
    stage.type(REPO)
    await stage.until(lambda: words(dialog, "Found model"))
    assert words(dialog, "Found model") == f"{REPO} Q4_K_M"
    about = words(dialog, "About the model")
    assert about == "5.0 GB, 1 file, small loss, a good balance, licence apache-2.0."
    assert main(dialog).text() == "Download 5.0 GB"
    await stage.until(lambda: words(dialog, "Note on the model"))
    assert words(dialog, "Note on the model").startswith("Takes about ")


async def test_enter_looks_and_enter_again_downloads(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage, services)
    await enter(stage, dialog, f"https://hf.co/{REPO}/blob/main/Model-8B-Q8_0.gguf?download=true")
    assert words(dialog, "Found model") == f"{REPO} Q8_0"
    assert not services.offers.transfers
    stage.key(Qt.Key.Key_Return)
    await stage.until(lambda: services.offers.transfers)
    await stage.until(lambda: stage.window.pages.shown == DOWNLOADS)
    assert services.offers.transfers[0].request.title == "Model-8B-GGUF Q8_0"
    assert not shown(stage)


async def test_what_is_typed_on_cannot_be_mistaken_for_what_was_found(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage, services)
    await enter(stage, dialog, REPO)
    assert main(dialog).isEnabled()
    stage.type("X")
    assert not main(dialog).isEnabled()
    part(dialog, QLineEdit, "Name or address").clear()
    assert words(dialog, "Found model") == ""
    assert words(dialog, "About the model").startswith("A repository")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("author/absent", "“author/absent” is not there."),
        (f"{REPO}:Q2_K", f"“{REPO}” has no Q2_K."),
        ("a/b/c", "“a/b/c” is not the name of a model."),
        ("/models/m.gguf", "“/models/m.gguf” is a file, not the name of a model."),
    ],
)
async def test_what_is_no_model_is_said(
    stage: Stage, services: FakeServices, text: str, title: str
) -> None:
    dialog = await opened(stage, services)
    await enter(stage, dialog, text)
    assert words(dialog, "Found model") == title
    assert words(dialog, "About the model")
    assert not main(dialog).isEnabled()


async def test_what_nothing_here_can_run_is_said_before_it_is_downloaded(
    stage: Stage, services: FakeServices
) -> None:
    services.headers.error = ArchitectureUnknown("Its family “odd” is not known.")
    dialog = await opened(stage, services)
    await enter(stage, dialog, REPO)
    await stage.until(lambda: words(dialog, "Note on the model"))
    assert words(dialog, "Note on the model") == "Its family “odd” is not known."
    assert main(dialog).isEnabled()


async def test_a_download_that_cannot_begin_can_be_tried_again(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage, services)
    await enter(stage, dialog, REPO)
    services.offers.refuses = NoSpace("The disk is full.", "", "Make room.")
    main(dialog).click()
    await stage.until(lambda: words(dialog, "Found model") == "The disk is full.")
    assert words(dialog, "About the model") == "Make room."
    services.offers.refuses = None
    main(dialog).click()
    await stage.until(lambda: services.offers.transfers)


async def test_where_an_account_is_needed_a_token_can_be_given(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage, services)
    find, wished = services.offers.details, list[str]()

    async def refused(repo_id: str) -> RepoDetails:
        raise TokenNeeded(f"{repo_id} is for members.", "", "Give a token.")

    services.offers.details = refused
    await enter(stage, dialog, REPO)
    assert main(dialog).text() == "Give an access token"
    assert stage.wiring is not None
    by_name = stage.wiring.models.by_name
    # Where it leads to has tests of its own.
    by_name.token_wished.disconnect()
    by_name.token_wished.connect(wished.append)
    main(dialog).click()
    assert wished == [f"{REPO} is for members."]
    services.offers.details = find
    by_name.again()
    await stage.until(lambda: words(dialog, "Found model") == f"{REPO} Q4_K_M")


async def test_without_a_network_it_says_so(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage, services)

    async def unreachable(repo_id: str) -> RepoDetails:
        raise HubUnreachable(f"{repo_id}: no network.", "", "Check the connection.")

    services.offers.details = unreachable
    await enter(stage, dialog, REPO)
    assert words(dialog, "About the model") == "Check the connection."


# ---------------------------------------------------------------------------------------- Ollama


async def test_a_name_of_ollamas_is_told_before_anything_is_fetched(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    assert "is a name of Ollama's" in words(dialog, "About the model")
    assert main(dialog).text() == "Get it through Ollama"
    assert services.ollamas.pulled == []


async def test_ollama_fetches_and_the_model_is_used_in_its_place(
    stage: Stage, services: FakeServices
) -> None:
    services.ollamas.hold = asyncio.Event()
    dialog = await opened(stage, services)
    await enter(stage, dialog, "ollama run llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: "MB of" in words(dialog, "About the model"))
    assert words(dialog, "Found model") == "Ollama fetches “llama3.2:3b”"
    assert words(dialog, "About the model") == "49 MB of 98 MB"
    assert words(dialog, "Parts of the model") == ""
    assert part(dialog, QProgressBar, "Progress of Ollama").value() == 500
    assert part(dialog, QPushButton, "Stop Ollama").hasFocus()
    services.ollamas.hold.set()
    await stage.until(lambda: main(dialog).text() == "Use it now")
    assert words(dialog, "About the model").startswith("“llama3.2:3b” is ready.")
    main(dialog).click()
    await stage.until(lambda: not shown(stage))
    assert stage.window.pages.shown == CHAT
    assert services.models.offered == [BLOB]
    chosen = services.models.state.model
    assert chosen is not None
    assert chosen.path == BLOB


async def test_several_parts_are_told_one_by_one(stage: Stage, services: FakeServices) -> None:
    weights, template = halfway().parts[0], OllamaPart("sha256:cdcdcdcdcdcdcd", 900, 900)
    services.ollamas.steps = [OllamaProgress("pulling cdcdcdcdcdcd", (weights, template))]
    services.ollamas.hold = asyncio.Event()
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: words(dialog, "Parts of the model"))
    lines = ["Part 1 (abababababab): 49 MB of 98 MB", "Part 2 (cdcdcdcdcdcd): 900 bytes"]
    assert words(dialog, "Parts of the model").splitlines() == lines


async def test_long_sentences_are_not_cut_off(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage, services)
    dialog.resize(400, dialog.height())
    for name in ("author/absent", f"author/{'absent-' * 8}x"):
        await enter(stage, dialog, name)
        for label in (dialog.title, dialog.about):
            assert label.height() >= label.heightForWidth(label.width()), label.text()


async def test_stopped_it_can_go_on(stage: Stage, services: FakeServices) -> None:
    services.ollamas.hold = asyncio.Event()
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: "MB of" in words(dialog, "About the model"))
    part(dialog, QPushButton, "Stop Ollama").click()
    await stage.until(lambda: services.ollamas.stopped)
    assert words(dialog, "About the model").startswith("Stopped.")
    services.ollamas.hold.set()
    main(dialog).click()
    await stage.until(lambda: main(dialog).text() == "Use it now")
    assert services.ollamas.pulled == ["llama3.2:3b", "llama3.2:3b"]


async def test_closing_the_dialog_stops_ollama_and_says_so(
    stage: Stage, services: FakeServices
) -> None:
    services.ollamas.hold = asyncio.Event()
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: "MB of" in words(dialog, "About the model"))
    dialog.reject()
    await stage.until(lambda: services.ollamas.stopped)
    assert stage.window.toast.isVisible()


async def test_where_no_ollama_runs_it_can_be_tried_again(
    stage: Stage, services: FakeServices
) -> None:
    services.ollamas.steps = []
    services.ollamas.error = OllamaNotRunning("Ollama is not running.", "", "Start it.")
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: words(dialog, "Found model") == "Ollama is not running.")
    assert words(dialog, "About the model") == "Start it."
    services.ollamas.error = None
    services.ollamas.steps = [halfway()]
    main(dialog).click()
    await stage.until(lambda: main(dialog).text() == "Use it now")


async def test_what_only_ollama_can_run_is_said(stage: Stage, services: FakeServices) -> None:
    services.fit.measure_error = LoadRefused("No.", "unknown tensor")
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: "made for Ollama alone" in words(dialog, "Found model"))
    assert services.models.offered == []


async def test_the_window_closes_while_ollama_fetches(stage: Stage, services: FakeServices) -> None:
    services.ollamas.hold = asyncio.Event()
    dialog = await opened(stage, services)
    await enter(stage, dialog, "llama3.2:3b")
    main(dialog).click()
    await stage.until(lambda: services.ollamas.pulled)
    await stage.end()
    assert services.ollamas.stopped == ["llama3.2:3b"]


async def test_it_is_reached_from_the_models_page_too(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage, services)
    dialog.reject()
    stage.window.pages.go("Models")
    await stage.settle()
    stage.find(QPushButton, "Get a model by name").click()
    await stage.until(lambda: shown(stage))
