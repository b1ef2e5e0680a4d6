"""How an answer is told: for a person, or event by event for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from app.cli.output import Output
from app.domain.errors import AppError
from app.domain.facts import AnswerProgress
from app.domain.generation import FinishReason, PartKind, RunStats


class AnswerPrinter:
    """How an answer is told."""

    def __init__(self, output: Output) -> None:
        self.output = output

    def loading(self, fraction: float) -> None:
        """The model is being loaded."""

    def progress(self, fact: AnswerProgress) -> None:
        """The prompt is being read."""

    def delta(self, kind: PartKind, text: str) -> None:
        """There is new text."""

    def remarks(self, sentences: Sequence[str]) -> None:
        """What a person must know about the answer, before its last word."""

    def finished(self, reason: FinishReason, model_name: str, stats: RunStats) -> None:
        """The answer has its last word."""

    def failed(self, error: AppError) -> None:
        """The answer could not be made."""


class _TextPrinter(AnswerPrinter):
    """The answer for a person, or for a file."""

    _reasoning_is_open = False

    def loading(self, fraction: float) -> None:
        self.output.status(f"Loading the model … {fraction:.0%}")

    def progress(self, fact: AnswerProgress) -> None:
        if fact.done < fact.total:
            self.output.status(f"Reading the prompt … {fact.done / fact.total:.0%}")

    def delta(self, kind: PartKind, text: str) -> None:
        if kind is PartKind.REASONING:
            self._reasoning_is_open = True
            self.output.aside(text)
            return
        self._end_reasoning()
        self.output.text(text)

    def remarks(self, sentences: Sequence[str]) -> None:
        if sentences:
            self._end_reasoning()
            self.output.end_line()
            self.output.aside("".join(f"{sentence}\n" for sentence in sentences))

    def finished(self, reason: FinishReason, model_name: str, stats: RunStats) -> None:
        self._end_reasoning()
        self.output.end_line()
        self.output.status("")
        self.output.note(_statistics(reason, model_name, stats))

    def failed(self, error: AppError) -> None:
        self._end_reasoning()
        self.output.error(error)

    def _end_reasoning(self) -> None:
        if self._reasoning_is_open:
            self._reasoning_is_open = False
            self.output.aside("\n\n")


class _JsonPrinter(AnswerPrinter):
    """One event a line, as the issue's "Command line" section fixes them."""

    def progress(self, fact: AnswerProgress) -> None:
        self.output.json(
            {
                "type": "prompt_progress",
                "done": fact.done,
                "total": fact.total,
                "cached": fact.cached,
            }
        )

    def delta(self, kind: PartKind, text: str) -> None:
        self.output.json({"type": "delta", "kind": kind.value, "text": text})

    def finished(self, reason: FinishReason, model_name: str, stats: RunStats) -> None:
        told = {**asdict(stats), "decode_rate": stats.decode_rate}
        self.output.json(
            {"type": "finished", "reason": reason.value, "model": model_name, "stats": told}
        )

    def failed(self, error: AppError) -> None:
        self.output.json({"type": "failed", "error": error.to_dict()})


_REASONS: Final = {
    FinishReason.STOP: "finished",
    FinishReason.LENGTH: "cut at the token limit",
    FinishReason.CONTEXT: "the context is full",
    FinishReason.CANCELLED: "stopped",
}


def _statistics(reason: FinishReason, model_name: str, stats: RunStats) -> str:
    pieces = [model_name, f"{stats.answer_tokens} tokens"]
    if stats.first_token_seconds:
        pieces.append(f"{stats.first_token_seconds:.2f} s to the first")
    if stats.decode_rate:
        pieces.append(f"{stats.decode_rate:.1f} tok/s")
    if stats.drafted_tokens:
        pieces.append(f"{stats.accepted_tokens} of {stats.drafted_tokens} guessed tokens held")
    return " · ".join([piece for piece in [*pieces, _REASONS[reason]] if piece])


def printer_for(output: Output, *, as_json: bool) -> AnswerPrinter:
    """The one that was asked for."""
    return _JsonPrinter(output) if as_json else _TextPrinter(output)
