"""Answers that the engine did not survive: the same one is not begun again and again."""

from __future__ import annotations

from dataclasses import replace

from app.domain.errors import EngineCrashed, FileChanged
from app.domain.generation import GenerateRequest

ENOUGH = 2
"""Crashes of the same request: the first may have come from an answer beside it."""

_REMEMBERED = 20


class AnswerCrashes:
    """Counts, for one run of the application."""

    def __init__(self) -> None:
        self._counts: dict[GenerateRequest, int] = {}

    def note(self, request: GenerateRequest, error: Exception) -> None:
        """The engine died over it, or beside it."""
        if isinstance(error, FileChanged):
            return
        key = _key(request)
        self._counts[key] = self._counts.pop(key, 0) + 1
        while len(self._counts) > _REMEMBERED:
            del self._counts[next(iter(self._counts))]

    def refusal(self, request: GenerateRequest) -> EngineCrashed | None:
        """The error to end this request with, if there were enough."""
        if self._counts.get(_key(request), 0) < ENOUGH:
            return None
        return EngineCrashed(
            "This message has stopped the engine twice, so it is not tried again.",
            "",
            "Change the message or the sampling settings, or choose another model.",
        )


def _key(request: GenerateRequest) -> GenerateRequest:
    """The same for requests that ask the same."""
    return replace(request, request_id="", sampling=replace(request.sampling, seed=None))
