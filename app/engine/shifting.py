"""An answer that has filled the context goes on: the oldest tokens in it make room.

llama.cpp moves what it has computed to earlier positions (a context shift), where its memory can do
that. What stays was computed with what is gone, so it is of no use to anybody but this answer.
"""

from __future__ import annotations

from app.domain.errors import AppError
from app.domain.generation import GenerateRequest
from app.domain.overflow import Overflow
from app.engine.fitting import PromptMaker
from app.engine.slots import Slot, Slots

SHARE = 2
"""Of what may go, a half goes at once: each shift computes all positions anew."""
WORTH = 4
"""A shift must make at least this part of the context free, or it would be one after the other."""
MOST = 4
"""Contexts that an answer may drop: a model that finds no end would write for ever."""


class Shifting:
    """Makes room for one answer, if the reader wants it so and the memory can."""

    def __init__(
        self, slots: Slots, prompts: PromptMaker, request: GenerateRequest, prompt: list[int]
    ) -> None:
        """`prompt` are the tokens that the answer began with."""
        self.dropped = 0
        """Tokens, until now."""
        self._slots = slots
        self._prompts = prompts
        self._request = request
        self._prompt = tuple(prompt)

    def make_room(self, slot: Slot | None, tokens: list[int]) -> bool:
        """Drop some of `tokens`, which fill the context, from them and from the slot's cells.

        False where that cannot be done; then nothing has changed.
        """
        length = len(tokens)
        wanted = self._request.overflow is not Overflow.STOP
        if slot is None or not wanted or not self._slots.can_shift:
            return False
        if self.dropped >= MOST * length:
            return False
        kept = self._head(length)
        count = (length - kept) // SHARE
        if count < length // WORTH or not self._slots.shift(slot, kept, count):
            return False
        del tokens[kept : kept + count]
        self.dropped += count
        return True

    def _head(self, length: int) -> int:
        """Tokens at the beginning that stay."""
        try:
            return self._prompts.head(self._request, self._prompt)
        except AppError:
            # The template refuses what is rendered to find the head: then nothing can be kept.
            return length
