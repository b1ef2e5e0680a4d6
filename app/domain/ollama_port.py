"""What services ask of an Ollama; beside `app.domain.ports`, which is as long as it may be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from app.domain.ollama import OllamaProgress


class OllamaServer(Protocol):
    """A running Ollama. Raises `OllamaError` cases and `NetworkOff`."""

    def pull(self, name: str) -> AsyncGenerator[OllamaProgress]:
        """Each step until it has all of a model; closing the generator stops it."""
        ...

    async def files(self, name: str) -> tuple[str, ...]:
        """The paths of a model's weights and then of its projector; none where it has no GGUF."""
        ...
