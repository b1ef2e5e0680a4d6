"""The real application with its model loaded and a message answered, until it is ended.

`python -m tests.bench.memory_window PROFILE` writes `["answered", BYTES]` once it has answered a
message that fills llama.cpp's buffers; BYTES is what the model itself takes, as the engine tells.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.facts import AnswerEnded, Fact, ModelPhase
from tests.bench.engine.talk import long_text
from tests.helpers.driven_app import run_driven, tell, until

if TYPE_CHECKING:
    from app.gui.window import MainWindow
    from app.services import Services

_PROMPT_TOKENS = 1200
"""More than one batch."""
_ANSWER_TOKENS = 64
_SETTLE_SECONDS = 1.0


async def play(window: MainWindow, services: Services) -> None:
    """Ask once and tell what the model takes."""
    ended: list[AnswerEnded] = []

    def heard(fact: Fact) -> None:
        if isinstance(fact, AnswerEnded):
            ended.append(fact)

    services.facts.subscribe(heard)
    chat = replace(services.settings.current.chat, max_tokens=_ANSWER_TOKENS)
    services.settings.change(replace(services.settings.current, chat=chat))
    await until(lambda: services.models.state.phase is ModelPhase.READY)
    window.composer.set_text(long_text(_PROMPT_TOKENS) + "Sum it up in a sentence.")
    QTest.keyClick(window.composer.field, Qt.Key.Key_Return)
    await until(lambda: ended)
    if ended[0].error is not None:
        raise RuntimeError(ended[0].error.title)
    await asyncio.sleep(_SETTLE_SECONDS)
    info = services.models.state.info
    assert info is not None
    tell("answered", info.total_bytes)


if __name__ == "__main__":
    raise SystemExit(run_driven(play, sys.argv[1]))
