"""A streaming answer on its way to the disk: small and often, and never given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.domain.conversation import MessageStatus, Run
from app.domain.errors import NotFound, StoreError
from app.domain.generation import PartKind
from app.domain.ports import Clock, ConversationStore

PACE = 0.05
"""Seconds between commits at the least; with the commit itself far below the promised 250 ms."""
RETRY = 2.0
"""Seconds until a failed write is tried again (space may have been freed)."""


class AnswerLog:
    """Appends what has been shown, in order, from a task of its own.

    `on_trouble` hears the first failure of a row of them (None: writing works again). Text that
    could not be written stays here and is tried again until `give_up`.
    """

    def __init__(
        self,
        store: ConversationStore,
        message_id: int,
        clock: Clock,
        on_trouble: Callable[[StoreError | None], None],
    ) -> None:
        self._store = store
        self._message_id = message_id
        self._clock = clock
        self._on_trouble = on_trouble
        self._waiting: list[tuple[PartKind, str]] = []
        self._end: tuple[MessageStatus, Run] | None = None
        self._something = asyncio.Event()
        self._giving_up = asyncio.Event()
        self._in_trouble = False

    def add(self, kind: PartKind, text: str) -> None:
        """Text that is on the screen from now on."""
        self._waiting.append((kind, text))
        self._something.set()

    def end(self, status: MessageStatus, run: Run) -> None:
        """The last word about the answer; `write` returns once it is on disk."""
        self._end = (status, run)
        self._something.set()

    def give_up(self) -> None:
        """The application ends: try what is left once more, then stop trying."""
        self._giving_up.set()
        self._something.set()

    async def write(self) -> bool:
        """Write until the end is written; False where something could not be."""
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self._write_waiting()
                if self._end is not None and not self._waiting:
                    await self._store.finish(self._message_id, *self._end, self._clock())
                    self._tell(None)
                    return True
                self._tell(None)
                pause = PACE
            except NotFound:
                return False  # The conversation was deleted for good meanwhile.
            except StoreError as error:
                self._tell(error)
                if self._giving_up.is_set():
                    return False
                self._something.set()
                pause = RETRY
            await self._pause(pause)

    async def _write_waiting(self) -> None:
        while self._waiting:
            kind = self._waiting[0][0]
            count = 0
            for other, _ in self._waiting:
                if other is not kind:
                    break
                count += 1
            text = "".join(piece for _, piece in self._waiting[:count])
            await self._store.append(self._message_id, kind, text)
            del self._waiting[:count]

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._giving_up.wait(), seconds)
        except TimeoutError:
            return

    def _tell(self, error: StoreError | None) -> None:
        if (error is not None) != self._in_trouble:
            self._in_trouble = error is not None
            self._on_trouble(error)
