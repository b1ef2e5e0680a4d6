"""`lamplight pull` of a name of Ollama's: through a running Ollama."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from app.cli.commands import DONE, Pull
from app.cli.output import Output
from app.cli.wording import size_text
from app.domain.ollama import OllamaProgress
from app.services import Services


async def pull_from_ollama(name: str, command: Pull, services: Services, output: Output) -> int:
    """With its progress; raises what stopped it, and what keeps the model from being used here."""
    progress = OllamaProgress()
    try:
        async with aclosing(services.ollama.pull(name)) as pulling:
            async for progress in pulling:
                if command.json:
                    output.json(_event("progress", progress))
                else:
                    output.status(f"{name}  {_words(progress)}")
        output.status(f"{name}  looking whether it can be used here")
        model = await services.ollama.use(name)
    except asyncio.CancelledError:
        output.note("Ollama keeps what has come; the same command goes on with it.")
        raise
    if command.json:
        output.json({**_event("finished", progress), "paths": [model.path]})
    else:
        output.line(model.path)
    return DONE


def _words(progress: OllamaProgress) -> str:
    if not progress.parts:
        return progress.doing
    part = progress.parts[-1]
    return f"{progress.doing}  {size_text(part.done_bytes)} of {size_text(part.total_bytes)}"


def _event(kind: str, progress: OllamaProgress) -> dict[str, Any]:
    return {
        "type": kind,
        "phase": progress.doing,
        "done": progress.done_bytes,
        "total": progress.total_bytes,
        "parts": [
            {"digest": part.digest, "done": part.done_bytes, "total": part.total_bytes}
            for part in progress.parts
        ],
    }
