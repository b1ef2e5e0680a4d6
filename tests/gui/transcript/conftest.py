"""A theme and a transcript of one's own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QWidget

from app.gui.theme.keeper import ThemeKeeper
from app.gui.transcript.body import Body
from app.gui.transcript.highlight import HighlightQueue
from app.gui.transcript.styles import GUTTER, Styles
from app.gui.transcript.view import TranscriptView

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[ThemeKeeper]:
    made = ThemeKeeper(wish="light")
    yield made
    made.deleteLater()


@pytest.fixture
def view(qtbot: QtBot, theme: ThemeKeeper) -> TranscriptView:
    """Shown, empty, 800 by 600."""
    made = TranscriptView(theme)
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


@pytest.fixture
def make_body(qtbot: QtBot, theme: ThemeKeeper) -> Callable[[], Body]:
    """Bodies in a shown window, their highlighter at work."""
    window = QWidget()
    window.resize(800, 600)
    qtbot.addWidget(window)
    window.show()
    queue = HighlightQueue(window)
    queue.open()

    def make() -> Body:
        body = Body(Styles(theme), queue, window, gutter=GUTTER)
        body.show()
        return body

    return make
