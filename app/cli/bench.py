"""`lamplight bench`: how fast a model is on this machine, and why."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.cli.chat import choose
from app.cli.commands import DONE, INTERRUPTED, Bench
from app.cli.output import Output
from app.domain.benchmark import BenchRecord, compare, comparison_sentence, day_text
from app.domain.facts import BenchmarkChanged, BenchmarkState, BenchPhase, Fact
from app.domain.localmodel import LocalModel
from app.domain.slowness import Diagnosis
from app.services import Services

_MB = 1_000_000


async def bench(command: Bench, services: Services, output: Output) -> int:
    """Measure and print; the exit status. Raises `AppError` cases."""
    await choose(command.model, services)
    model = services.models.state.model
    assert model is not None
    earlier = await services.benchmarks.history(model)

    def heard(fact: Fact) -> None:
        if isinstance(fact, BenchmarkChanged):
            output.status(_doing(fact.state))

    unsubscribe = services.facts.subscribe(heard)
    try:
        record = await services.benchmarks.measure(command.plan)
    finally:
        unsubscribe()
        output.status("")
    if record is None:
        return INTERRUPTED
    diagnosis = await services.benchmarks.diagnose(model, record)
    assert diagnosis is not None
    compared = _compared(record, earlier)
    if command.json:
        output.document(_document(model, record, compared, diagnosis))
    else:
        _print(output, model, record, compared, diagnosis)
    return DONE


def _doing(state: BenchmarkState) -> str:
    match state.phase:
        case BenchPhase.LOADING:
            return "Loading the model …"
        case BenchPhase.RUNNING if state.threads:
            return f"Trying {state.threads} threads … {state.fraction:.0%}"
        case BenchPhase.RUNNING:
            return f"Measuring at depth {state.depth:,} … {state.fraction:.0%}"
        case _:
            return ""


def _compared(record: BenchRecord, earlier: list[BenchRecord]) -> str:
    comparison = compare(record, earlier[0]) if earlier else None
    if comparison is None:
        return ""
    then, now = (
        datetime.fromtimestamp(at / 1000).astimezone()
        for at in (comparison.before.measured_at, record.measured_at)
    )
    return comparison_sentence(record, comparison, day_text(then, now))


def _document(
    model: LocalModel, record: BenchRecord, compared: str, diagnosis: Diagnosis
) -> dict[str, Any]:
    result = asdict(record.result)
    for speed, plain in zip(record.result.speeds, result["speeds"], strict=True):
        plain |= {"prompt_rate": speed.prompt_rate, "decode_rate": speed.decode_rate}
    fastest = record.result.fastest
    return {
        "model": model.label,
        "measured_at": record.measured_at,
        "subject": asdict(record.subject),
        "result": result,
        "best_threads": fastest.threads if fastest else None,
        "compared": compared or None,
        "findings": [
            {
                "cause": finding.cause.value,
                "sentence": finding.sentence,
                "evidence": finding.evidence,
            }
            for finding in diagnosis.findings
        ],
        "limit": diagnosis.limit,
    }


def _print(
    output: Output, model: LocalModel, record: BenchRecord, compared: str, diagnosis: Diagnosis
) -> None:
    subject, result = record.subject, record.result
    threads = f"{subject.threads} thread{'' if subject.threads == 1 else 's'}"
    output.line(f"{model.label}: {subject.backend}, {threads}, llama.cpp {result.llama_cpp}")
    output.line()
    output.line(f"{'depth':>8}  {'prompt tok/s':>13}  {'answer tok/s':>13}")
    for speed in result.speeds:
        output.line(f"{speed.depth:>8,}  {speed.prompt_rate:>13.1f}  {speed.decode_rate:>13.1f}")
    if result.left_out:
        left = ", ".join(f"{depth:,}" for depth in result.left_out)
        output.line(f"Left out, for want of time or room: {left}.")
    if result.threads:
        output.line()
        output.line(f"{'threads':>8}  {'prompt tok/s':>13}  {'answer tok/s':>13}")
        for tried in result.threads:
            rates = f"{tried.prompt_rate:>13.1f}  {tried.decode_rate:>13.1f}"
            output.line(f"{tried.threads:>8}  {rates}")
    output.line()
    loaded = f"Loaded in {subject.load_seconds:.1f} s."
    output.line(f"{loaded} The engine holds {result.load.resident_bytes / _MB:,.0f} MB of memory.")
    if compared:
        output.line(compared)
    for finding in diagnosis.findings:
        output.line()
        output.line(f"! {finding.sentence}")
        output.line(f"  {finding.evidence}")
    output.line()
    output.line(diagnosis.limit)
