"""The dialog of a model's load settings, and the list that shows what is in memory."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.domain.errors import ConfigError, FileMissing
from app.domain.fit import LayerShape, ModelShape, Share
from app.domain.load_params import Adapter, AutomaticThreads, LoadParams, ThreadsFrom
from app.domain.localmodel import STARTER_LABEL
from app.domain.placement import Device, DeviceKind
from app.gui.loading.adapters import AdaptersField
from app.gui.loading.dialog import LoadSettingsDialog
from app.gui.loading.draft import DraftField
from tests.helpers.gui_models import CPU, loaded_info, local_model
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

AnyWidget = TypeVar("AnyWidget", bound=QWidget)

GB = 1_000_000_000
STARTER = "/models/starter.gguf"
CARDS = tuple(
    Device(f"CUDA{number}", "A card", "CUDA", DeviceKind.GRAPHICS, 20 * GB, 24 * GB)
    for number in (0, 1)
)


async def opened(stage: Stage) -> LoadSettingsDialog:
    """The dialog of the chosen model."""
    await stage.begin()
    stage.window.menus.model_settings.trigger()
    await stage.until(lambda: stage.window.findChildren(LoadSettingsDialog))
    (dialog,) = stage.window.findChildren(LoadSettingsDialog)
    await stage.settle()
    return dialog


def part(dialog: LoadSettingsDialog, kind: type[AnyWidget], name: str) -> AnyWidget:
    """The control of this name."""
    found = dialog.findChild(kind, name)
    assert found is not None, name
    return found


def choose(dialog: LoadSettingsDialog, name: str, value: object) -> None:
    box = part(dialog, QComboBox, name)
    box.setCurrentIndex(box.findData(value))


def words(dialog: LoadSettingsDialog, name: str) -> str:
    return part(dialog, QLabel, name).text()


async def test_every_setting_has_a_field_with_its_help(
    stage: Stage, services: FakeServices
) -> None:
    sliding = ModelShape(1, (LayerShape(1, 1, sliding=True),), 8192, 512, 1, 1, 1, 1, 1)
    starter = replace(local_model("starter", starter=True), shape=sliding)
    services.models.models = (starter,)
    services.models.state = replace(services.models.state, model=starter)
    dialog = await opened(stage)
    shown = {field.what.name: field.help.text() for field in dialog.panel.fields}
    assert set(shown) == {field.name for field in fields(LoadParams)}
    assert all(shown.values())


async def test_what_is_chosen_is_kept_for_the_model(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    choose(dialog, "Context length", 2048)
    choose(dialog, "Key cache", "q8_0")
    part(dialog, QSpinBox, "Threads for writing").setValue(3)
    await stage.until(lambda: STARTER in services.load_settings.kept)
    assert services.load_settings.kept[STARTER] == LoadParams(
        context_length=2048, key_type="q8_0", threads=3
    )


async def test_the_rarer_ones_are_kept_too(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    dialog.panel.toggle.setChecked(True)
    part(dialog, QSpinBox, "Batch").setValue(1024)
    choose(dialog, "Flash attention", "off")
    part(dialog, QCheckBox, "Map the file").setChecked(False)
    part(dialog, QDoubleSpinBox, "Scaling factor").setValue(2)
    part(dialog, QPlainTextEdit, "Chat template").setPlainText("{{ messages }}")
    (adapters,) = (field for field in dialog.panel.fields if isinstance(field, AdaptersField))
    adapters.add_files(["/adapters/pirate.gguf"])
    part(dialog, QDoubleSpinBox, "Strength of pirate.gguf").setValue(0.5)
    dialog.accept()
    assert services.load_settings.kept[STARTER] == LoadParams(
        batch=1024,
        flash_attention="off",
        mmap=False,
        rope_factor=2.0,
        template="{{ messages }}",
        adapters=(Adapter("/adapters/pirate.gguf", 0.5),),
    )
    assert dialog.panel.toggle.text() == "Advanced load settings (6 set)"


async def test_values_are_shown_as_they_were_kept(stage: Stage, services: FakeServices) -> None:
    kept = LoadParams(
        context_length=4096,
        gpu_layers=7,
        value_type="f32",
        tensor_split=(3.0, 1.0),
        mlock=True,
        adapters=(Adapter("/a.gguf", 2.0),),
        template="x",
        draft_path="/draft.gguf",
    )
    services.load_settings.kept[STARTER] = kept
    services.fit.there = (CPU, *CARDS)
    dialog = await opened(stage)
    assert dialog.panel.params == kept
    assert part(dialog, QLineEdit, "Split over devices").text() == "3, 1"


async def test_the_memory_follows_each_change(stage: Stage) -> None:
    dialog = await opened(stage)
    assert words(dialog, "Memory of the model") == "Takes about 412 MB of 18.0 GB free."
    choose(dialog, "Context length", 4096)
    assert words(dialog, "Memory of the model") == "Takes about 408 MB of 18.0 GB free."
    choose(dialog, "Key cache", "q8_0")
    assert words(dialog, "Memory of the model") == "Takes about 406 MB of 18.0 GB free."
    assert words(dialog, "Parts of the memory") == "Weights 400 MB, context 2 MB, buffers 4 MB."


def draft_field(dialog: LoadSettingsDialog) -> DraftField:
    (field,) = (field for field in dialog.panel.fields if isinstance(field, DraftField))
    return field


async def test_a_draft_model_is_chosen_counted_and_taken_out(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    draft_field(dialog).use_file("/models/small.gguf")
    # Its file is read first.
    await stage.until(lambda: "draft model 50 MB" in words(dialog, "Parts of the memory"))
    assert words(dialog, "Memory of the model") == "Takes about 462 MB of 18.0 GB free."
    assert draft_field(dialog).name.full_text() == "/models/small.gguf"
    await stage.until(lambda: STARTER in services.load_settings.kept)
    assert services.load_settings.kept[STARTER] == LoadParams(draft_path="/models/small.gguf")
    part(dialog, QToolButton, "Reset Draft model").click()
    assert words(dialog, "Memory of the model") == "Takes about 412 MB of 18.0 GB free."
    dialog.accept()
    assert services.load_settings.kept[STARTER] == LoadParams()


async def test_a_file_that_is_no_draft_model_is_said_at_once(
    stage: Stage, services: FakeServices
) -> None:
    services.fit.bad_drafts.add("/notes.gguf")
    dialog = await opened(stage)
    draft_field(dialog).use_file("/notes.gguf")
    await stage.until(lambda: stage.banners() == ["The draft model cannot be used."])
    assert "draft model" not in words(dialog, "Parts of the memory")
    draft_field(dialog).use_file("/models/small.gguf")
    assert stage.banners() == []


async def test_the_exact_figure_holds_until_something_changes(stage: Stage) -> None:
    dialog = await opened(stage)
    measure = part(dialog, QPushButton, "Measure exactly")
    measure.click()
    await stage.until(lambda: not measure.isVisible())
    assert words(dialog, "Memory of the model") == "Takes 410 MB of 18.0 GB free."
    measured = "Measured: weights 400 MB, context 8 MB, buffers 2 MB."
    assert words(dialog, "Parts of the memory") == measured
    choose(dialog, "Key cache", "q8_0")
    assert words(dialog, "Memory of the model").startswith("Takes about")
    assert measure.isVisible()


async def test_a_figure_that_is_no_longer_wanted_is_not_shown(
    stage: Stage, services: FakeServices
) -> None:
    services.fit.measure_gate = asyncio.Event()
    dialog = await opened(stage)
    measure = part(dialog, QPushButton, "Measure exactly")
    measure.click()
    assert not measure.isEnabled()
    choose(dialog, "Key cache", "q8_0")
    services.fit.measure_gate.set()
    await stage.until(measure.isEnabled)
    assert words(dialog, "Memory of the model").startswith("Takes about")


async def test_what_cannot_be_measured_is_said(stage: Stage, services: FakeServices) -> None:
    services.fit.measure_error = FileMissing("The file is gone.")
    dialog = await opened(stage)
    part(dialog, QPushButton, "Measure exactly").click()
    await stage.until(stage.banners)
    assert stage.banners() == ["The file is gone."]
    assert part(dialog, QPushButton, "Measure exactly").isEnabled()


async def test_what_does_not_fit_is_said_louder(stage: Stage, services: FakeServices) -> None:
    services.fit.free = 300_000_000
    dialog = await opened(stage)
    assert part(dialog, QLabel, "Memory of the model").property("tone") == "danger"


async def test_what_automatic_comes_to_is_said(stage: Stage, services: FakeServices) -> None:
    services.load_settings.automatic_threads = AutomaticThreads(5, ThreadsFrom.SETTINGS)
    dialog = await opened(stage)
    assert part(dialog, QComboBox, "Context length").currentText() == "Automatic (8,192)"
    assert part(dialog, QComboBox, "Key cache").currentText() == "Automatic (f16)"
    assert part(dialog, QSpinBox, "Threads for writing").text() == "Automatic (5)"
    assert part(dialog, QSpinBox, "Micro-batch").text() == "Automatic (512)"
    source = "Automatic is 5 here, as Lamplight's settings say."
    assert words(dialog, "Source of the threads") == source
    # Not for this dialog to change.
    assert not part(dialog, QPushButton, "Reset to automatic").isEnabled()


async def test_what_follows_from_the_cores_needs_no_words(stage: Stage) -> None:
    dialog = await opened(stage)
    assert not part(dialog, QLabel, "Source of the threads").isVisible()


async def test_a_measured_number_is_told_and_reset(stage: Stage, services: FakeServices) -> None:
    services.load_settings.automatic_threads = AutomaticThreads(3, ThreadsFrom.MEASURED)
    dialog = await opened(stage)
    assert "3 here, for every model: that was measured" in words(dialog, "Source of the threads")
    reset = part(dialog, QPushButton, "Reset to automatic")
    reset.click()
    assert services.load_settings.automatic_threads.source is ThreadsFrom.CORES
    assert part(dialog, QSpinBox, "Threads for writing").text() == "Automatic"
    assert not part(dialog, QLabel, "Source of the threads").isVisible()
    assert not reset.isEnabled()


async def test_a_number_that_cannot_be_forgotten_stays_and_is_said(
    stage: Stage, services: FakeServices
) -> None:
    services.load_settings.automatic_threads = AutomaticThreads(3, ThreadsFrom.MEASURED)
    services.load_settings.error = ConfigError("It can't be saved.")
    dialog = await opened(stage)
    part(dialog, QPushButton, "Reset to automatic").click()
    assert part(dialog, QSpinBox, "Threads for writing").text() == "Automatic (3)"
    assert stage.banners() == ["It can't be saved."]


async def test_reset_goes_back_to_automatic(stage: Stage, services: FakeServices) -> None:
    services.load_settings.kept[STARTER] = LoadParams(context_length=1024, draft_path="/d.gguf")
    dialog = await opened(stage)
    part(dialog, QPushButton, "Reset to automatic").click()
    dialog.accept()
    assert services.load_settings.kept[STARTER] == LoadParams()


async def test_one_setting_is_reset_alone(stage: Stage, services: FakeServices) -> None:
    services.load_settings.kept[STARTER] = LoadParams(context_length=1024, key_type="f32")
    dialog = await opened(stage)
    part(dialog, QToolButton, "Reset Context length").click()
    dialog.accept()
    assert services.load_settings.kept[STARTER] == LoadParams(key_type="f32")


async def test_a_loaded_model_with_other_settings_can_be_loaded_again(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    again = part(dialog, QPushButton, "Load again")
    assert not again.isVisible()
    services.models.outdated.add(STARTER)
    services.models.show_loaded(loaded_info(STARTER))
    assert again.isVisible()
    assert words(dialog, "Load note") == "The model is loaded with other settings."
    again.click()
    await stage.until(lambda: services.models.loads)
    await stage.until(lambda: not again.isVisible())
    assert words(dialog, "Load note") == "The model is loaded with these settings."


async def test_settings_that_cannot_be_written_are_said(
    stage: Stage, services: FakeServices
) -> None:
    services.load_settings.error = ConfigError("It can't be saved.")
    dialog = await opened(stage)
    choose(dialog, "Key cache", "q8_0")
    dialog.accept()
    assert stage.banners() == ["It can't be saved."]


# ---------------------------------------------------------------------------------- devices


async def test_without_a_graphics_processor_there_is_nothing_to_split(stage: Stage) -> None:
    dialog = await opened(stage)
    dialog.panel.toggle.setChecked(True)
    assert not part(dialog, QSpinBox, "GPU layers").isEnabled()
    assert part(dialog, QLabel, "No graphics processor").isVisible()
    assert not part(dialog, QLineEdit, "Split over devices").isVisible()
    assert words(dialog, "Devices") == "A processor (processor): 18.0 GB of 24.0 GB free"


async def test_with_two_of_them_each_is_told(stage: Stage, services: FakeServices) -> None:
    services.fit.there = (CPU, *CARDS)
    services.fit.shares = (
        Share("", 0, GB // 10, 0, 0, 18 * GB),
        Share("CUDA0", 16, 2 * GB, GB // 4, 0, 20 * GB),
        Share("CUDA1", 15, 2 * GB, GB // 4, 0, 20 * GB),
    )
    dialog = await opened(stage)
    dialog.panel.toggle.setChecked(True)
    assert part(dialog, QSpinBox, "GPU layers").isEnabled()
    assert part(dialog, QSpinBox, "GPU layers").text() == "Automatic (31)"
    assert part(dialog, QLineEdit, "Split over devices").isVisible()
    assert words(dialog, "Parts of the memory").split("\n")[1:] == [
        "CUDA0: 16 layers, 2.2 GB of 20.0 GB free",
        "CUDA1: 15 layers, 2.2 GB of 20.0 GB free",
    ]


# ------------------------------------------------------------------------ the list of models


async def test_the_list_shows_what_is_loaded_and_unloads_each(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.model_button.click()
    services.models.show_loaded(loaded_info(STARTER), loaded_info("/models/Qwen3 8B.gguf"))
    badges = [badge.text() for badge in stage.window.popup.findChildren(QLabel, "Fit")]
    assert badges == ["loaded, 317 MB"] * 2
    # The chosen one has its button below.
    assert not stage.find(QToolButton, f"Unload {STARTER_LABEL}").isVisible()
    stage.find(QToolButton, "Unload Qwen3 8B").click()
    await stage.until(lambda: services.models.unloaded == ["/models/Qwen3 8B.gguf"])
    assert not stage.find(QToolButton, "Unload Qwen3 8B").isVisible()


async def test_the_settings_of_another_model_open_from_the_list(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.model_button.click()
    stage.find(QToolButton, "Settings of Qwen3 8B").click()
    await stage.until(lambda: stage.window.findChildren(LoadSettingsDialog))
    (dialog,) = stage.window.findChildren(LoadSettingsDialog)
    assert not stage.window.popup.isVisible()
    choose(dialog, "Value cache", "f32")
    dialog.accept()
    assert set(services.load_settings.kept) == {"/models/Qwen3 8B.gguf"}


async def test_the_inspector_opens_the_settings_and_follows_them(
    stage: Stage, services: FakeServices
) -> None:
    await stage.begin()
    stage.window.inspector.context.settings.click()
    await stage.until(lambda: stage.window.findChildren(LoadSettingsDialog))
    (dialog,) = stage.window.findChildren(LoadSettingsDialog)
    choose(dialog, "Context length", 1024)
    dialog.accept()
    box = stage.window.inspector.context.box
    assert box.itemText(0) == "As the model is set (1,024)"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_keyboard_reaches_every_field(stage: Stage, theme: str) -> None:
    dialog = await opened(stage)
    stage.window.theme.set_wish(theme)
    reached: set[str] = set()
    for _ in range(20):
        widget = dialog.focusWidget()
        assert isinstance(widget, QWidget)
        reached.add(widget.objectName())
        stage.key(Qt.Key.Key_Tab, on=widget)
    assert {"Context length", "Key cache", "Advanced load settings", "Close model settings"} <= (
        reached
    )
