"""Loading a draft model beside the model that it guesses for, or refusing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import AppError, OutOfMemory
from app.domain.load_params import LoadParams, draft_params
from app.engine import refusal
from app.engine.draft_model import DraftModel
from app.engine.dry_run import require_readable
from app.engine.limits import buffers_told, mapped_told, places_told
from app.engine.memory_check import require_memory
from app.engine.native.abort import AbortFlag, LoadStopped
from app.engine.native.context import Context
from app.engine.native.log import LOG
from app.engine.native.vocabularies import difference
from app.engine.native.weights import NativeRefusal, Weights


@dataclass(frozen=True, slots=True)
class LoadedDraft:
    """A draft model, and the bytes that it takes."""

    model: DraftModel
    nbytes: int
    mapped_bytes: int
    """Of these, what is the file itself, mapped."""
    places: tuple[tuple[str, int], ...]
    """Of these, what is in each graphics processor."""


def require_draftable(weights: Weights) -> None:
    """Raise `LoadSettingsRefused` where nothing can be guessed for this model: what was guessed
    wrongly must be taken back."""
    if not weights.takes_back:
        raise refusal.no_drafts()


def load_draft(weights: Weights, settled: LoadParams, flag: AbortFlag) -> LoadedDraft:
    """Load the draft model that `settled` names for the model of these weights.

    Raises `LoadSettingsRefused`, `OutOfMemory` or `LoadStopped`, and then nothing is left.
    """
    path = settled.draft_path
    name = Path(path).name
    with LOG.recording() as log:
        try:
            require_readable(Path(path))
            draft = _weights(path, settled, flag, log)
        except AppError as error:
            raise _blamed_on(name, error) from error
        try:
            _require_fitting(name, weights, draft)
            context = _context(path, draft, settled, log)
        except BaseException:
            draft.close()
            raise
    buffers, tokens = buffers_told(log), min(weights.vocabulary.size, draft.vocabulary.size)
    return LoadedDraft(
        DraftModel(draft, context, tokens),
        draft.size + buffers.cache + buffers.compute,
        mapped_told(log),
        places_told(log),
    )


def _weights(path: str, settled: LoadParams, flag: AbortFlag, log: list[str]) -> Weights:
    try:
        return Weights(path, draft_params(settled, 0), lambda _: not flag.is_raised)
    except NativeRefusal as error:
        if flag.is_raised:
            raise LoadStopped from error
        raise refusal.classify(path, log) from error


def _require_fitting(name: str, weights: Weights, draft: Weights) -> None:
    if not draft.is_chat_shaped:
        raise refusal.bad_draft(name, "It does not write word by word.")
    if not draft.takes_back:
        raise refusal.bad_draft(name, "Its memory cannot go back by some words.")
    different = difference(weights.vocabulary, draft.vocabulary)
    if different:
        raise refusal.bad_draft(name, different)


def _context(path: str, draft: Weights, settled: LoadParams, log: list[str]) -> Context:
    params = draft_params(settled, draft.trained_context)
    name = Path(path).name
    try:
        require_memory(path, draft, params)
        context = Context(draft, params)
    except NativeRefusal as error:
        raise _blamed_on(name, refusal.classify_context(name, log)) from error
    if context.pooling > 0:
        context.close()
        raise refusal.bad_draft(name, "It compares texts and does not write any.")
    return context


def _blamed_on(name: str, error: AppError) -> AppError:
    """The error, for somebody who has asked for another model."""
    if isinstance(error, OutOfMemory):
        return error
    return refusal.bad_draft(name, f"{error.title} {error.detail}".strip())
