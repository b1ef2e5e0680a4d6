"""What is said about a conversation that did not fit, in the window and in the terminal alike."""

from __future__ import annotations

from app.domain.conversation import Run
from app.domain.overflow import Overflow


def left_out_sentence(count: int, overflow: Overflow, *, ahead: bool = False) -> str:
    """That so many messages were not sent with the question; `ahead`: that they will not be."""
    be = "will be" if ahead else "was" if count == 1 else "were"
    if overflow is Overflow.KEEP_ENDS:
        what = "One message" if count == 1 else f"{count:,} messages"
        what += " between the first and the latest"
    else:
        what = "The oldest message" if count == 1 else f"The oldest {count:,} messages"
    return f"{what} {be} left out to fit the context."


def shifted_sentence(tokens: int) -> str:
    """That the context was full in the middle of an answer, and what made room."""
    return (
        f"While this was written the context was full: {tokens:,} tokens of earlier text were "
        "dropped to go on."
    )


def context_notes(run: Run | None) -> list[str]:
    """Everything that an answer was made without."""
    notes: list[str] = []
    if run is not None and run.stats.left_out:
        notes.append(left_out_sentence(run.stats.left_out, run.params.overflow))
    if run is not None and run.stats.shifted_tokens:
        notes.append(shifted_sentence(run.stats.shifted_tokens))
    return notes
