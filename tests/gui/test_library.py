"""The library as a person uses it: the list, the details, and what can be done with a model."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
)

from app.domain.library import Capability, FileCopy, LibraryEntry, Origin, Refusal, Verdict
from app.domain.library_errors import NotOurs
from app.gui.library.acts import Act
from app.gui.library.panel import LibraryPanel
from app.gui.library.rows import FIT_ROLE
from app.gui.loading.dialog import LoadSettingsDialog
from app.gui.pages import CHAT, MODELS
from app.gui.present.reveal import Revealer
from tests.helpers.gui_library import library_entry, refused_file
from tests.helpers.gui_models import loaded_info
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage
from tests.helpers.measurements import record, speed

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


# ------------------------------------------------------------------------------------ the acts


async def test_use_chooses_loads_and_goes_to_the_conversation(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Use").click()
    assert stage.window.pages.shown == CHAT
    await stage.until(lambda: services.models.loads)
    model = services.models.state.model
    assert model is not None
    assert model.path == OWN.path
    stage.window.pages.go(MODELS)
    assert button(stage, "Use").text() == "Go to the conversation"


async def test_return_and_a_double_click_use_it_too(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    wished: list[tuple[Act, str]] = []
    panel.wished.connect(lambda act, path: wished.append((act, path)))
    panel.list.setFocus()
    panel.select(EMBEDDING.path)
    stage.key(Qt.Key.Key_Return)
    assert wished == []
    panel.select(THEIRS.path)
    stage.key(Qt.Key.Key_Return)
    assert wished == [(Act.USE, THEIRS.path)]


async def test_the_star_is_set_by_key_and_by_click(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.list.setFocus()
    panel.select(OWN.path)
    stage.key(Qt.Key.Key_Space)
    await stage.until(lambda: shown(panel)[0] == "Qwen3 8B")
    star = panel.list.visualRect(panel.rows.index(0)).topLeft() + QPoint(22, 18)
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=star)
    await stage.until(lambda: shown(panel)[0] == "Llama 3.2")
    stage.find(QToolButton, "Favourite").click()
    await stage.until(lambda: shown(panel)[0] == "Qwen3 8B")


async def test_a_new_name_is_shown(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.list.setFocus()
    panel.select(OWN.path)
    stage.key(Qt.Key.Key_F2)
    field = stage.find(QLineEdit, "Shown name")
    assert field.text() == "Qwen3 8B"
    field.setText("  My favourite ")
    button(stage, "Rename now").click()
    await stage.until(lambda: "My favourite" in shown(panel))
    assert services.library.calls == [("rename", OWN.path, "My favourite")]
    assert text(stage, "Details title") == "My favourite"


async def test_removal_asks_unloads_and_goes_to_the_trash(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    services.models.show_loaded(loaded_info(OWN.path))
    panel.select(OWN.path)
    button(stage, "Move to trash").click()
    question = stage.find(QPushButton, "Cancel").window()
    said = " ".join(label.text() for label in question.findChildren(QLabel))
    assert "4.7 GB" in said
    assert "unloaded first" in said
    move = question.findChild(QPushButton, "Move to trash")
    assert isinstance(move, QPushButton)
    move.click()
    await stage.until(lambda: "Qwen3 8B" not in shown(panel))
    assert services.models.unloaded == [OWN.path]
    assert services.library.calls == [("remove", OWN.path)]


async def test_a_removal_that_is_not_wanted_does_nothing(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Move to trash").click()
    button(stage, "Cancel").click()
    await stage.settle()
    assert services.library.calls == []


async def test_a_failure_is_told_and_over_when_the_next_thing_works(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    services.library.error = NotOurs("This file is not Lamplight's own.")
    panel.wished.emit(Act.FAVOURITE, OWN.path)
    await stage.until(lambda: stage.banners() == ["This file is not Lamplight's own."])
    services.library.error = None
    panel.wished.emit(Act.FAVOURITE, OWN.path)
    await stage.until(lambda: stage.banners() == [])


@pytest.mark.parametrize(
    ("verdict", "said"),
    [(Verdict.SOUND, "Verified: the file is"), (Verdict.CHANGED, "This file is not what was")],
)
async def test_a_verification_tells_how_far_it_is_and_how_it_ended(
    stage: Stage, services: FakeServices, verdict: Verdict, said: str
) -> None:
    services.library.gate = asyncio.Event()
    services.library.verdict = verdict
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Verify").click()
    await stage.until(lambda: panel.work.isVisible() and "GB" in text(stage, "Work"))
    assert text(stage, "Work") == "Verifying “Qwen3 8B”: 2.3 GB of 4.7 GB"
    assert stage.find(QProgressBar, "Progress: Verifying “Qwen3 8B”").value() == 489
    assert not button(stage, "Verify").isEnabled()
    services.library.gate.set()
    await stage.until(lambda: text(stage, "Verification").startswith(said))
    assert not panel.work.isVisible()
    assert button(stage, "Verify").isEnabled()


async def test_a_verification_can_be_cancelled(stage: Stage, services: FakeServices) -> None:
    services.library.gate = asyncio.Event()
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Verify").click()
    await stage.until(panel.work.isVisible)
    button(stage, "Cancel: Verifying “Qwen3 8B”").click()
    await stage.until(lambda: not panel.work.isVisible())
    assert text(stage, "Verification") == ""
    assert services.library.calls == []
    assert button(stage, "Verify").isEnabled()


async def test_a_verification_ends_as_a_word_in_passing_where_another_row_is_shown(
    stage: Stage, services: FakeServices
) -> None:
    services.library.gate = asyncio.Event()
    panel = await begin(stage, services)
    panel.select(OWN.path)
    button(stage, "Verify").click()
    panel.select(THEIRS.path)
    await stage.until(panel.work.isVisible)
    services.library.gate.set()
    await stage.until(stage.window.toast.isVisible)
    assert stage.window.toast.accessibleDescription().startswith("“Qwen3 8B”: Verified")


async def test_it_is_shown_in_the_file_manager_and_its_path_copied(
    stage: Stage, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    revealed: list[str] = []
    monkeypatch.setattr(Revealer, "show", lambda _, path: revealed.append(path))
    panel = await begin(stage, services)
    for path in (OWN.path, BROKEN.path):
        panel.select(path)
        button(stage, "Show in folder").click()
        button(stage, "Copy path").click()
        assert QGuiApplication.clipboard().text() == path
    assert revealed == [OWN.path, BROKEN.path]


async def test_settings_and_measurement_are_those_of_the_model(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    panel.select(THEIRS.path)
    button(stage, "Load settings").click()
    settings = stage.find(LoadSettingsDialog, "Model settings")
    assert any("Llama 3.2" in label.text() for label in settings.findChildren(QLabel))
    settings.close()
    button(stage, "Measure").click()
    await stage.until(lambda: stage.window.findChildren(QPushButton, "Measure now"))
    model = services.models.state.model
    assert model is not None
    assert model.path == THEIRS.path


async def test_an_opened_file_can_be_taken_out_of_the_list(
    stage: Stage, services: FakeServices
) -> None:
    opened = replace(OWN, origin=Origin.OPENED)
    panel = await begin(stage, services, opened, THEIRS)
    panel.select(opened.path)
    button(stage, "Take out of the list").click()
    await stage.until(lambda: "Qwen3 8B" not in shown(panel))
    assert services.library.calls == [("forget", opened.path)]


async def test_the_menu_of_a_row_does_the_same(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services, replace(OWN, is_favourite=True))
    panel.select(OWN.path)
    menu = panel.list.menu_of(replace(OWN, is_favourite=True))
    words = [action.text().partition("\t")[0] for action in menu.actions() if action.text()]
    assert words[0] == "Use"
    assert "No favourite any more" in words
    assert words[-1] == "Move to trash…"
    next(action for action in menu.actions() if action.text() == "Verify").trigger()
    await stage.until(lambda: services.library.calls == [("verify", OWN.path)])
    menu.close()


async def test_the_measured_speed_is_told(stage: Stage, services: FakeServices) -> None:
    services.benchmarks.path = OWN.path
    services.benchmarks.records = [record(speed(0))]
    panel = await begin(stage, services)
    panel.select(OWN.path)
    await stage.until(lambda: text(stage, "Speed").startswith("Measured: writes"))
