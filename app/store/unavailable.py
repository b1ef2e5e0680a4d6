"""What stands in for the store where there is none, so that the window opens all the same."""

from __future__ import annotations

from typing import NoReturn

from app.domain.benchmark import BenchRecord
from app.domain.conversation import ConversationSummary, SearchHit
from app.domain.errors import StoreError
from app.domain.fit import FitRecord


class UnavailableStore:
    """A `ConversationStore` whose lists are empty and that refuses the rest with `error`."""

    def __init__(self, error: StoreError) -> None:
        self._error = error

    async def list_conversations(
        self,
        *,
        trashed: bool = False,  # noqa: ARG002 - the port's
    ) -> list[ConversationSummary]:
        """Nothing."""
        return []

    async def search(
        self,
        query: str,  # noqa: ARG002 - the port's
        limit: int = 50,  # noqa: ARG002 - the port's
    ) -> list[SearchHit]:
        """Nothing."""
        return []

    async def fits(
        self,
        machine: str,  # noqa: ARG002 - the port's
        limit: int = 500,  # noqa: ARG002 - the port's
    ) -> list[FitRecord]:
        """Nothing."""
        return []

    async def benchmarks(
        self,
        machine: str,  # noqa: ARG002 - the port's
        path: str,  # noqa: ARG002 - the port's
        file_bytes: int,  # noqa: ARG002 - the port's
        limit: int = 100,  # noqa: ARG002 - the port's
    ) -> list[BenchRecord]:
        """Nothing."""
        return []

    async def longest_conversation(self) -> int:
        """None is known."""
        return 0

    async def close(self) -> None:
        """There is nothing to close."""

    async def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise self._error

    conversation = message = path = newest_leaf = health = _refuse
    create_conversation = add_message = add_turn = append = finish = recover = _refuse
    rename = set_params = set_model = set_draft = set_head = trash = restore = _refuse
    note_model_file = set_model_hash = keep_fit = keep_benchmark = forget_benchmark = _refuse
