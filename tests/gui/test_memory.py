"""The dialog “Memory and disk”: its settings, what models take, and what is kept on disk."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.domain.errors import ConfigError, EngineBusy
from app.domain.overflow import Overflow
from app.domain.settings import Settings
from app.gui.memory.dialog import MemoryDialog
from tests.helpers.gui_models import loaded_info
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

AnyWidget = TypeVar("AnyWidget", bound=QWidget)

CLEAR = "Clear what is kept on disk"


def dialog_of(stage: Stage) -> MemoryDialog:
    (dialog,) = (one for one in stage.window.findChildren(MemoryDialog) if one.isVisible())
    return dialog


async def opened(stage: Stage) -> MemoryDialog:
    """The dialog, from the menu."""
    await stage.begin()
    stage.window.menus.memory.trigger()
    await stage.settle()
    return dialog_of(stage)


def part(dialog: MemoryDialog, kind: type[AnyWidget], name: str) -> AnyWidget:
    """The control of this name."""
    found = dialog.findChild(kind, name)
    assert found is not None, name
    return found


def words(dialog: MemoryDialog, name: str) -> str:
    return part(dialog, QLabel, name).text()


async def test_what_is_chosen_is_kept(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    part(dialog, QDoubleSpinBox, "Memory for models").setValue(12.5)
    part(dialog, QSpinBox, "Unload after").setValue(30)
    part(dialog, QSpinBox, "Space for them").setValue(10)
    part(dialog, QCheckBox, "Keep read conversations on disk").setChecked(False)
    box = part(dialog, QComboBox, "When the context is full")
    box.setCurrentIndex(box.findData(Overflow.STOP.value))
    await stage.until(lambda: services.settings.current != Settings())
    engine = services.settings.current.engine
    assert (engine.memory_budget_gb, engine.keep_minutes) == (12.5, 30)
    assert (engine.disk_cache, engine.disk_cache_gb) == (False, 10)
    assert services.settings.current.chat.overflow == Overflow.STOP.value


async def test_closing_writes_at_once(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    part(dialog, QSpinBox, "Unload after").setValue(5)
    dialog.reject()
    assert services.settings.current.engine.keep_minutes == 5


async def test_nothing_changed_is_nothing_written(stage: Stage, services: FakeServices) -> None:
    services.settings.error = ConfigError("It can't be saved.")
    (await opened(stage)).accept()
    assert stage.banners() == []


async def test_what_cannot_be_written_is_said(stage: Stage, services: FakeServices) -> None:
    services.settings.error = ConfigError("It can't be saved.")
    dialog = await opened(stage)
    part(dialog, QSpinBox, "Unload after").setValue(5)
    await stage.until(stage.banners)
    assert stage.banners() == ["It can't be saved."]


async def test_the_defaults_are_said_in_words_and_come_back(stage: Stage) -> None:
    dialog = await opened(stage)
    minutes = part(dialog, QSpinBox, "Unload after")
    assert part(dialog, QDoubleSpinBox, "Memory for models").text() == "What is free"
    assert minutes.text() == "Never"
    minutes.setValue(30)
    assert minutes.text() == "30 minutes"
    part(dialog, QToolButton, "Reset Unload after").click()
    assert minutes.text() == "Never"


async def test_without_a_cache_there_is_no_space_to_set(stage: Stage) -> None:
    dialog = await opened(stage)
    assert part(dialog, QSpinBox, "Space for them").isEnabled()
    part(dialog, QCheckBox, "Keep read conversations on disk").setChecked(False)
    assert not part(dialog, QSpinBox, "Space for them").isEnabled()


async def test_what_loaded_models_take_is_told_and_followed(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    assert words(dialog, "Memory of loaded models") == "No model is loaded now."
    services.models.show_loaded(loaded_info("/a.gguf"))
    assert words(dialog, "Memory of loaded models") == "The loaded model takes 317 MB now."
    services.models.show_loaded(loaded_info("/a.gguf"), loaded_info("/b.gguf"))
    assert words(dialog, "Memory of loaded models") == "2 loaded models take 634 MB now."


async def test_what_is_kept_is_told_and_removed(stage: Stage) -> None:
    dialog = await opened(stage)
    kept = "Kept on disk"
    await stage.until(lambda: "1.3 GB on disk" in words(dialog, kept))
    part(dialog, QPushButton, CLEAR).click()
    await stage.until(lambda: "removed" in words(dialog, kept))
    assert words(dialog, kept) == "1.3 GB were removed. Nothing is kept on disk now."
    assert not part(dialog, QPushButton, CLEAR).isEnabled()


async def test_what_cannot_be_removed_is_said(stage: Stage, services: FakeServices) -> None:
    services.models.clear_error = EngineBusy("It can't be removed.")
    dialog = await opened(stage)
    await stage.until(lambda: part(dialog, QPushButton, CLEAR).isEnabled())
    part(dialog, QPushButton, CLEAR).click()
    await stage.until(stage.banners)
    assert stage.banners() == ["It can't be removed."]
    assert part(dialog, QPushButton, CLEAR).isEnabled()


async def test_the_list_of_models_opens_it_too(stage: Stage) -> None:
    await stage.begin()
    stage.window.model_button.click()
    stage.find(QPushButton, "Memory and disk").click()
    dialog = dialog_of(stage)
    assert not stage.window.popup.isVisible()
    assert not dialog.isModal()
    stage.window.menus.memory.trigger()
    assert dialog_of(stage) is dialog


async def test_by_keyboard_alone(stage: Stage) -> None:
    dialog = await opened(stage)
    await stage.until(lambda: QApplication.focusWidget() is dialog.budget.spin)
    reached: set[str] = set()
    for _ in range(10):
        reached.add(stage.focus().objectName())
        stage.key(Qt.Key.Key_Tab, on=stage.focus())
    assert {
        "Memory for models",
        "Unload after",
        CLEAR,
        "Keep read conversations on disk",
        "Space for them",
        "When the context is full",
        "Close memory and disk",
    } <= reached
    stage.key(Qt.Key.Key_Escape, on=dialog)
    assert not dialog.isVisible()
