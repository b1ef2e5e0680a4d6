"""The sentences of the transcript: who speaks, how an answer ended, what it took."""

from __future__ import annotations

from app.domain.context_notes import left_out_sentence
from app.domain.conversation import Message, MessageStatus, Run
from app.domain.generation import FinishReason, Role, RunStats
from app.domain.overflow import Overflow

_FINISH = {
    FinishReason.STOP: "complete",
    FinishReason.LENGTH: "reached the token limit",
    FinishReason.CONTEXT: "context full",
    FinishReason.CANCELLED: "stopped by you",
}
_STATUS = {
    MessageStatus.STOPPED: "stopped by you",
    MessageStatus.INTERRUPTED: "interrupted — Lamplight was closed",
    MessageStatus.FAILED: "failed",
}
LONGEST_DESCRIPTION = 4_000
"""Characters of a message that a screen reader is told as the row's description."""


def speaker(message: Message) -> str:
    """The name above a message."""
    if message.role is Role.USER:
        return "You"
    if message.role is Role.SYSTEM:
        return "System prompt"
    return (message.run.model_name if message.run else "") or "Assistant"


def description(message: Message, text: str) -> str:
    """Role and text, for a screen reader."""
    return f"{message.role.value}: {text[:LONGEST_DESCRIPTION]}"


def ending(status: MessageStatus, run: Run | None) -> str:
    """Why an answer ended."""
    if status in _STATUS:
        return _STATUS[status]
    return _FINISH[run.finish] if run and run.finish else "complete"


def statistics(
    status: MessageStatus, run: Run | None, *, named: bool = True, brief: bool = False
) -> str:
    """The line under an answer; what is not known is left out.

    Unless `named` without the model, which stands above the answer; `brief` spares words.
    """
    parts: list[str] = []
    if run is not None:
        stats = run.stats
        parts.append(run.model_name if named else "")
        if stats.answer_tokens:
            parts.append(f"{stats.answer_tokens:,} token{'s' if stats.answer_tokens != 1 else ''}")
        if stats.first_token_seconds > 0:
            what = "" if brief else "first token "
            parts.append(f"{what}{stats.first_token_seconds:.2f} s")
        if stats.decode_rate > 0:
            parts.append(f"{stats.decode_rate:.1f} tok/s")
        if stats.drafted_tokens and not brief:
            parts.append(guesses(stats))
    parts.append(ending(status, run))
    return " · ".join(part for part in parts if part)


def guesses(stats: RunStats) -> str:
    """What came of the tokens that were guessed."""
    return f"{stats.accepted_tokens:,} of {stats.drafted_tokens:,} guessed tokens held"


def statistics_wordings(status: MessageStatus, run: Run | None) -> tuple[str, str, str]:
    """The same line for less and less room."""
    return (
        statistics(status, run),
        statistics(status, run, named=False),
        statistics(status, run, named=False, brief=True),
    )


def left_out(run: Run | None, count: int) -> str:
    """What an answer's prompt was made without; empty: nothing."""
    overflow = run.params.overflow if run else Overflow.DROP_OLDEST
    return left_out_sentence(count, overflow) if count else ""


def reading_progress(done: int, total: int) -> str:
    """While the prompt is read."""
    percent = min(100, 100 * done // total) if total > 0 else 0
    return f"Reading the prompt… {percent}\N{NO-BREAK SPACE}%"


def thought(seconds: float | None, *, still: bool) -> str:
    """The label of the reasoning; `seconds` is None where nobody has measured it."""
    if still:
        return "Thinking…"
    if seconds is None:
        return "Thoughts"
    if seconds < 1:
        return "Thought for a moment"
    if seconds < 60:
        return f"Thought for {seconds:.0f} s"
    return f"Thought for {seconds // 60:.0f} min {seconds % 60:.0f} s"
