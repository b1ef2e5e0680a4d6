"""`lamplight chat`: one prompt, one answer, streamed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from app.cli.commands import DONE, FAILED, INTERRUPTED, STARTER, Chat
from app.cli.output import Output
from app.cli.printers import AnswerPrinter, printer_for
from app.domain.context_notes import context_notes
from app.domain.conversation import ChatParams
from app.domain.errors import AppError, FileMissing, NothingLoaded
from app.domain.facts import (
    AnswerEnded,
    AnswerGrew,
    AnswerProgress,
    Fact,
    ModelPhase,
    ModelStateChanged,
)
from app.domain.generation import FinishReason, LoadedInfo, RunStats, Switches
from app.services import Services

STOP_SECONDS: Final = 5.0
"""How long an interrupted answer may take to have its last word."""


async def chat(command: Chat, services: Services, output: Output) -> int:
    """Answer and tell how it went; the exit status.

    With `json` the last line is `finished` or `failed`, whatever happens.
    """
    printer = printer_for(output, as_json=command.json)
    try:
        await choose(command.model, services)
        _set_load(command, services)
        return await _answer(command, services, printer)
    except AppError as error:
        printer.failed(error)
        return FAILED
    except asyncio.CancelledError:
        # Interrupted before there was an answer to stop.
        _heard_interrupt()
        printer.finished(FinishReason.CANCELLED, "", RunStats())
        return INTERRUPTED


def _set_load(command: Chat, services: Services) -> None:
    """Put what the command line says into the settings of the chosen model; it is not kept."""
    chosen = services.models.state.model
    asked: dict[str, Any] = {
        "context_length": command.context,
        "gpu_layers": command.gpu_layers,
        "threads": command.threads,
        "key_type": command.kv_type,
        "value_type": command.kv_type,
        "draft_path": command.draft,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if chosen is not None and given:
        wished = services.load_settings.wished(chosen.path)
        services.load_settings.change(chosen.path, replace(wished, **given))


async def choose(model: str | None, services: Services) -> None:
    """Make the model asked for the one that answers; raises `AppError` cases."""
    if model == STARTER:
        starter = next((known for known in services.models.models if known.is_starter), None)
        if starter is None:
            raise FileMissing(
                "The starter model is not installed.",
                remedy="Install it with “python3 dev.py setup”, or name a GGUF file after --model.",
            )
        await services.models.choose(starter.path)
    elif model is not None:
        await services.models.open_file(model)
    elif services.models.state.model is None:
        raise NothingLoaded(
            "No model is chosen.", remedy="Name one: --model FILE.gguf, or --model starter."
        )


async def _answer(command: Chat, services: Services, printer: AnswerPrinter) -> int:
    conversation = await services.conversations.fresh()
    await services.conversations.set_params(conversation.id, _params(command, conversation.params))
    facts: asyncio.Queue[Fact] = asyncio.Queue()
    unsubscribe = services.facts.subscribe(facts.put_nowait)
    try:
        await services.chat.send(conversation.id, command.prompt)
        ended = await _until_ended(facts, printer)
        printer.remarks(_remarks(command, ended, services.models.state.info))
        return _tell_end(ended, printer)
    except asyncio.CancelledError:
        _heard_interrupt()
        services.chat.stop(conversation.id)
        services.models.cancel_load()
        # Without an answer (it was not begun) there is nothing to wait for.
        patience = STOP_SECONDS if services.chat.is_answering(conversation.id) else 0
        await _tell_stop(facts, printer, patience)
        return INTERRUPTED
    finally:
        unsubscribe()


async def _tell_stop(facts: asyncio.Queue[Fact], printer: AnswerPrinter, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            ended = await _until_ended(facts, printer)
    except TimeoutError:
        printer.finished(FinishReason.CANCELLED, "", RunStats())
    else:
        _tell_end(ended, printer)


def _params(command: Chat, given: ChatParams) -> ChatParams:
    """What the settings give, with what the command line gives in its place."""
    asked: dict[str, Any] = {
        "temperature": command.temperature,
        "top_k": command.top_k,
        "top_p": command.top_p,
        "min_p": command.min_p,
        "seed": command.seed,
    }
    sampling = replace(
        given.sampling,
        **{name: value for name, value in asked.items() if value is not None},
        json_schema=command.json_schema,
        grammar=command.grammar,
    )
    return replace(
        given,
        sampling=sampling,
        stop=command.stop,
        overflow=given.overflow if command.overflow is None else command.overflow,
        switches=Switches(command.thinking, command.effort),
        system_prompt=given.system_prompt if command.system is None else command.system,
        max_tokens=given.max_tokens if command.max_tokens is None else command.max_tokens,
    )


async def _until_ended(facts: asyncio.Queue[Fact], printer: AnswerPrinter) -> AnswerEnded:
    while True:
        match await facts.get():
            case AnswerProgress() as progress:
                printer.progress(progress)
            case AnswerGrew(kind=kind, text=text):
                printer.delta(kind, text)
            case ModelStateChanged(state) if state.phase is ModelPhase.LOADING:
                printer.loading(state.fraction)
            case AnswerEnded() as ended:
                return ended
            case _:
                pass


def _remarks(command: Chat, ended: AnswerEnded, info: LoadedInfo | None) -> list[str]:
    """What must be said about the answer besides how it went."""
    remarks = context_notes(ended.run)
    if info is not None and command.thinking is not None and not info.switches_thinking:
        remarks.append("This model's chat template cannot be told whether to think.")
    if info is not None and command.effort and command.effort not in info.efforts:
        remarks.append("This model's chat template cannot be told to think that much.")
    return remarks


def _tell_end(ended: AnswerEnded, printer: AnswerPrinter) -> int:
    if ended.error is not None:
        printer.failed(ended.error)
        return FAILED
    printer.finished(
        ended.run.finish or FinishReason.CANCELLED, ended.run.model_name, ended.run.stats
    )
    return DONE


def _heard_interrupt() -> None:
    """The interrupt has been heard: what is awaited from here on is not cancelled again by it."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
