"""What happens to a conversation that is longer than the model's context."""

from __future__ import annotations

from enum import StrEnum


class Overflow(StrEnum):
    """What a person wants done then. Whichever it is, it is always said."""

    STOP = "stop"
    """Nothing is left out: the question is refused, and a running answer ends."""
    DROP_OLDEST = "drop_oldest"
    """The oldest messages are left out."""
    KEEP_ENDS = "keep_ends"
    """The first exchange and the latest ones stay; what lies between is left out."""


USUAL_SHARE = 1024
"""Tokens kept free for an answer without a limit of its own: a long answer of a chat."""


def answer_share(context_length: int, max_tokens: int | None, overflow: Overflow) -> int:
    """Tokens of the context that a prompt leaves free for its answer.

    Who wants nothing left out wants nothing left out for the answer's sake either. An answer's
    limit that is longer than half of the context gets half: the question must have some place.
    """
    if overflow is Overflow.STOP:
        return 0
    if max_tokens is not None and max_tokens > 0:
        return min(max_tokens, context_length // 2)
    return min(USUAL_SHARE, context_length // 4)
