"""The fit panel: what it says, what it draws, and that it follows the hand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QSlider

from app.domain.fit import LayerShape, ModelShape
from app.domain.fit_inputs import FitInputs
from app.domain.load_params import LoadParams
from app.domain.placement import Device, DeviceKind, Room
from app.gui.fitview.context_slider import steps_for
from app.gui.fitview.panel import FitPanel
from app.gui.fitview.picture import DeviceBar, colour_of
from app.gui.fitview.places import Part
from app.gui.theme.keeper import ThemeKeeper

GB = 10**9
CARD = Device("CUDA0", "A card with a long name", "CUDA", DeviceKind.GRAPHICS, 20 * GB, 24 * GB)


def shape_of(count: int, weights: int, *, head_width: int = 128) -> ModelShape:
    each = weights // (count + 2)
    layers = tuple(LayerShape(1024, 1024, weights_bytes=each) for _ in range(count))
    return ModelShape(
        weights,
        layers,
        131_072,
        0,
        128_256,
        4096,
        32,
        4096,
        14_336,
        output_bytes=each,
        head_width=head_width,
    )


def inputs(room: Room, *, weights: int = 5 * GB, count: int = 32) -> FitInputs:
    return FitInputs(shape_of(count, weights), 131_072, room, 32 * GB)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[ThemeKeeper]:
    made = ThemeKeeper(qapp, wish="light")
    made.dress(qapp)
    yield made
    made.deleteLater()


@pytest.fixture
def panel(theme: ThemeKeeper) -> Iterator[FitPanel]:
    made = FitPanel(theme)
    made.resize(300, 500)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def words(panel: FitPanel, name: str) -> str:
    found = panel.findChild(QLabel, name)
    assert found is not None, name
    return found.text()


def slider(panel: FitPanel) -> QSlider:
    found = panel.findChild(QSlider, "Context to try")
    assert found is not None
    return found


def bars(panel: FitPanel) -> list[DeviceBar]:
    return [bar for bar in panel.findChildren(DeviceBar) if bar.isVisibleTo(panel)]


def test_it_starts_with_what_would_be_chosen(panel: FitPanel) -> None:
    panel.show_inputs(inputs(Room(24 * GB)))
    assert words(panel, "Fit verdict") == "Takes about 6.4 GB of 24.0 GB free."
    assert words(panel, "Context to try in words") == "8,192 tokens"
    assert words(panel, "Longest context") == "All 131,072 tokens that the model knows would fit."
    assert panel.params == LoadParams(context_length=8192, key_type="f16", value_type="f16")


def test_the_account_adds_up(panel: FitPanel) -> None:
    panel.show_inputs(inputs(Room(24 * GB)))
    rows = {name: words(panel, name) for name in ("Weights", "Context", "Buffers")}
    assert rows == {
        "Weights": "5.0 GB",
        "Context": "1.1 GB",
        "Buffers": "302 MB",
    }
    assert words(panel, "Together") == "6.4 GB"
    assert words(panel, "Left free") == "17.6 GB"
    assert words(panel, "Used by others") == "8.0 GB"


def test_the_slider_moves_everything_at_once(panel: FitPanel) -> None:
    told: list[LoadParams] = []
    panel.changed.connect(lambda: told.append(panel.params))
    panel.show_inputs(inputs(Room(12 * GB)))
    assert words(panel, "Longest context").startswith("At most ")
    slider(panel).setValue(slider(panel).maximum())
    assert words(panel, "Context to try in words") == "131,072 tokens"
    assert words(panel, "Context") == "17.2 GB"
    assert words(panel, "Fit verdict").startswith("Needs about ")
    assert words(panel, "Left free") == "none"
    assert told[-1].context_length == 131_072


def test_eight_bits_take_half_and_let_more_fit(panel: FitPanel) -> None:
    panel.show_inputs(inputs(Room(12 * GB)))
    before = words(panel, "Longest context")
    kept = panel.findChild(QComboBox, "Context kept in")
    assert kept is not None
    kept.setCurrentIndex(kept.findData("q8_0"))
    assert words(panel, "Context") == "570 MB"
    assert words(panel, "Longest context") != before
    assert panel.params.value_type == "q8_0"


def test_a_width_that_has_no_blocks_cannot_be_kept_in_eight_bits(panel: FitPanel) -> None:
    odd = FitInputs(shape_of(4, GB, head_width=80), 4096, Room(8 * GB), 8 * GB)
    panel.show_inputs(odd)
    kept = panel.findChild(QComboBox, "Context kept in")
    assert kept is not None
    assert not kept.isEnabled()


def test_a_graphics_processor_has_a_bar_and_a_column(panel: FitPanel) -> None:
    panel.show_inputs(inputs(Room(24 * GB, (CARD,)), weights=40 * GB, count=80))
    assert words(panel, "Fit layers").endswith(
        " layers on the graphics processor, the others on the processor."
    )
    assert [bar.accessibleName() for bar in bars(panel)] == ["Memory in use", "CUDA0 in use"]
    assert words(panel, "Weights Memory") != words(panel, "Weights Graphics")
    panel.show_inputs(inputs(Room(24 * GB)))
    assert [bar.accessibleName() for bar in bars(panel)] == ["Memory in use"]
    assert not panel.layers.isVisibleTo(panel)


def test_all_layers_on_the_card(panel: FitPanel) -> None:
    panel.show_inputs(inputs(Room(24 * GB, (CARD,))))
    assert words(panel, "Fit layers") == "All 33 layers on the graphics processor."
    assert words(panel, "Fit verdict") == "Takes about 6.3 GB in all, and fits."


def test_the_bar_is_painted_in_the_colours_of_the_legend(
    panel: FitPanel, theme: ThemeKeeper
) -> None:
    panel.show_inputs(inputs(Room(24 * GB)))
    (bar,) = bars(panel)
    picture, widths = bar.grab().toImage(), bar.widths()
    assert set(widths) == set(Part)
    assert sum(widths.values()) == pytest.approx(bar.width())
    left = 0.0
    for part, width in widths.items():
        if width > 6:
            seen = picture.pixelColor(round(left + width / 2), bar.height() // 2)
            assert seen == QColor(colour_of(part, theme.tokens)), part
        left += width


def test_what_does_not_fit_runs_over_the_end(panel: FitPanel, theme: ThemeKeeper) -> None:
    panel.show_inputs(inputs(Room(4 * GB), weights=40 * GB))
    (bar,) = bars(panel)
    picture = bar.grab().toImage()
    row = {picture.pixelColor(x, bar.height() // 2).name() for x in range(150, bar.width() - 8)}
    assert theme.tokens.danger_ground in row


def test_nothing_is_clipped_in_a_narrow_place(panel: FitPanel) -> None:
    panel.show_inputs(inputs(Room(24 * GB, (CARD,)), weights=40 * GB, count=80))
    panel.resize(260, 600)
    QApplication.processEvents()
    assert panel.minimumSizeHint().width() <= 260
    for name in ("Weights Memory", "Weights Graphics", "Used by others Graphics"):
        found = panel.findChild(QLabel, name)
        assert found is not None
        assert found.width() >= found.sizeHint().width()


def test_what_cannot_be_told(panel: FitPanel) -> None:
    assert words(panel, "Fit verdict") == "Reading what the file says about itself…"
    assert not slider(panel).isVisibleTo(panel)
    panel.show_unknown()
    assert words(panel, "Fit verdict") == "This file does not say how much memory it takes."
    panel.show_unknown("The hub cannot be reached.")
    assert words(panel, "Fit verdict") == "The hub cannot be reached."


def test_a_move_of_the_hand_costs_next_to_nothing(panel: FitPanel) -> None:
    """The bar is 5 ms on a quiet machine; the processor's own time is told here."""
    panel.show_inputs(inputs(Room(24 * GB, (CARD,)), weights=40 * GB, count=80))
    bar = slider(panel)
    spent: list[float] = []
    for position in range(bar.maximum()):
        began = time.thread_time()
        bar.setValue(position)
        spent.append(time.thread_time() - began)
    assert sorted(spent)[len(spent) // 2] < 0.01


@pytest.mark.parametrize(
    ("trained", "steps"),
    [
        (8192, [1024, 1536, 2048, 3072, 4096, 6144, 8192]),
        (1500, [1024, 1500]),
        (512, [512]),
    ],
)
def test_steps_double_and_end_with_the_trained_context(trained: int, steps: list[int]) -> None:
    assert steps_for(trained) == steps
