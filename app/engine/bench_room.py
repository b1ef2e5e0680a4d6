"""What a measurement has room for, and the context that it computes in."""

from __future__ import annotations

from dataclasses import replace

from app.domain.benchmark import BenchPlan
from app.domain.errors import OutOfMemory
from app.domain.fit import padded
from app.engine.limits import machine_memory
from app.engine.loaded import LoadedModel
from app.engine.native.context import Context
from app.engine.native.weights import NativeRefusal

WARM_TOKENS = 64
"""Read before anything is timed."""
_SPARE_BYTES = 128 * 1024 * 1024
_MANY_CORES = 8


def threads_to_try(cores: int, current: int) -> list[int]:
    """Every number up to the cores; of many cores some, the present number among them."""
    if cores <= _MANY_CORES:
        counts = set(range(1, cores + 1))
    else:
        counts = {1, 2, 4, cores // 4, cores // 2, cores * 3 // 4, cores - 1, cores}
    return sorted(counts | {current})


def depths_with_room(loaded: LoadedModel, plan: BenchPlan) -> tuple[list[int], list[int]]:
    """Depths that the context and the memory have room for, and those that must be left out.

    Raises `OutOfMemory` where there is no room for any.
    """
    wished = sorted(set(plan.depths))
    possible = [depth for depth in wished if depth <= loaded.info.context_length]
    if not loaded.info.gpu_layers:
        each = loaded.weights.cache_bytes_per_token(loaded.info.params)
        # The buffers of the computation do not depend on the depth.
        room = machine_memory().available - loaded.info.compute_bytes - _SPARE_BYTES
        possible = [depth for depth in possible if each * _length(plan, depth) <= room]
    if not possible:
        raise _no_memory()
    return possible, [depth for depth in wished if depth not in possible]


def _length(plan: BenchPlan, depth: int) -> int:
    return padded(depth + max(plan.prompt_tokens, plan.answer_tokens, WARM_TOKENS + 3))


def context_for(loaded: LoadedModel, plan: BenchPlan, depths: list[int]) -> Context:
    """A context of its own over the loaded weights; raises `OutOfMemory`."""
    settled = replace(loaded.info.params, context_length=_length(plan, depths[-1]))
    try:
        return Context(loaded.weights, settled)
    except NativeRefusal as error:
        raise _no_memory() from error


def _no_memory() -> OutOfMemory:
    return OutOfMemory(
        "There is too little free memory to measure this model.",
        "The measurement needs a small context beside the one that is loaded.",
        "Set a shorter context or close other programs, then measure again.",
    )
