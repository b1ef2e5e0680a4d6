"""What is said about a conversation that did not fit, in the window and in the terminal alike."""

from __future__ import annotations

from app.domain.conversation import Run
from app.domain.overflow import Overflow


def left_out_sentence(count: int, overflow: Overflow) -> str:
    """That so many messages were not sent with the question."""
    if overflow is Overflow.KEEP_ENDS:
        what = f"{count:,} messages" if count != 1 else "One message"
        verb = "were" if count != 1 else "was"
        return f"{what} between the first and the latest {verb} left out to fit the context."
    if count == 1:
        return "The oldest message was left out to fit the context."
    return f"The oldest {count:,} messages were left out to fit the context."


def context_notes(run: Run | None) -> list[str]:
    """Everything that an answer was made without."""
    notes: list[str] = []
    if run is None:
        return notes
    if run.stats.left_out:
        notes.append(left_out_sentence(run.stats.left_out, run.params.overflow))
    if run.stats.shifted_tokens:
        notes.append(
            f"While this was written the context was full: {run.stats.shifted_tokens:,} tokens "
            "of earlier text were dropped to go on."
        )
    return notes
