"""An Ollama in memory, as the services see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from app.domain.errors import AppError
from app.domain.ollama import OllamaPart, OllamaProgress

MB = 1_000_000


def halfway(total: int = 98 * MB) -> OllamaProgress:
    """Half of the weights have come."""
    part = OllamaPart(f"sha256:{'ab' * 32}", total // 2, total)
    return OllamaProgress("pulling abababababab", (part,))


@dataclass
class ScriptedOllama:
    """Stands for `OllamaServer`: tells the steps, then fails or is done."""

    steps: list[OllamaProgress] = field(default_factory=lambda: [halfway()])
    error: AppError | None = None
    """Raised after the steps."""
    hold: asyncio.Event | None = None
    """A pull stands still after its steps until this is set."""
    paths: tuple[str, ...] = ()
    pulled: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    """What was pulled and not finished."""

    async def pull(self, name: str) -> AsyncGenerator[OllamaProgress]:
        self.pulled.append(name)
        done = False
        try:
            for step in self.steps:
                yield step
                await asyncio.sleep(0)
            if self.hold is not None:
                await self.hold.wait()
            if self.error is not None:
                raise self.error
            done = True
        finally:
            if not done:
                self.stopped.append(name)

    async def files(self, name: str) -> tuple[str, ...]:
        return self.paths

    async def close(self) -> None:
        pass
