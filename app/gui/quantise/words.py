"""What the dialog “Make smaller” says."""

from __future__ import annotations

from app.domain.quantise import (
    RECOMMENDED,
    QuantiseOption,
    QuantiseOptions,
    QuantisePhase,
    QuantiseState,
)
from app.gui.wording import size_text

INTRODUCTION = (
    "Makes a smaller file of this model, which needs less memory and answers faster. "
    "The file that you have stays as it is. All sizes are estimates."
)
LOOKING = "Looking at the model…"
NOTHING_SMALLER = "This model is as small as Lamplight can make it."
AGAIN_WARNING = (
    "This file was made smaller before. What was lost then stays lost, and doing it again loses "
    "more: one made from the 16-bit file of the model would be better."
)
AGAIN = "Make it smaller all the same"


def subject(options: QuantiseOptions) -> str:
    """Which model it is about: `Tiny-F16 · F16 · 3.2 GB`."""
    told = (options.label, options.quantisation, size_text(options.source_bytes))
    return " · ".join(filter(None, told))


def quality(option: QuantiseOption) -> str:
    """What a type costs, and whether it is the one to take."""
    if option.target == RECOMMENDED:
        return f"{option.quality.partition(',')[0]}, recommended"
    return option.quality


def doing(state: QuantiseState) -> str:
    """How a job goes."""
    match state.phase:
        case QuantisePhase.RUNNING:
            left = f", {time_left(state.seconds_left)}" if state.seconds_left else ""
            return f"Making it smaller: {state.fraction:.0%}{left}"
        case QuantisePhase.CANCELLED:
            return "Stopped. Nothing of it was kept."
        case QuantisePhase.DONE:
            share = 1 - state.result_bytes / max(1, state.source_bytes)
            size = size_text(state.result_bytes)
            return f"Done: the new file has {size}, {share:.0%} less than before."
        case QuantisePhase.FAILED if state.error is not None:
            return "\n".join(filter(None, (state.error.title, state.error.remedy)))
        case _:
            return ""


def time_left(seconds: float) -> str:
    """`less than a minute left`, `about 3 minutes left`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    return "about a minute left" if minutes == 1 else f"about {minutes} minutes left"
