"""What fits into memory, in words: for the list of models and for the context length."""

from __future__ import annotations

from app.domain.fit import Fit, Verdict
from app.gui.wording import size_text

_TONES = {Verdict.FITS: "muted", Verdict.TIGHT: "warning", Verdict.TOO_LARGE: "danger"}


def badge(fit: Fit) -> str:
    """One or two words."""
    return fit.verdict.value


def tone(fit: Fit) -> str:
    """How loud they are; see `app.gui.theme.stylesheet`."""
    return _TONES[fit.verdict]


def total(fit: Fit) -> str:
    """`about 412 MB of 18 GB free`; without “about” once it was measured."""
    needed, free = _needed(fit), size_text(fit.free_bytes)
    if fit.verdict is Verdict.TOO_LARGE:
        return f"{needed}, and {free} are free"
    return f"{needed} of {free} free"


def sentence(fit: Fit, largest: int) -> str:
    """What a context length takes; `largest` tokens would fit."""
    match fit.verdict:
        case Verdict.FITS:
            return f"Takes {total(fit)}."
        case Verdict.TIGHT:
            return f"Takes {total(fit)}: little is left for other programs."
        case Verdict.TOO_LARGE if 0 < largest < fit.plan.context_length:
            return f"Needs {total(fit)}. At most {largest:,} tokens fit."
        case Verdict.TOO_LARGE:
            return f"Needs {total(fit)}."


def _needed(fit: Fit) -> str:
    about = "" if fit.measured else "about "
    return about + size_text(fit.needed_bytes)


def itemised(fit: Fit) -> str:
    """Where the memory goes, for a tip."""
    expected, measured = fit.expected, fit.measured
    lines = [
        f"Weights: {size_text(expected.weights_bytes)}",
        f"Context of {fit.plan.context_length:,} tokens: {size_text(expected.context_bytes)}",
        f"Buffers: {size_text(expected.compute_bytes)}",
    ]
    lines.append(f"Estimate: {size_text(expected.total_bytes)}")
    if fit.draft_bytes:
        lines.append(f"Draft model: {size_text(fit.draft_bytes)}")
    if measured is not None:
        lines.append(f"Measured on this machine: {size_text(measured.total_bytes)}")
    lines.append(f"Free now: {size_text(fit.free_bytes)}")
    return "\n".join(lines)
