"""The library as a person sees it: the list, and the details of a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
)

from app.domain.library import FileCopy, Origin
from app.gui.library.rows import FIT_ROLE
from tests.helpers.gui_library import library_entry
from tests.helpers.gui_models import loaded_info
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage
from tests.helpers.library_stage import (
    BROKEN,
    OWN,
    THEIRS,
    begin,
    button,
    fact,
    shown,
    text,
)

# ------------------------------------------------------------------------------------ the list


async def test_it_lists_what_there_is_and_what_cannot_be_used(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    assert shown(panel) == ["Llama 3.2", "Nomic", "Qwen3 8B", "Cannot be used", "Phi-4.gguf"]
    assert text(stage, "Space").startswith("3 models · 14.1 GB")
    assert "212 GB free" in text(stage, "Space")


async def test_the_order_and_the_groups_can_be_chosen(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services, replace(OWN, size_bytes=9_000_000_000), THEIRS)
    order = stage.find(QComboBox, "Order of the library")
    order.setCurrentText("Smallest")
    assert shown(panel)[:2] == ["Llama 3.2", "Qwen3 8B"]
    stage.find(QToolButton, "Group by application").click()
    assert shown(panel)[:4] == ["Lamplight", "Qwen3 8B", "Ollama", "Llama 3.2"]
    assert stage.wiring is not None
    assert stage.wiring.state()["library"] == {"sort": "Smallest", "grouped": True}


async def test_order_and_groups_are_remembered(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services, OWN, THEIRS)
    panel.restore({"sort": "Largest", "grouped": True})
    assert panel.state() == {"sort": "Largest", "grouped": True}
    for nonsense in (None, {"sort": "Colour", "grouped": True}, {"sort": 3}):
        panel.restore(nonsense)
    assert panel.state() == {"sort": "Largest", "grouped": True}


async def test_a_search_narrows_the_list_and_esc_ends_it(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.search.setFocus()
    stage.type("nom")
    await stage.until(lambda: shown(panel) == ["Nomic"])
    stage.key(Qt.Key.Key_Return)
    assert stage.focus() is panel.list
    stage.window.step_back()
    assert panel.search.text() == ""
    assert len(shown(panel)) == 5


async def test_a_search_without_a_result_says_so(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.search.setText("nowhere")
    await stage.until(panel.notice.isVisible)
    said = [label.text() for label in panel.notice.findChildren(QLabel)]
    assert "No model in the library has “nowhere” in its name or kind." in said
    assert not panel.details.isVisible()


async def test_the_selection_survives_changes_and_goes_with_its_row(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    services.library.show([replace(OWN, last_used=1), library_entry("Aya 8B"), THEIRS])
    assert panel.list.row() == replace(OWN, last_used=1)
    services.library.show([THEIRS])
    assert panel.list.row() is None
    assert not panel.details.isVisible()


async def test_arrow_keys_pass_over_headings(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services, OWN)
    panel.list.setFocus()
    panel.select(OWN.path)
    stage.key(Qt.Key.Key_Down)
    assert panel.list.row() == BROKEN
    stage.key(Qt.Key.Key_Up)
    assert panel.list.row() == OWN


async def test_what_is_in_memory_and_what_fits_is_said(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    row = panel.rows.index(panel.rows.row_of(OWN.path) or 0)
    spoken = int(Qt.ItemDataRole.AccessibleTextRole)
    assert "fits" in row.data(spoken)
    services.fit.needed = 30_000_000_000
    services.models.show_loaded(loaded_info(THEIRS.path))
    assert "too large" in row.data(spoken)
    theirs = panel.rows.index(panel.rows.row_of(THEIRS.path) or 0)
    assert "in memory" in theirs.data(spoken)
    panel.select(THEIRS.path)
    assert text(stage, "Fit") == "It is in memory now."


@pytest.mark.parametrize("path", ["/elsewhere/q.gguf", "/link/q.gguf"])
async def test_a_copy_in_memory_counts_for_the_model(
    stage: Stage, services: FakeServices, path: str
) -> None:
    copy = FileCopy("/elsewhere/q.gguf", Origin.OLLAMA, 1)
    entry = replace(OWN, copies=(copy,), also_at=("/link/q.gguf",))
    panel = await begin(stage, services, entry)
    services.models.show_loaded(loaded_info(path))
    assert "in memory" in panel.rows.index(0).data(int(Qt.ItemDataRole.AccessibleTextRole))


async def test_whether_it_fits_is_asked_only_for_what_is_seen(
    stage: Stage, services: FakeServices
) -> None:
    many = [library_entry(f"Model {number:04}") for number in range(500)]
    panel = await begin(stage, services, OWN)
    await stage.settle()
    services.fit.asked.clear()
    services.library.show(many)
    panel.list.viewport().repaint()
    assert 0 < len(services.fit.asked) < 60
    assert panel.rows.index(499).data(FIT_ROLE) is not None


async def test_nothing_there_yet_points_to_discover(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    services.library.is_scanning = True
    services.library.show([], [])
    said = [label.text() for label in panel.notice.findChildren(QLabel)]
    assert "Looking for models…" in said
    services.library.is_scanning = False
    services.library.show([], [])
    assert button(stage, "Go to Discover").isVisible()


async def test_the_starter_model_alone_is_no_library(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services, library_entry("Starter", origin=Origin.STARTER))
    assert panel.hint.isVisible()
    services.library.show([OWN])
    assert not panel.hint.isVisible()


async def test_folders_are_watched_while_the_window_is_in_front(
    stage: Stage, services: FakeServices
) -> None:
    await begin(stage, services)
    assert services.library.watched[0] is True
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    application.applicationStateChanged.emit(Qt.ApplicationState.ApplicationInactive)
    application.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert services.library.watched[-2:] == [False, True]
    await stage.end()
    assert services.library.watched[-1] is False


# -------------------------------------------------------------------------------- the details


async def test_details_tell_what_is_known(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    assert text(stage, "Details title") == "Qwen3 8B"
    assert fact(stage, "File") == OWN.path
    assert fact(stage, "SHA-256") == "ab" * 32
    assert fact(stage, "Licence") == "MIT"
    assert "18.0 GB free" in text(stage, "Fit")
    button(stage, "Open its page").click()
    address = stage.find(QPlainTextEdit, "Link address").toPlainText()
    assert address == "https://huggingface.co/ada/Qwen3-8B-GGUF"
    button(stage, "Cancel").click()
    button(stage, "Copy the checksum").click()
    assert QGuiApplication.clipboard().text() == "ab" * 32


async def test_tab_goes_through_the_details_before_it_leaves_them(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    panel.list.setFocus()
    names: list[str] = []
    while "Find duplicates" not in names:
        stage.key(Qt.Key.Key_Tab)
        names.append(stage.focus().objectName())
        assert len(names) < 40, names
    assert names[-4:] == ["Move to trash", "Open its page", "Copy the checksum", "Find duplicates"]


async def test_others_files_are_not_removed_here(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.select(THEIRS.path)
    assert "ollama rm llama3.2:3b" in text(stage, "Why it stays")
    assert not button(stage, "Move to trash").isVisible()
    panel.list.setFocus()
    stage.key(Qt.Key.Key_Delete)
    assert stage.window.findChildren(QPushButton, "Cancel") == []


async def test_a_damaged_file_says_why_and_what_to_do(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.select(BROKEN.path)
    assert text(stage, "Reason").startswith("The end of this file is missing.")
    assert fact(stage, "What to do").startswith("Fetch it again")
    assert not button(stage, "Use").isVisible()


@pytest.mark.parametrize("width", [480, 1100])
async def test_details_stand_beside_the_list_or_below_it(
    stage: Stage, services: FakeServices, width: int
) -> None:
    blob = FileCopy(f"/home/ada/.ollama/models/blobs/sha256-{'ab' * 32}", Origin.OLLAMA, 1)
    name = "A-name-of-one-word_" + "long" * 20
    own = replace(OWN, copies=(blob,), model=replace(OWN.model, label=name))
    panel = await begin(stage, services, own, size=(width, 700))
    panel.select(OWN.path)
    await stage.settle()
    list_at = panel.list.mapTo(panel, QPoint(0, 0))
    details_at = panel.details.mapTo(panel, QPoint(0, 0))
    assert (details_at.y() > list_at.y() + 100) == (width == 480)
    inside = panel.details.widget()
    assert inside is not None
    assert inside.minimumSizeHint().width() <= panel.details.viewport().width()
    seen = panel.list.visualRect(panel.list.currentIndex())
    assert panel.list.viewport().rect().contains(seen)


async def test_the_picked_row_stays_in_sight_when_the_details_take_room(
    stage: Stage, services: FakeServices
) -> None:
    many = [library_entry(f"Model {number:02}") for number in range(40)]
    panel = await begin(stage, services, *many, size=(480, 700))
    panel.list.setCurrentIndex(panel.rows.index(8))
    await stage.until(lambda: panel.list.height() < 350)
    seen = panel.list.visualRect(panel.list.currentIndex())
    assert panel.list.viewport().rect().contains(seen)
