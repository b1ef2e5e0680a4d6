"""The real application with its model loaded and answering, until it is ended.

`python -m tests.bench.memory_window PROFILE` writes `["answering", BYTES]` some way into the answer
to a message that fills llama.cpp's buffers; BYTES is what the model itself takes, as the engine
tells.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.facts import AnswerEnded, AnswerGrew, Fact, ModelPhase
from tests.bench.engine.talk import long_text
from tests.helpers.driven_app import run_driven, tell, until

if TYPE_CHECKING:
    from app.gui.window import MainWindow
    from app.services import Services

_PROMPT_TOKENS = 1200
"""More than one batch."""
_PIECES = 30
"""Of the answer, before the memory is looked at."""


async def play(window: MainWindow, services: Services) -> None:
    """Ask once and tell what the model takes."""
    pieces: list[AnswerGrew] = []

    def heard(fact: Fact) -> None:
        match fact:
            case AnswerGrew():
                pieces.append(fact)
            case AnswerEnded(error=error) if error is not None:
                raise RuntimeError(error.title)
            case _:
                pass

    services.facts.subscribe(heard)
    await until(lambda: services.models.state.phase is ModelPhase.READY)
    window.composer.set_text(long_text(_PROMPT_TOKENS) + "Sum it up in a sentence.")
    QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
    await until(lambda: len(pieces) >= _PIECES)
    info = services.models.state.info
    assert info is not None
    tell("answering", info.total_bytes)


if __name__ == "__main__":
    raise SystemExit(run_driven(play, sys.argv[1]))
