"""Do what the command line asks for, over the services."""

from __future__ import annotations

import asyncio

from app.cli.bench import bench
from app.cli.cache import cache
from app.cli.chat import chat
from app.cli.commands import (
    FAILED,
    INTERRUPTED,
    Bench,
    Cache,
    Chat,
    CliCommand,
    Doctor,
    ListConversations,
    Pull,
    Quantize,
    SearchConversations,
    SearchModels,
    ShowConversation,
    ShowRepo,
    TellFit,
)
from app.cli.conversations import list_conversations, search_conversations, show_conversation
from app.cli.doctor import doctor
from app.cli.fit import tell_fit
from app.cli.hub import pull, search_models, show_repo
from app.cli.output import Output
from app.cli.printers import printer_for
from app.cli.quantize import quantize
from app.domain.errors import AppError
from app.services import Services


async def run(command: CliCommand, services: Services, output: Output | None = None) -> int:
    """The exit status. An interrupt (Ctrl+C) arrives as the cancellation of this coroutine."""
    output = output or Output()
    try:
        return await _run(command, services, output)
    except AppError as error:
        printer_for(output, as_json=command.json).failed(error)
        return FAILED
    except BrokenPipeError:
        # Whoever read the output has seen enough (`lamplight … | head`).
        output.abandon()
        return FAILED
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        return INTERRUPTED


async def _run(command: CliCommand, services: Services, output: Output) -> int:
    match command:
        case Chat():
            return await chat(command, services, output)
        case ListConversations():
            return await list_conversations(command, services, output)
        case ShowConversation():
            return await show_conversation(command, services, output)
        case SearchConversations():
            return await search_conversations(command, services, output)
        case Cache():
            return await cache(command, services, output)
        case Doctor():
            return await doctor(command, services, output)
        case Bench():
            return await bench(command, services, output)
        case Quantize():
            return await quantize(command, services, output)
        case SearchModels() | ShowRepo() | Pull() | TellFit():
            return await _run_hub(command, services, output)


async def _run_hub(
    command: SearchModels | ShowRepo | Pull | TellFit, services: Services, output: Output
) -> int:
    match command:
        case SearchModels():
            return await search_models(command, services, output)
        case ShowRepo():
            return await show_repo(command, services, output)
        case Pull():
            return await pull(command, services, output)
        case TellFit():
            return await tell_fit(command, services, output)
