"""How much of the model's context the next message would take."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.conversation import ChatParams, Message
from app.domain.generation import CountRequest, TokenCount
from app.domain.ports import Engine
from app.domain.prompt import turns_of
from app.services.models import ModelService


class ContextMeterService:
    """Asks the model that is chosen. Raises `EngineError` cases."""

    def __init__(self, engine: Engine, models: ModelService) -> None:
        self._engine = engine
        self._models = models

    async def count(
        self, path: Sequence[Message], params: ChatParams, draft: str
    ) -> TokenCount | None:
        """What would be sent if `draft` were the next message of this path.

        None while the chosen one is not loaded: each model counts in tokens of its own.
        """
        info = self._models.state.info
        if info is None:
            return None
        return await self._engine.count_tokens(
            CountRequest(
                info.path,
                turns_of(path, params.system_prompt),
                draft,
                params.max_tokens,
                params.overflow,
                params.switches,
            )
        )
