"""Measurements in words: for the dialog, and as a text to copy."""

from __future__ import annotations

from datetime import datetime

from app.domain.benchmark import BenchRecord, compare, comparison_sentence, day_text
from app.domain.facts import BenchmarkState, BenchPhase
from app.domain.localmodel import LocalModel
from app.domain.slowness import Diagnosis
from app.gui.wording import rate_text, size_text


def doing(state: BenchmarkState) -> str:
    """What is being done now, or how it ended."""
    percent = f"{round(state.fraction * 100)} %"
    match state.phase:
        case BenchPhase.NONE | BenchPhase.DONE:
            return ""
        case BenchPhase.LOADING:
            return "Loading the model…"
        case BenchPhase.RUNNING if state.threads:
            return f"Trying {_count(state.threads, 'thread')}, {percent}"
        case BenchPhase.RUNNING if state.depth:
            return f"Measuring after {state.depth:,} tokens, {percent}"
        case BenchPhase.RUNNING:
            return f"Measuring with an empty context, {percent}"
        case BenchPhase.CANCELLED:
            return "Cancelled."
        case BenchPhase.FAILED:
            error = state.error
            return f"{error.title} {error.remedy}".strip() if error else ""


def when(record: BenchRecord) -> str:
    """`3 Nov 2026, 14:02`."""
    then = _local(record)
    return f"{then.day} {then:%b %Y, %H:%M}"


def row(record: BenchRecord) -> str:
    """A measurement in the list of the earlier ones."""
    first = record.result.speeds[0]
    return (
        f"{when(record)}: answers {rate_text(first.decode_rate)}, prompts "
        f"{rate_text(first.prompt_rate)}, {_count(record.subject.threads, 'thread')}"
    )


def terms(record: BenchRecord) -> str:
    """How it was measured, and what it took."""
    subject, result = record.subject, record.result
    return " · ".join(
        (
            subject.backend,
            _count(subject.threads, "thread"),
            f"llama.cpp {result.llama_cpp}",
            f"loaded in {subject.load_seconds:.1f} s",
            f"{size_text(result.load.resident_bytes)} in memory",
        )
    )


def left_out(record: BenchRecord) -> str:
    """What was not measured, and why; empty where all was."""
    depths = record.result.left_out
    if not depths:
        return ""
    told = " and ".join(f"{depth:,}" for depth in depths)
    return f"Not measured after {told} tokens, for want of time or memory."


def threads_tried(record: BenchRecord) -> str:
    """What other numbers of threads came to; empty where they were not tried."""
    tried = [
        f"{_count(speed.threads, 'thread')} {rate_text(speed.decode_rate)}"
        for speed in record.result.threads
    ]
    return f"Answers with {', '.join(tried)}." if tried else ""


def compared(record: BenchRecord, records: list[BenchRecord]) -> str:
    """Against the one before it; empty where there is none. `records`: the last one first."""
    earlier = [other for other in records if other.measured_at < record.measured_at]
    comparison = compare(record, earlier[0]) if earlier else None
    if comparison is None:
        return ""
    day = day_text(_local(comparison.before), _local(record))
    return comparison_sentence(record, comparison, day)


def as_text(
    model: LocalModel, record: BenchRecord, comparison: str, diagnosis: Diagnosis | None
) -> str:
    """Everything, for the clipboard."""
    lines = [f"{model.label}, {when(record)}", terms(record), ""]
    lines.append(f"{'tokens before':>14}{'prompt tok/s':>14}{'answer tok/s':>14}")
    lines += [
        f"{speed.depth:>14,}{speed.prompt_rate:>14.1f}{speed.decode_rate:>14.1f}"
        for speed in record.result.speeds
    ]
    lines += filter(None, (left_out(record), threads_tried(record), comparison))
    if diagnosis is not None:
        for finding in diagnosis.findings:
            lines += ["", finding.sentence, finding.evidence]
        lines += ["", diagnosis.limit]
    return "\n".join(lines)


def _local(record: BenchRecord) -> datetime:
    return datetime.fromtimestamp(record.measured_at / 1000).astimezone()


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
