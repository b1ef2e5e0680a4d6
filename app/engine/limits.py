"""How long a context may be, and whether it fits: decided before llama.cpp allocates anything."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from app.domain.errors import ContextLengthRefused
from app.domain.fit import Memory, automatic_length

SHORTEST_CONTEXT = 64
STRETCH = 4
"""How far over the trained length a context may go; beyond, models write nonsense."""
LONGEST_UNTRAINED = 131_072
"""Where the file does not say what it was trained for."""
MOST_THREADS = 512
"""ggml's own limit; more end the process."""

_MIB = 1024 * 1024


def choose_context(wanted: int | None, trained: int) -> int:
    """The context length in tokens; raises `ContextLengthRefused`."""
    if wanted is None:
        return max(SHORTEST_CONTEXT, automatic_length(trained))
    longest = max(trained * STRETCH, SHORTEST_CONTEXT) if trained else LONGEST_UNTRAINED
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
    """Computing threads: one fewer than the processor cores that this process may use."""
    if wanted is not None and wanted > 0:
        return min(wanted, MOST_THREADS)
    return max(1, min(usable_cores() - 1, MOST_THREADS))


def usable_cores() -> int:
    """Cores of the processor that this process may use; those that share one count as one."""
    usable = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    cores = psutil.cpu_count(logical=False) or usable
    return min(cores, usable)


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


_MAPPED = re.compile(r"_Mapped model buffer size =\s*([\d.]+) MiB")


def mapped_told(log: Sequence[str]) -> int:
    """Bytes of the weights that are the file's own pages, by what llama.cpp logs at a load."""
    return _total(_MAPPED, log)


def _total(pattern: re.Pattern[str], log: Sequence[str]) -> int:
    found = [pattern.search(line) for line in log]
    return sum(int(float(match[1]) * _MIB) for match in found if match is not None)
