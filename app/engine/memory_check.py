"""Refusing a context that cannot fit, before the system ends the process for it."""

from __future__ import annotations

from app.domain.load_params import LoadParams
from app.engine import refusal
from app.engine.dry_run import measured_buffers
from app.engine.limits import machine_memory
from app.engine.native import system
from app.engine.native.weights import Weights


def require_memory(path: str, weights: Weights, settled: LoadParams) -> None:
    """Raise `OutOfMemory` if cache and buffers cannot fit.

    The estimate is an upper bound; where it comes near to what is free, llama.cpp measures. What
    goes to a graphics processor is left to llama.cpp, whose allocation fails without harm.
    """
    if offloaded(settled, weights):
        return
    memory = machine_memory()
    length = settled.context_length or 0
    if weights.cache_bytes_per_token(settled) * length < memory.available // 2:
        return
    buffers = measured_buffers(path, settled)
    needed = buffers.cache + buffers.compute
    if needed > memory.available:
        raise refusal.out_of_memory(
            f"A context of {length:,} tokens needs {_gib(needed)}, "
            f"and {_gib(memory.available)} are free."
        )


def offloaded(params: LoadParams, weights: Weights) -> int:
    """Layers on a graphics processor; the output layer counts as one."""
    if not system.accelerators():
        return 0
    every = weights.layers + 1
    return every if params.gpu_layers is None else min(params.gpu_layers, every)


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
