"""The real application, given what is wrong, one thing after the other.

    python -m tests.e2e.bad_input_driver PROFILE STEPS

STEPS is a JSON list of `["open", file]`, `["ask", text]`, `["context", length or null]`,
`["delete", file]`, `["starter"]`. For each a line comes out, `[step, outcome, errors]`: what became
of it (`ready`, `failed`, `refused`, `done`, …) and, for every banner, failed model and failed
answer on the screen, `[kind, title, remedy]`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.conversation import MessageStatus
from app.domain.facts import AnswerEnded, Fact, ModelPhase
from tests.helpers.driven_app import run_driven, tell, until

if TYPE_CHECKING:
    from app.domain.errors import AppError
    from app.gui.window import MainWindow
    from app.services import Services


class Steps:
    """Plays the steps."""

    def __init__(self, steps: list[list[Any]]) -> None:
        self._steps = steps
        self._ended: list[AnswerEnded] = []

    async def play(self, window: MainWindow, services: Services) -> None:
        """All of them, then close the window as its button does."""
        self._window, self._services = window, services
        # What is typed before the conversation is there would be no test of what is asked.
        while not await services.conversations.list() and not self._store_is_shut():
            await asyncio.sleep(0.005)
        self._known = list(window.banners.errors())
        if not self._known:
            await until(lambda: window.header.title())
        services.facts.subscribe(self._heard)
        for name, *values in self._steps:
            for error in window.banners.errors():
                if name != "look":
                    window.banners.remove(error.kind)
            outcome = await getattr(self, f"_do_{name}")(*values)
            tell(name, outcome, [_row(error) for error in self._errors()])
        assert window.isVisible()
        window.close()

    def _store_is_shut(self) -> bool:
        """Nothing can be opened; after damage a new store is."""
        kinds = {error.kind for error in self._window.banners.errors()}
        return bool(kinds & {"store.newer", "store.read_only", "store.disk_full"})

    def _heard(self, fact: Fact) -> None:
        if isinstance(fact, AnswerEnded):
            self._ended.append(fact)

    def _errors(self) -> list[AppError]:
        found = list(self._window.banners.errors())
        state = self._services.models.state
        if state.phase is ModelPhase.FAILED and state.error is not None:
            found.append(state.error)
        if self._ended and self._ended[-1].error is not None:
            found.append(self._ended[-1].error)
        self._ended.clear()
        return found

    async def _do_look(self) -> str:
        return "seen"

    async def _do_open(self, file: str) -> str:
        self._window.files_dropped.emit([file])

        def over() -> bool:
            state = self._services.models.state
            chosen = state.model is not None and state.model.path == file
            settled = state.phase in (ModelPhase.READY, ModelPhase.FAILED)
            return bool(self._window.banners.errors()) or (chosen and settled)

        await until(over)
        return (
            "refused" if self._window.banners.errors() else str(self._services.models.state.phase)
        )

    async def _do_starter(self) -> str:
        starter = next(model for model in self._services.models.models if model.is_starter)
        await self._services.models.choose(starter.path)
        return "done"

    async def _do_ask(self, text: str) -> str:
        window = self._window
        window.composer.set_text(text)
        QTest.keyClick(window.composer.field, Qt.Key.Key_Return)

        def refused() -> bool:
            return bool(window.banners.errors()) and window.composer.text() == text

        await until(lambda: self._ended or refused())
        if not self._ended:
            return "unsent, text kept"
        await until(
            lambda: window.transcript.entries[-1].message.status is not MessageStatus.STREAMING
        )
        return str(self._ended[-1].status)

    async def _do_context(self, length: int | None) -> str:
        return await self._change(context_length=length)

    async def _do_tokens(self, most: int) -> str:
        return await self._change(max_tokens=most)

    async def _change(self, **changes: int | None) -> str:
        conversations = self._services.conversations
        newest = await conversations.open((await conversations.list())[0].id)
        await conversations.set_params(newest.id, replace(newest.params, **changes))
        return "done"

    async def _do_delete(self, file: str) -> str:
        Path(file).unlink()  # noqa: ASYNC240 - the window may wait
        return "done"

    async def _do_unload(self) -> str:
        await self._services.models.unload()
        return "done"


def _row(error: AppError) -> list[str]:
    return [error.kind, error.title, error.remedy]


if __name__ == "__main__":
    raise SystemExit(run_driven(Steps(json.loads(sys.argv[2])).play, sys.argv[1]))
