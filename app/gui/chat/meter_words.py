"""What the context meter says."""

from __future__ import annotations

from enum import Enum, auto

from app.domain.context_notes import left_out_sentence
from app.domain.generation import TokenCount
from app.domain.overflow import Overflow

NEARLY_FULL = 0.85
"""Of the room for a prompt."""


class Fullness(Enum):
    """How a count is to be taken."""

    ROOMY = auto()
    NEARLY = auto()
    """Nearly full, or something is left out already."""
    OVER = auto()
    """It would not be sent."""


def fullness(count: TokenCount) -> Fullness:
    """Whether there is something to be said."""
    if not count.fits:
        return Fullness.OVER
    room = count.context_length - count.reserved
    if count.left_out or count.sent >= NEARLY_FULL * room:
        return Fullness.NEARLY
    return Fullness.ROOMY


def figures(count: TokenCount) -> str:
    """`1,204 of 8,192 tokens`."""
    return f"{count.sent:,} of {count.context_length:,} tokens"


def itemised(count: TokenCount) -> str:
    """The same with its items, a line for each."""
    rows = [
        ("System prompt", count.system),
        ("Conversation", count.conversation),
        ("Draft", count.draft),
        ("Reserved for the answer", count.reserved),
    ]
    lines = [f"{name}: {number:,}" for name, number in rows if number or name == "Conversation"]
    return "\n".join([f"The next message would send {figures(count)}.", *lines])


def spoken(count: TokenCount) -> str:
    """The same for a screen reader."""
    return itemised(count).replace(".\n", ". ").replace("\n", ", ")


def warning(count: TokenCount | None, overflow: Overflow) -> str:
    """What must be known before the message is sent; empty: nothing."""
    if count is None:
        return ""
    if not count.fits:
        return (
            f"This is too long for the model's context: {figures(count)}. "
            "Set a longer context in the inspector, or shorten it."
        )
    if count.left_out:
        return left_out_sentence(count.left_out, overflow, ahead=True)
    return ""
