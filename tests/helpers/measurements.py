"""Measurements that nobody made."""

from __future__ import annotations

from typing import Any

from app.domain.benchmark import (
    BenchRecord,
    BenchResult,
    BenchSubject,
    DepthSpeed,
    HostLoad,
    ThreadSpeed,
)


def speed(depth: int = 0, prompt: float = 200.0, decode: float = 50.0) -> DepthSpeed:
    """Three repetitions that differ a little."""
    return DepthSpeed(
        depth, (prompt * 0.9, prompt, prompt * 1.2), (decode * 1.1, decode, decode * 0.8)
    )


def result(*speeds: DepthSpeed, **more: Any) -> BenchResult:
    """What a measurement came to; `more` replaces fields."""
    fields: dict[str, Any] = {
        "speeds": speeds or (speed(), speed(2048, 100.0, 25.0)),
        "threads": (),
        "prompt_tokens": 512,
        "answer_tokens": 32,
        "left_out": (),
        "seconds": 30.0,
        "llama_cpp": "1.2",
        "load": HostLoad(resident_bytes=400_000_000),
    }
    return BenchResult(**(fields | more))


def subject(path: str = "/models/a.gguf", **more: Any) -> BenchSubject:
    """What was measured; `more` replaces fields."""
    fields: dict[str, Any] = {
        "path": path,
        "file_bytes": 1000,
        "mtime_ns": 5,
        "backend": "CPU",
        "threads": 1,
        "gpu_layers": 0,
        "context_length": 8192,
        "weights_bytes": 100_000_000,
        "context_bytes": 20_000_000,
        "compute_bytes": 3_000_000,
        "load_seconds": 0.4,
    }
    return BenchSubject(**(fields | more))


def record(
    *speeds: DepthSpeed,
    number: int = 1,
    at: int = 1_000_000,
    **more: Any,
) -> BenchRecord:
    """A measurement of the history; `more` replaces fields of its result."""
    return BenchRecord(number, at, subject(), result(*speeds, **more))


THREADS = (ThreadSpeed(1, 200.0, 50.0), ThreadSpeed(2, 350.0, 80.0), ThreadSpeed(4, 300.0, 60.0))
"""Two is the best number."""
