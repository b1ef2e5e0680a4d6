"""What the state of a model is called."""

from __future__ import annotations

from app.domain.facts import ModelPhase, ModelState
from app.domain.generation import LoadedInfo
from app.domain.localmodel import LocalModel
from app.gui.wording import size_text


def facts_of(model: LocalModel) -> str:
    """Quantisation and size: `Q4_K_M · 4.7 GB`."""
    return " · ".join(filter(None, (model.facts.quantisation, size_text(model.facts.file_bytes))))


def short_state(state: ModelState) -> str:
    """A few words for the status line."""
    if state.model is None:
        return "No model"
    return f"{state.model.short_label}: {phase_words(state)}"


def phase_words(state: ModelState) -> str:
    """The same where the name of the model has no room: `loading, 43 %`."""
    match state.phase:
        case ModelPhase.NONE:
            return "no model"
        case ModelPhase.LOADING:
            return f"loading, {percent(state.fraction)}"
        case ModelPhase.READY:
            return "ready"
        case ModelPhase.FAILED:
            return "could not be used"
        case ModelPhase.CHOSEN:
            return "not loaded"


def long_state(state: ModelState) -> str:
    """A sentence for the popup."""
    match state.phase:
        case ModelPhase.NONE:
            return "No model is chosen."
        case ModelPhase.CHOSEN:
            return "Not loaded yet. It is loaded when you send a message."
        case ModelPhase.LOADING:
            return f"Loading, {percent(state.fraction)}"
        case ModelPhase.READY if state.info is not None:
            return f"Ready. Takes {size_text(state.info.total_bytes)} of memory."
        case ModelPhase.FAILED if state.error is not None:
            return state.error.title
        case _:
            return ""


def memory_lines(info: LoadedInfo) -> str:
    """Where the memory goes, for a tip."""
    return "\n".join(
        (
            f"Weights: {size_text(info.weights_bytes)}",
            f"Context of {info.context_length:,} tokens: {size_text(info.context_bytes)}",
            f"Buffers: {size_text(info.compute_bytes)}",
            f"Runs on: {info.backend}, {info.threads} threads",
        )
    )


def percent(fraction: float) -> str:
    """`43 %`."""
    return f"{round(fraction * 100)} %"
