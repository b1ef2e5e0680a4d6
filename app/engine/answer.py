"""One answer: read the prompt, choose token after token, tell what may be shown."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.domain.errors import AppError, EngineError, ModelBroken, PromptTooLong, TemplateBroken
from app.domain.generation import (
    Finished,
    FinishReason,
    GenerateRequest,
    PartKind,
    PromptProgress,
    RunStats,
    TextDelta,
)
from app.engine.loaded import LoadedModel
from app.engine.native.abort import AbortFlag
from app.engine.native.context import ABORTED, DONE, NO_ROOM
from app.engine.native.sampler import Sampler
from app.engine.prompt import Prompt, build_prompt
from app.engine.reasoning import splitter_for
from app.engine.text import StopStrings, Utf8Stream

Emit = Callable[[PromptProgress | TextDelta], None]

FLUSH_SECONDS = 0.016
"""Text is handed on at most 60 times a second: faster than anything is painted."""


def answer(loaded: LoadedModel, request: GenerateRequest, flag: AbortFlag, emit: Emit) -> Finished:
    """Answer `request`; what is to be shown goes to `emit`. Raises an `AppError` case."""
    began = time.perf_counter()
    if isinstance(loaded.template, AppError):
        raise AppError.from_dict(loaded.template.to_dict())
    prompt = build_prompt(loaded.template, loaded.weights.vocabulary, request.turns)
    _require_room(prompt, loaded)
    # A bad grammar is refused here, before anything is read.
    sampler = Sampler(request.sampling, loaded.weights.vocabulary, loaded.context.length)
    try:
        return _Run(loaded, request, prompt, sampler, flag, emit, began).finish()
    finally:
        sampler.close()


def _require_room(prompt: Prompt, loaded: LoadedModel) -> None:
    count, room = len(prompt.tokens), loaded.context.length
    if count == 0:
        raise TemplateBroken(
            "This model's chat template fails.",
            "It makes an empty prompt.",
            "Choose another file of this model, or another model.",
        )
    if count >= room:
        raise PromptTooLong(
            "The conversation is too long for this model's context.",
            f"It has {count:,} tokens, and the context holds {room:,}.",
            "Set a longer context, shorten the message, or begin a new conversation.",
        )


class _Run:
    """The state of one answer."""

    def __init__(
        self,
        loaded: LoadedModel,
        request: GenerateRequest,
        prompt: Prompt,
        sampler: Sampler,
        flag: AbortFlag,
        emit: Emit,
        began: float,
    ) -> None:
        self._loaded = loaded
        self._context = loaded.context
        self._cells = loaded.cells
        self._prompt = prompt
        self._sampler = sampler
        self._flag = flag
        self._emit = emit
        self._began = began
        self._most = request.max_tokens if request.max_tokens and request.max_tokens > 0 else None
        self._text = _TextOut(
            (*request.stop, *loaded.default_stops), loaded.weights.template or "", prompt.text, emit
        )
        sampler.unbound_while(self._text.reasons)
        self._cached = 0
        self._count = 0
        self._read_at = self._first_at = self._last_at = 0.0

    def finish(self) -> Finished:
        """Run to the end."""
        self._context.obey(self._flag)
        reason = self._read_prompt()
        self._read_at = time.perf_counter()
        if reason is None:
            self._sampler.saw(self._prompt.tokens)
            reason = self._write()
            self._text.end()
        return Finished(reason, self._stats())

    def _stats(self) -> RunStats:
        return RunStats(
            prompt_tokens=len(self._prompt.tokens),
            cached_tokens=self._cached,
            answer_tokens=self._count,
            prompt_seconds=self._read_at - self._began,
            first_token_seconds=self._first_at - self._began if self._count else 0.0,
            decode_seconds=self._last_at - self._first_at,
            seed=self._sampler.seed,
        )

    def _read_prompt(self) -> FinishReason | None:
        """Read what the cache does not hold; the reason if the answer ends here already."""
        tokens, cells = self._prompt.tokens, self._cells
        self._cached = self._context.keep(cells.resume_at(tokens))
        cells.cut(self._cached)
        self._tell_progress(self._cached)
        for piece in self._loaded.pace.slices(tokens, self._cached):
            began = time.perf_counter()
            result = DONE if self._flag.is_raised else self._context.read(piece)
            if self._flag.is_raised or result != DONE:
                return self._stopped(result)
            cells.add_read(piece)
            self._loaded.pace.took(len(piece), time.perf_counter() - began)
            self._tell_progress(len(cells.tokens))
        return None

    def _tell_progress(self, done: int) -> None:
        self._emit(PromptProgress(done, len(self._prompt.tokens), self._cached))

    def _write(self) -> FinishReason:
        """Choose, show and read token after token."""
        context, sampler, pieces = self._context, self._sampler, self._loaded.pieces
        tokens, flag, text, most = self._cells.tokens, self._flag, self._text, self._most
        while True:
            if not context.logits_are_sound():
                raise self._broken()
            token = sampler.next(context)
            piece = pieces[token]
            if piece is None:
                return FinishReason.STOP
            self._last_at = now = time.perf_counter()
            self._first_at = self._first_at or now
            self._count += 1
            if text.add(piece, now):
                return FinishReason.STOP
            if self._count == most:
                return FinishReason.LENGTH
            if len(tokens) >= context.length:
                return FinishReason.CONTEXT
            result = context.read_one(token)
            if result != DONE or flag.is_raised:
                return self._stopped(result, token)
            tokens.append(token)

    def _stopped(self, result: int, token: int | None = None) -> FinishReason:
        """The computation did not go through, or nobody wants it any more."""
        if result == DONE and token is not None:
            self._cells.tokens.append(token)
        # An aborted computation may leave half-filled cells behind.
        kept = self._context.keep(len(self._cells.tokens))
        if kept < len(self._cells.tokens):
            self._cells.cut(kept)
        if result == NO_ROOM:
            return FinishReason.CONTEXT
        if result not in (DONE, ABORTED):
            self._forget()
        if self._flag.is_raised:
            return FinishReason.CANCELLED
        raise EngineError(
            "The engine could not go on with this answer.",
            f"llama_decode returned {result}.",
            "Ask again. If it keeps happening, load the model again or choose another one.",
        )

    def _broken(self) -> ModelBroken:
        self._forget()
        return ModelBroken(
            "This model computes nonsense.",
            "Its results are not numbers, so its weights must be damaged.",
            "Download the file again, or choose another model.",
        )

    def _forget(self) -> None:
        self._context.clear()
        self._cells.cut(0)


class _TextOut:
    """From the bytes of tokens to deltas: characters, reasoning apart, stop strings, batches."""

    def __init__(self, stops: tuple[str, ...], template: str, prompt: str, emit: Emit) -> None:
        self._utf8 = Utf8Stream()
        self._splitter = splitter_for(template, prompt)
        self._stops = StopStrings(stops)
        self._emit = emit
        self._pending: list[str] = []
        self._kind = PartKind.TEXT
        self._flushed_at = 0.0

    def reasons(self) -> bool:
        """Whether the model still thinks."""
        return self._splitter.reasons

    def add(self, piece: bytes, now: float) -> bool:
        """The next token's bytes; True once a stop string was reached."""
        for kind, text in self._splitter.feed(self._utf8.feed(piece)):
            self._show(kind, self._stops.feed(text) if kind is PartKind.TEXT else text)
            if self._stops.reached:
                return True
        if self._pending and now - self._flushed_at >= FLUSH_SECONDS:
            self._flush()
            self._flushed_at = now
        return False

    def end(self) -> None:
        """No more tokens come: show what was held back, unless a stop string was reached."""
        if not self._stops.reached:
            # Half a character, where an answer was stopped or its length reached, is left out.
            for kind, text in self._splitter.flush():
                self._show(kind, self._stops.feed(text) if kind is PartKind.TEXT else text)
            self._show(PartKind.TEXT, self._stops.flush())
        self._flush()

    def _show(self, kind: PartKind, text: str) -> None:
        if not text:
            return
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self._pending.append(text)

    def _flush(self) -> None:
        if self._pending:
            self._emit(TextDelta(self._kind, "".join(self._pending)))
            self._pending.clear()
