"""A loaded model: weights, context, template, and what its cache holds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.domain.errors import AppError
from app.domain.generation import LoadedInfo, LoadRequest, Role, Turn
from app.domain.load_params import LoadParams, bounded, check
from app.engine import refusal
from app.engine.cells import PATIENCE_STOPPABLE, PATIENCE_UNSTOPPABLE, Pace
from app.engine.draft_loading import LoadedDraft, load_draft, require_draftable
from app.engine.dry_run import require_readable
from app.engine.fitting import PromptMaker
from app.engine.limits import (
    adapters_told,
    buffers_told,
    mapped_told,
    places_told,
    settle,
)
from app.engine.memory_check import offloaded, require_memory
from app.engine.native import system
from app.engine.native.abort import AbortFlag, LoadStopped
from app.engine.native.context import Context
from app.engine.native.log import LOG
from app.engine.native.weights import NativeRefusal, Weights
from app.engine.pieces import TokenPieces
from app.engine.reasoning import control_markers
from app.engine.slots import Slots
from app.engine.template import CHATML, CHATML_STOPS, ChatTemplate


class LoadedModel:
    """Everything native of one model; belongs to the worker's thread, which must `close` it."""

    def __init__(
        self,
        weights: Weights,
        context: Context,
        template: ChatTemplate | AppError,
        info: LoadedInfo,
        draft: LoadedDraft | None = None,
    ) -> None:
        self.weights = weights
        self.draft = None if draft is None else draft.model
        """What guesses how its answers go on."""
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
        patience = PATIENCE_STOPPABLE if stoppable else PATIENCE_UNSTOPPABLE
        self.pace = Pace(patience, largest=context.batch)
        self.pieces = TokenPieces(weights.vocabulary, control_markers(self.template_source))

    @property
    def template_source(self) -> str:
        """The chat template in use; empty where there is none."""
        return self.info.params.template or self.weights.template or ""

    @property
    def default_stops(self) -> tuple[str, ...]:
        """Strings that end a turn where the vocabulary has no tokens for it."""
        return () if self.info.has_template else CHATML_STOPS

    def close(self) -> None:
        """Free all; may be called again."""
        if self.draft is not None:
            self.draft.close()
        self.context.close()
        self.weights.close()


def load(request: LoadRequest, flag: AbortFlag, progress: Callable[[float], None]) -> LoadedModel:
    """Load a file; raises an `AppError` case or `LoadStopped`, and then nothing is left."""
    began = time.perf_counter()
    system.start()
    require_readable(Path(request.path))
    check(request.params)
    _require_sound_template(request.params)
    with LOG.recording() as log:
        weights = _load_weights(request, flag, progress, log)
        try:
            return _make_ready(request, flag, weights, log, began)
        except BaseException:
            weights.close()
            raise


def _require_sound_template(params: LoadParams) -> None:
    """Try the template that is given in place of the file's, before anything is read.

    It raises `TemplateBroken` or `TemplateEndless`: a person is there who can put it right.
    """
    if params.template:
        ChatTemplate(params.template).render([Turn(Role.USER, "Hello")])


def _load_weights(
    request: LoadRequest, flag: AbortFlag, progress: Callable[[float], None], log: list[str]
) -> Weights:
    def heard(fraction: float) -> bool:
        progress(fraction)
        return not flag.is_raised

    try:
        weights = Weights(request.path, bounded(request.params), heard)
    except NativeRefusal as error:
        if flag.is_raised:
            raise LoadStopped from error
        raise refusal.classify(request.path, log) from error
    weights.mapped_bytes = mapped_told(log)
    return weights


def _make_ready(
    request: LoadRequest, flag: AbortFlag, weights: Weights, log: list[str], began: float
) -> LoadedModel:
    name = Path(request.path).name
    _require_chat(name, weights)
    settled = settle(request.params, weights.trained_context)
    if settled.draft_path:
        require_draftable(weights)
    _add_adapters(weights, settled, log)
    require_memory(request.path, weights, settled)
    if flag.is_raised:
        raise LoadStopped
    with LOG.recording() as made:
        try:
            context = Context(weights, settled)
        except NativeRefusal as error:
            raise refusal.classify_context(name, made) from error
    if flag.is_raised:
        context.close()
        raise LoadStopped
    if context.pooling > 0:
        context.close()
        raise refusal.not_chat(name, "an embedding model, which compares texts")
    template, note = _template(weights, settled.template)
    info = _info(request.path, weights, context, settled, [*log, *made])
    info = replace(info, template_note=note, load_seconds=time.perf_counter() - began)
    if not isinstance(template, AppError):
        known = template.switches
        info = replace(info, switches_thinking=bool(known.thinking), efforts=known.efforts)
    if not settled.draft_path:
        return LoadedModel(weights, context, template, info)
    try:
        draft = load_draft(weights, settled, flag)
    except BaseException:
        context.close()
        raise
    seconds = time.perf_counter() - began
    return LoadedModel(weights, context, template, _with_draft(info, draft, seconds), draft)


def _with_draft(info: LoadedInfo, draft: LoadedDraft, seconds: float) -> LoadedInfo:
    places = Counter(dict(info.places)) + Counter(dict(draft.places))
    return replace(
        info,
        draft_bytes=draft.nbytes,
        mapped_bytes=info.mapped_bytes + draft.mapped_bytes,
        places=tuple(sorted(places.items())),
        load_seconds=seconds,
    )


def _add_adapters(weights: Weights, settled: LoadParams, log: list[str]) -> None:
    for adapter in settled.adapters:
        require_readable(Path(adapter.path))
        try:
            weights.add_adapter(adapter)
        except NativeRefusal as error:
            raise refusal.bad_adapter(Path(adapter.path).name, log) from error


def _require_chat(name: str, weights: Weights) -> None:
    architecture = weights.meta("general.architecture")
    pooled = weights.meta(f"{architecture}.pooling_type") not in ("", "0")
    if pooled or weights.meta(f"{architecture}.attention.causal") == "false":
        raise refusal.not_chat(name, "an embedding model, which compares texts")
    if not weights.is_chat_shaped:
        raise refusal.not_chat(name, "a model of a kind that does not write answers word by word")


def _template(weights: Weights, override: str) -> tuple[ChatTemplate | AppError, str]:
    """The template or why it cannot be used, and the note for that."""
    source = override or weights.template
    tokens = weights.vocabulary.special_texts()
    if source is None:
        return ChatTemplate(CHATML, tokens), ""
    try:
        return ChatTemplate(source, tokens), ""
    except AppError as error:
        return error, f"{error.title} {error.detail}"


def _info(
    path: str, weights: Weights, context: Context, settled: LoadParams, log: list[str]
) -> LoadedInfo:
    layers = offloaded(settled, weights)
    buffers = buffers_told(log)
    return LoadedInfo(
        path=path,
        name=weights.meta("general.name") or Path(path).stem,
        architecture=weights.meta("general.architecture"),
        context_length=context.length,
        trained_context=weights.trained_context,
        threads=settled.threads or 0,
        gpu_layers=layers,
        weights_bytes=weights.size + adapters_told(log),
        context_bytes=buffers.cache,
        compute_bytes=buffers.compute,
        backend="CPU" if layers == 0 else ", ".join(system.accelerators()),
        has_template=bool(settled.template) or weights.template is not None,
        load_seconds=0.0,
        mapped_bytes=weights.mapped_bytes,
        places=places_told(log),
        params=settled,
    )
