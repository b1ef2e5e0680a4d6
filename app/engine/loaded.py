"""A loaded model: weights, context, template, and what its cache holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.domain.errors import AppError
from app.domain.generation import LoadedInfo, LoadParams, LoadRequest
from app.engine import refusal
from app.engine.cells import PATIENCE_STOPPABLE, PATIENCE_UNSTOPPABLE, Pace
from app.engine.dry_run import measured_buffers, require_readable
from app.engine.fitting import PromptMaker
from app.engine.limits import (
    Buffers,
    buffers_told,
    choose_context,
    choose_threads,
    machine_memory,
    mapped_told,
)
from app.engine.native import system
from app.engine.native.abort import AbortFlag
from app.engine.native.context import Context
from app.engine.native.log import LOG
from app.engine.native.weights import NativeRefusal, Weights
from app.engine.pieces import TokenPieces
from app.engine.reasoning import control_markers
from app.engine.slots import Slots
from app.engine.template import CHATML, CHATML_STOPS, ChatTemplate


class LoadStopped(Exception):
    """The load was cancelled."""


class LoadedModel:
    """Everything native of one model; belongs to the worker's thread, which must `close` it."""

    def __init__(
        self,
        weights: Weights,
        context: Context,
        template: ChatTemplate | AppError,
        info: LoadedInfo,
    ) -> None:
        self.weights = weights
        self.context = context
        self.info = info
        self.prompts = (
            template
            if isinstance(template, AppError)
            else PromptMaker(template, weights.vocabulary, context.length)
        )
        """What makes its prompts, or why nothing can."""
        self.slots = Slots(context)
        stoppable = context.rewinds and not info.gpu_layers
        self.pace = Pace(PATIENCE_STOPPABLE if stoppable else PATIENCE_UNSTOPPABLE)
        self.pieces = TokenPieces(weights.vocabulary, control_markers(weights.template or ""))

    @property
    def default_stops(self) -> tuple[str, ...]:
        """Strings that end a turn where the vocabulary has no tokens for it."""
        return () if self.info.has_template else CHATML_STOPS

    def close(self) -> None:
        """Free all; may be called again."""
        self.context.close()
        self.weights.close()


def load(request: LoadRequest, flag: AbortFlag, progress: Callable[[float], None]) -> LoadedModel:
    """Load a file; raises an `AppError` case or `LoadStopped`, and then nothing is left."""
    began = time.perf_counter()
    system.start()
    require_readable(Path(request.path))
    with LOG.recording() as log:
        weights = _load_weights(request, flag, progress, log)
        try:
            return _make_ready(request, flag, weights, began)
        except BaseException:
            weights.close()
            raise


def _load_weights(
    request: LoadRequest, flag: AbortFlag, progress: Callable[[float], None], log: list[str]
) -> Weights:
    def heard(fraction: float) -> bool:
        progress(fraction)
        return not flag.is_raised

    try:
        weights = Weights(request.path, request.params.gpu_layers, heard)
    except NativeRefusal as error:
        if flag.is_raised:
            raise LoadStopped from error
        raise refusal.classify(request.path, log) from error
    weights.mapped_bytes = mapped_told(log)
    return weights


def _make_ready(
    request: LoadRequest, flag: AbortFlag, weights: Weights, began: float
) -> LoadedModel:
    name = Path(request.path).name
    _require_chat(name, weights)
    length = choose_context(request.params.context_length, weights.trained_context)
    threads = choose_threads(request.params.threads)
    _require_memory(request, weights, length, threads)
    if flag.is_raised:
        raise LoadStopped
    with LOG.recording() as log:
        try:
            context = Context(weights, length, threads)
        except NativeRefusal as error:
            raise refusal.classify_context(name, log) from error
    if flag.is_raised:
        context.close()
        raise LoadStopped
    if context.pooling > 0:
        context.close()
        raise refusal.not_chat(name, "an embedding model, which compares texts")
    template, note = _template(weights)
    info = _info(request, weights, context, threads, buffers_told(log), note, began)
    if not isinstance(template, AppError):
        known = template.switches
        info = replace(info, switches_thinking=bool(known.thinking), efforts=known.efforts)
    return LoadedModel(weights, context, template, info)


def _require_chat(name: str, weights: Weights) -> None:
    architecture = weights.meta("general.architecture")
    pooled = weights.meta(f"{architecture}.pooling_type") not in ("", "0")
    if pooled or weights.meta(f"{architecture}.attention.causal") == "false":
        raise refusal.not_chat(name, "an embedding model, which compares texts")
    if not weights.is_chat_shaped:
        raise refusal.not_chat(name, "a model of a kind that does not write answers word by word")


def _require_memory(request: LoadRequest, weights: Weights, length: int, threads: int) -> None:
    """Raise `OutOfMemory` if cache and buffers cannot fit.

    The estimate is an upper bound; where it comes near to what is free, llama.cpp measures. What
    goes to a graphics processor is left to llama.cpp, whose allocation fails without harm.
    """
    if _offloaded(request.params, weights):
        return
    memory = machine_memory()
    if weights.cache_bytes_per_token * length < memory.available // 2:
        return
    buffers = measured_buffers(request.path, request.params, length, threads)
    needed = buffers.cache + buffers.compute
    if needed > memory.available:
        raise refusal.out_of_memory(
            f"A context of {length:,} tokens needs {_gib(needed)}, "
            f"and {_gib(memory.available)} are free."
        )


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"


def _template(weights: Weights) -> tuple[ChatTemplate | AppError, str]:
    """The template or why it cannot be used, and the note for that."""
    source = weights.template
    tokens = weights.vocabulary.special_texts()
    if source is None:
        return ChatTemplate(CHATML, tokens), ""
    try:
        return ChatTemplate(source, tokens), ""
    except AppError as error:
        return error, f"{error.title} {error.detail}"


def _info(
    request: LoadRequest,
    weights: Weights,
    context: Context,
    threads: int,
    buffers: Buffers,
    note: str,
    began: float,
) -> LoadedInfo:
    offloaded = _offloaded(request.params, weights)
    return LoadedInfo(
        path=request.path,
        name=weights.meta("general.name") or Path(request.path).stem,
        architecture=weights.meta("general.architecture"),
        context_length=context.length,
        trained_context=weights.trained_context,
        threads=threads,
        gpu_layers=offloaded,
        weights_bytes=weights.size,
        context_bytes=buffers.cache,
        compute_bytes=buffers.compute,
        backend="CPU" if offloaded == 0 else ", ".join(system.accelerators()),
        has_template=weights.template is not None,
        load_seconds=time.perf_counter() - began,
        template_note=note,
        mapped_bytes=weights.mapped_bytes,
    )


def _offloaded(params: LoadParams, weights: Weights) -> int:
    """Layers on a graphics processor; the output layer counts as one."""
    if not system.accelerators():
        return 0
    every = weights.layers + 1
    return every if params.gpu_layers is None else min(params.gpu_layers, every)
