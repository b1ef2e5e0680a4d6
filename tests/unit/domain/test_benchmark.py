"""Rates, the best number of threads, comparisons, and the way through JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime

import pytest

from app.domain.benchmark import (
    BenchPlan,
    DepthSpeed,
    HostLoad,
    ThreadSpeed,
    compare,
    comparison_sentence,
    day_text,
    plan_from_dict,
    result_from_dict,
)
from tests.helpers.measurements import THREADS, record, result, speed


def test_a_rate_is_the_median() -> None:
    measured = DepthSpeed(0, (10.0, 90.0, 20.0), (3.0, 1.0))
    assert measured.prompt_rate == 20.0
    assert measured.decode_rate == 2.0


@pytest.mark.parametrize(
    ("rates", "best"), [((50, 80, 60), 2), ((50, 50.5, 51), 1), ((10, 20, 19.9), 2)]
)
def test_the_fewest_threads_of_those_that_are_alike(rates: tuple[float, ...], best: int) -> None:
    threads = tuple(ThreadSpeed(count, 1.0, rate) for count, rate in zip((1, 2, 4), rates))  # noqa: B905
    fastest = result(threads=threads).fastest
    assert fastest is not None
    assert fastest.threads == best


def test_without_a_trial_there_is_no_best_number() -> None:
    assert result().fastest is None


def test_values_survive_json() -> None:
    measured = result(threads=THREADS, left_out=(8192,), load=HostLoad(1, 2, 3, 0.5, "x", 4))
    assert result_from_dict(json.loads(json.dumps(asdict(measured)))) == measured
    plan = BenchPlan((0, 64), 128, 8, 2, 0.0, True)
    assert plan_from_dict(json.loads(json.dumps(asdict(plan)))) == plan


@pytest.mark.parametrize("missing", ["speeds", "load", "llama_cpp"])
def test_what_is_no_result_is_refused(missing: str) -> None:
    data = asdict(result())
    del data[missing]
    with pytest.raises((KeyError, TypeError, ValueError)):
        result_from_dict(data)


def test_a_result_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        result_from_dict({**asdict(result()), "speeds": []})


def sentence(decode: float, prompt: float = 100.0) -> str:
    now = record(speed(0), speed(2048, prompt, decode))
    comparison = compare(now, record(speed(0), speed(2048, 100.0, 100.0)))
    assert comparison is not None
    assert comparison.depth == 2048
    return comparison_sentence(now, comparison, "3 November")


@pytest.mark.parametrize(
    ("decode", "prompt", "said"),
    [
        (112, 100, "answers 12 % faster, prompts about as fast."),
        (80, 130, "answers 20 % slower, prompts 30 % faster."),
        (104, 96, "about as fast."),
        (250, 1500, "answers 2.5 times as fast, prompts 15 times as fast."),
    ],
)
def test_what_a_comparison_says(decode: float, prompt: float, said: str) -> None:
    assert sentence(decode, prompt) == f"Compared with 3 November: {said}"


def test_what_was_otherwise_is_said() -> None:
    before = record(speed())
    subject = replace(before.subject, threads=2, backend="CUDA0", gpu_layers=33)
    other = replace(before, subject=subject, result=replace(before.result, llama_cpp="0.9"))
    comparison = compare(before, other)
    assert comparison is not None
    said = comparison_sentence(before, comparison, "yesterday")
    assert "then with 2 threads" in said
    assert "then on CUDA0, 33 layers offloaded" in said
    assert "then llama.cpp 0.9" in said


def test_nothing_in_common_is_no_comparison() -> None:
    assert compare(record(speed(0)), record(speed(4096))) is None


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (datetime(2026, 11, 24, 9, 5), "09:05 today"),
        (datetime(2026, 11, 23, 23, 59), "yesterday"),
        (datetime(2026, 11, 3), "3 November"),
        (datetime(2025, 11, 3), "3 November 2025"),
    ],
)
def test_days(then: datetime, said: str) -> None:
    assert day_text(then, datetime(2026, 11, 24, 12, 0)) == said
