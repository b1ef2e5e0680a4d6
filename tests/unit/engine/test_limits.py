"""Bounds for context, threads and memory."""

from __future__ import annotations

import os

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import ContextLengthRefused
from app.domain.fit import AUTOMATIC_MOST
from app.domain.load_params import LoadParams
from app.engine.limits import (
    MOST_THREADS,
    SHORTEST_CONTEXT,
    Buffers,
    buffers_told,
    choose_context,
    choose_threads,
    mapped_told,
    places_told,
    settle,
)


@pytest.mark.parametrize(
    ("wanted", "trained", "chosen"),
    [
        (None, 2048, 2048),
        (None, 131_072, AUTOMATIC_MOST),
        (None, 0, AUTOMATIC_MOST),
        (None, 1, SHORTEST_CONTEXT),
        (4096, 2048, 4096),
        (8192, 2048, 8192),
        (100_000, 0, 100_000),
    ],
)
def test_the_context(wanted: int | None, trained: int, chosen: int) -> None:
    assert choose_context(wanted, trained) == chosen


@pytest.mark.parametrize("wanted", [10_000_000, 8193, 63, 0, -1])
def test_a_context_out_of_bounds_is_refused_with_a_remedy(wanted: int) -> None:
    with pytest.raises(ContextLengthRefused) as caught:
        choose_context(wanted, 2048)
    assert f"{wanted:,}" in caught.value.title
    assert caught.value.remedy


@given(st.integers(0, 10**9))
def test_without_a_wish_there_is_always_a_context(trained: int) -> None:
    assert SHORTEST_CONTEXT <= choose_context(None, trained) <= AUTOMATIC_MOST


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (8, 7), (2000, MOST_THREADS)])
def test_the_window_keeps_a_core(cores: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: cores)
    assert choose_threads(None) == threads


def test_a_core_with_two_threads_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 8)
    assert choose_threads(None) == 7


def test_a_wish_for_threads_is_met_up_to_what_runs_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    assert choose_threads(3) == 3
    assert choose_threads(100_000) == 16
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(2000), raising=False)
    assert choose_threads(100_000) == MOST_THREADS


def test_a_load_is_settled_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    settled = settle(LoadParams(threads=3, batch=256, micro_batch=4096), 8192)
    assert (settled.context_length, settled.threads, settled.prompt_threads) == (8192, 3, 3)
    assert (settled.batch, settled.micro_batch) == (256, 256)
    assert settle(LoadParams(), 8192).micro_batch == 512
    assert settle(LoadParams(threads=3, prompt_threads=8), 8192).prompt_threads == 8


def test_a_stretched_context_may_be_longer() -> None:
    with pytest.raises(ContextLengthRefused):
        settle(LoadParams(context_length=50_000), 8192)
    assert settle(LoadParams(context_length=50_000, rope_factor=8), 8192).context_length == 50_000


def test_what_lies_in_a_graphics_processor_is_told_by_its_name() -> None:
    log = [
        "load_tensors:   CPU_Mapped model buffer size =   281.81 MiB",
        "load_tensors:        CUDA0 model buffer size =  4095.05 MiB",
        "load_tensors:        CUDA1 model buffer size =   100.00 MiB",
        "llama_kv_cache:      CUDA0 KV buffer size =   512.00 MiB",
        "llama_context:   CUDA_Host  output buffer size =     0.49 MiB",
        "sched_reserve:       CUDA0 compute buffer size =   258.50 MiB",
        "sched_reserve:   CUDA_Host compute buffer size =    24.01 MiB",
    ]
    mib = 1024 * 1024
    assert dict(places_told(log)) == {
        "CUDA0": pytest.approx(4865.55 * mib, abs=3),
        "CUDA1": 100 * mib,
    }


def test_buffers_are_added_up() -> None:
    log = [
        "llama_context:        CPU  output buffer size =     0.50 MiB",
        "llama_kv_cache:        CPU KV buffer size =   180.00 MiB",
        "llama_kv_cache: size =  180.00 MiB (  8192 cells,  30 layers,  1/1 seqs), K (f16): …",
        "llama_kv_cache: size =   20.00 MiB (  1024 cells,   5 layers,  1/1 seqs), K (f16): …",
        "sched_reserve:        CPU compute buffer size =    98.50 MiB",
        "something else",
    ]
    mib = 1024 * 1024
    assert buffers_told(log) == Buffers(cache=200 * mib, compute=99 * mib)


def test_what_is_mapped_is_told_apart() -> None:
    log = [
        "load_tensors:   CPU_Mapped model buffer size =    92.50 MiB",
        "load_tensors:   CPU_REPACK model buffer size =    40.00 MiB",
    ]
    assert mapped_told(log) == 97 * 1024 * 1024 - 4.5 * 1024 * 1024
