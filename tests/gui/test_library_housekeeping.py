"""What concerns the library as a whole: adding files, its folders, duplicates."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QFileDialog,
    QLabel,
    QPushButton,
    QRadioButton,
    QToolButton,
)

from app.domain.library import (
    Duplicates,
    FileCopy,
    Imported,
    ImportWay,
    LibraryEntry,
    Origin,
    Refusal,
)
from app.domain.library_errors import LibraryNoSpace
from app.gui.library.panel import LibraryPanel
from app.gui.pages import MODELS
from tests.helpers.gui_library import GB, OWN, library_entry, refused_file, two_copies
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

QWEN = library_entry("Qwen3 8B")
FILES = ["/home/ada/Downloads/New.gguf", "/home/ada/stuff"]


async def begin(stage: Stage, services: FakeServices, *entries: LibraryEntry) -> LibraryPanel:
    """The page `Models` with these in the library."""
    services.library.entries = entries or (QWEN,)
    await stage.begin()
    assert stage.wiring is not None
    stage.window.pages.go(MODELS)
    stage.wiring.models.page.show_part("Library")
    panel = stage.wiring.models.library_panel
    await stage.until(panel.isVisible)
    return panel


def dialog(stage: Stage, name: str) -> QDialog:
    return stage.find(QDialog, name)


def words(widget: QDialog) -> str:
    """All that a dialog says."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def press(widget: QDialog, name: str) -> None:
    button = widget.findChild(QPushButton, name)
    assert isinstance(button, QPushButton)
    button.click()


# -------------------------------------------------------------------------------------- adding


def drag(paths: list[str]) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


async def test_files_and_folders_dropped_on_the_library_are_asked_about(
    stage: Stage, services: FakeServices
) -> None:
    panel = await begin(stage, services)
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    data, left = drag(FILES), Qt.MouseButton.LeftButton
    at = panel.list.mapTo(stage.window, panel.list.rect().center())
    QApplication.sendEvent(panel, QDragEnterEvent(at, copy, data, left, none))
    hints = [hint.isVisible() for hint in panel.findChildren(type(panel._drop_hint))]
    assert hints == [True]
    assert not stage.window.drop_hint.isVisible()
    QApplication.sendEvent(panel, QDropEvent(QPointF(at), copy, data, left, none))
    asked = dialog(stage, "Add to the library")
    assert "“New.gguf”, “stuff”" in words(asked)
    assert "212 GB are free" in words(asked)
    press(asked, "Cancel")
    await stage.settle()
    assert services.library.calls == []


@pytest.mark.parametrize(
    ("chosen", "way"),
    [
        ("Use in place", ImportWay.IN_PLACE),
        ("Copy into Lamplight's folder", ImportWay.COPY),
        ("Move into Lamplight's folder", ImportWay.MOVE),
    ],
)
async def test_what_is_added_is_used_copied_or_moved(
    stage: Stage, services: FakeServices, chosen: str, way: ImportWay
) -> None:
    services.library.imported = Imported((QWEN.path,))
    panel = await begin(stage, services)
    panel.dropped.emit(FILES)
    asked = dialog(stage, "Add to the library")
    card = asked.findChild(QRadioButton, chosen)
    assert isinstance(card, QRadioButton)
    card.click()
    press(asked, "Add now")
    await stage.until(stage.window.toast.isVisible)
    assert services.library.calls == [("import", tuple(FILES), way)]
    assert stage.window.toast.accessibleDescription() == "One model was added."
    assert panel.list.row() == QWEN
    await stage.settle()
    panel.dropped.emit(FILES[:1])
    again = dialog(stage, "Add to the library").findChild(QRadioButton, chosen)
    assert isinstance(again, QRadioButton)
    assert again.isChecked()


async def test_adding_tells_how_far_it_is_and_can_be_cancelled(
    stage: Stage, services: FakeServices
) -> None:
    services.library.gate = asyncio.Event()
    panel = await begin(stage, services)
    panel.dropped.emit(FILES)
    press(dialog(stage, "Add to the library"), "Add now")
    work = stage.find(QLabel, "Work")
    await stage.until(lambda: work.text() == "Adding models: 2.3 GB of 4.7 GB")
    stage.find(QPushButton, "Cancel: Adding models").click()
    await stage.until(lambda: not panel.work.isVisible())
    assert services.library.calls == []


async def test_what_could_not_be_added_is_told_with_its_reason(
    stage: Stage, services: FakeServices
) -> None:
    broken = refused_file("New.gguf", Refusal.DAMAGED)
    services.library.imported = Imported((QWEN.path,), (broken,))
    panel = await begin(stage, services)
    panel.dropped.emit(FILES)
    press(dialog(stage, "Add to the library"), "Add now")
    await stage.until(lambda: stage.window.findChildren(QDialog, "Not everything was added"))
    told = words(dialog(stage, "Not everything was added"))
    assert "One model was added." in told
    assert "New.gguf" in told
    assert "The end of this file is missing." in told
    press(dialog(stage, "Not everything was added"), "Close")


async def test_too_little_room_is_a_banner(stage: Stage, services: FakeServices) -> None:
    services.library.error = LibraryNoSpace("The disk has no room for these files.")
    panel = await begin(stage, services)
    panel.dropped.emit(FILES)
    press(dialog(stage, "Add to the library"), "Add now")
    await stage.until(lambda: stage.banners() == ["The disk has no room for these files."])
    assert not panel.work.isVisible()


async def test_files_are_chosen_in_the_systems_dialog(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.add_files_wished.emit()
    chooser = stage.find(QFileDialog, "Add model files")
    chooser.filesSelected.emit(FILES[:1])
    chooser.close()
    assert "“New.gguf”" in words(dialog(stage, "Add to the library"))
    press(dialog(stage, "Add to the library"), "Cancel")


# ------------------------------------------------------------------------------------- folders


async def open_folders(stage: Stage, panel: LibraryPanel) -> QDialog:
    panel.folders.click()
    await stage.settle()
    return dialog(stage, "Model folders")


async def test_folders_say_what_is_in_them_and_what_is_never_changed(
    stage: Stage, services: FakeServices
) -> None:
    folders = await open_folders(stage, await begin(stage, services))
    said = words(folders)
    assert f"{OWN}\n3 models · 12.0 GB · 1 unusable" in said
    assert "Nothing in them is changed, moved or deleted." in said
    assert "/home/ada/.ollama/models\nnot looked at" in said
    assert "/home/ada/.local/share/Jan/data\nnot found" in said
    press(folders, "Close")


async def test_other_applications_are_switched_on_and_off(
    stage: Stage, services: FakeServices
) -> None:
    folders = await open_folders(stage, await begin(stage, services))
    ollama, studio = (
        folders.findChild(QCheckBox, "Ollama"),
        folders.findChild(QCheckBox, "LM Studio"),
    )
    assert isinstance(ollama, QCheckBox)
    assert isinstance(studio, QCheckBox)
    assert (ollama.isChecked(), studio.isChecked()) == (False, True)
    ollama.click()
    studio.click()
    await stage.until(lambda: len(services.library.calls) == 2)
    assert services.library.calls == [
        ("look_at", Origin.OLLAMA, True),
        ("look_at", Origin.LM_STUDIO, False),
    ]
    press(folders, "Close")


async def test_a_folder_is_added_and_removed(stage: Stage, services: FakeServices) -> None:
    folders = await open_folders(stage, await begin(stage, services))
    press(folders, "Add a folder")
    chooser = stage.find(QFileDialog, "Add a model folder")
    chooser.filesSelected.emit(["/mnt/more"])
    chooser.close()
    remove = folders.findChild(QToolButton, "Remove /mnt/big/models")
    assert isinstance(remove, QToolButton)
    remove.click()
    await stage.until(lambda: "/mnt/big/models" not in words(folders))
    assert services.library.calls == [
        ("add_folder", "/mnt/more"),
        ("remove_folder", "/mnt/big/models"),
    ]
    press(folders, "Close")


@pytest.mark.parametrize(("answer", "move"), [("Move them", True), ("Leave them", False)])
async def test_another_folder_for_new_models(
    stage: Stage, services: FakeServices, answer: str, move: bool
) -> None:
    panel = await begin(stage, services)
    folders = await open_folders(stage, panel)
    press(folders, "Change the folder for new models")
    chooser = stage.find(QFileDialog, "Folder for new models")
    chooser.filesSelected.emit(["/mnt/more"])
    chooser.close()
    asked = dialog(stage, "Move the models too?")
    assert "4.7 GB" in words(asked)
    press(asked, answer)
    await stage.until(lambda: services.library.calls == [("use_own_folder", "/mnt/more", move)])
    panel.window().findChild(QDialog, "Model folders")
    for left in stage.window.findChildren(QDialog, "Model folders"):
        left.close()


# ---------------------------------------------------------------------------------- duplicates


async def test_duplicates_show_what_can_be_won_and_an_own_copy_is_removed(
    stage: Stage, services: FakeServices
) -> None:
    group = two_copies(QWEN)
    theirs = replace(
        group,
        name="Gemma",
        copies=(FileCopy("/a", Origin.JAN, GB), FileCopy("/b", Origin.LM_STUDIO, GB)),
    )
    services.library.duplicates = Duplicates((group, theirs))
    panel = await begin(stage, services)
    panel.duplicates.click()
    await stage.until(lambda: stage.window.findChildren(QDialog, "Duplicates"))
    found = dialog(stage, "Duplicates")
    assert words(found).count("Ollama · the one to keep") == 1
    assert stage.find(QLabel, "Reclaimable").text().startswith("4.7 GB can be freed")
    moves = [b for b in found.findChildren(QPushButton) if b.text() == "Move to trash"]
    assert [button.objectName() for button in moves] == [f"Move {QWEN.path} to the trash"]
    moves[0].click()
    await stage.until(lambda: "in the trash" in words(found))
    assert services.library.calls == [("find_duplicates",), ("remove", QWEN.path)]
    assert "once the trash is emptied" in stage.find(QLabel, "Reclaimable").text()
    press(found, "Close")


async def test_copies_in_the_same_folder_can_be_told_apart(
    stage: Stage, services: FakeServices
) -> None:
    folder = f"/home/ada/{'models-' * 12}/author/repo"
    copies = tuple(FileCopy(f"{folder}/{name}.gguf", Origin.OWN, GB) for name in ("one", "two"))
    services.library.duplicates = Duplicates((replace(two_copies(QWEN), copies=copies),))
    panel = await begin(stage, services)
    panel.duplicates.click()
    await stage.until(lambda: stage.window.findChildren(QDialog, "Duplicates"))
    await stage.settle()
    shown = words(dialog(stage, "Duplicates"))
    assert "…/author/repo/one.gguf" in shown
    assert "…/author/repo/two.gguf" in shown


async def test_no_duplicates_is_a_word_in_passing(stage: Stage, services: FakeServices) -> None:
    panel = await begin(stage, services)
    panel.duplicates.click()
    assert not panel.duplicates.isEnabled()
    await stage.until(stage.window.toast.isVisible)
    assert stage.window.toast.accessibleDescription() == "There are no duplicates."
    await stage.until(panel.duplicates.isEnabled)


async def test_the_window_closes_with_dialogs_open(stage: Stage, services: FakeServices) -> None:
    await open_folders(stage, await begin(stage, services))
    await stage.end()
    assert not any(dialog.isVisible() for dialog in stage.window.findChildren(QDialog))
