"""How long a context may be, and whether it fits: decided before llama.cpp allocates anything."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil

from app.domain.errors import ContextLengthRefused
from app.domain.fit import Memory, automatic_length
from app.domain.load_params import LoadParams, bounded, check, settled_micro_batch

SHORTEST_CONTEXT = 64
STRETCH = 4
"""How far over the trained length a context may go; beyond, models write nonsense."""
LONGEST_UNTRAINED = 131_072
"""Where the file does not say what it was trained for."""
MOST_THREADS = 512
"""ggml's own limit; more end the process."""

_MIB = 1024 * 1024


def settle(params: LoadParams, trained: int) -> LoadParams:
    """The same with a number for the context length, the micro-batch and the threads, and nothing
    out of bounds.

    Raises `ContextLengthRefused` and `LoadSettingsRefused`.
    """
    check(params)
    sound = bounded(params)
    stretch = max(float(STRETCH), sound.rope_factor)
    length = choose_context(params.context_length, trained, stretch)
    threads = choose_threads(sound.threads)
    return replace(
        sound,
        context_length=length,
        threads=threads,
        prompt_threads=choose_threads(sound.prompt_threads or threads),
        micro_batch=settled_micro_batch(sound),
    )


def choose_context(wanted: int | None, trained: int, stretch: float = STRETCH) -> int:
    """The context length in tokens; raises `ContextLengthRefused`."""
    if wanted is None:
        return max(SHORTEST_CONTEXT, automatic_length(trained))
    longest = max(int(trained * stretch), SHORTEST_CONTEXT) if trained else LONGEST_UNTRAINED
    if wanted < SHORTEST_CONTEXT:
        raise ContextLengthRefused(
            f"A context of {wanted:,} tokens is too short to hold a conversation.",
            f"At least {SHORTEST_CONTEXT} tokens are needed.",
            "Set a longer context, or leave it at its default.",
        )
    if wanted > longest:
        raise ContextLengthRefused(
            f"A context of {wanted:,} tokens is too long for this model.",
            f"It was trained with {trained:,} tokens." if trained else "",
            f"Set at most {longest:,} tokens, or leave it at its default.",
        )
    return wanted


def choose_threads(wanted: int | None) -> int:
    """Computing threads: one fewer than the processor cores that this process may use.

    A wish is met up to what the processor can run at once: more only wait for one another.
    """
    if wanted is not None and wanted > 0:
        return min(wanted, _usable(), MOST_THREADS)
    return max(1, min(usable_cores() - 1, MOST_THREADS))


def usable_cores() -> int:
    """Cores of the processor that this process may use; those that share one count as one."""
    usable = _usable()
    return min(psutil.cpu_count(logical=False) or usable, usable)


def _usable() -> int:
    usable = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    return usable


def machine_memory() -> Memory:
    """What the machine has now."""
    memory = psutil.virtual_memory()
    return Memory(int(memory.total), int(memory.available), sys.platform.startswith("linux"))


@dataclass(frozen=True, slots=True)
class Buffers:
    """Bytes that a context takes, by what llama.cpp logs when it makes one."""

    cache: int
    compute: int


_CACHE = re.compile(r": size =\s*([\d.]+) MiB \(")
"""What the caches hold; their buffers are of size 0 where a context is only measured."""
_COMPUTE = re.compile(r"(?:output|compute) buffer size =\s*([\d.]+) MiB")


def buffers_told(log: Sequence[str]) -> Buffers:
    """Add up the caches and buffers that the log names."""
    return Buffers(_total(_CACHE, log), _total(_COMPUTE, log))


_BUFFER = re.compile(r"(\S+) +(?:model|KV|RS|compute|output|LoRA) buffer size =\s*([\d.]+) MiB")
_IN_MEMORY = re.compile(r"^CPU|_Host$|_Mapped$|^BLAS|^AMX")
"""Buffers of the processor, and those in the machine's memory that a device can reach."""


def places_told(log: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Bytes that lie in each graphics processor, by what llama.cpp logs at a load."""
    found: Counter[str] = Counter()
    for line in log:
        match = _BUFFER.search(line)
        if match is not None and not _IN_MEMORY.search(match[1]):
            found[match[1]] += int(float(match[2]) * _MIB)
    return tuple(sorted(found.items()))


_ADAPTER = re.compile(r"LoRA buffer size =\s*([\d.]+) MiB")


def adapters_told(log: Sequence[str]) -> int:
    """Bytes of the LoRA adapters, by what llama.cpp logs when it reads them."""
    return _total(_ADAPTER, log)


_MAPPED = re.compile(r"_Mapped model buffer size =\s*([\d.]+) MiB")


def mapped_told(log: Sequence[str]) -> int:
    """Bytes of the weights that are the file's own pages, by what llama.cpp logs at a load."""
    return _total(_MAPPED, log)


def _total(pattern: re.Pattern[str], log: Sequence[str]) -> int:
    found = [pattern.search(line) for line in log]
    return sum(int(float(match[1]) * _MIB) for match in found if match is not None)
