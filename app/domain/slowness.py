"""Why a model is slow on this machine: the usual causes, checked in the order in which they weigh.

Each finding tells what was seen and, where Lamplight can do something about it, what that is. The
rules know values only; the probes are `app.engine.machine_facts` and the measurement itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from app.domain.benchmark import BenchRecord
from app.domain.fit import Memory
from app.domain.generation import LoadedInfo

_MIB: Final = 1024 * 1024
_SWAPPED: Final = 64 * _MIB
"""Moved out of memory; below this it is what no program ever needs."""
_READS_A_TOKEN: Final = 1.0
"""Pages from the disk for each token; a model that stays in memory reads none."""
_OTHERS_SHARE: Final = 0.15
"""Of the cores: what any desktop does by itself is less."""
_LEAST_OTHERS: Final = 0.4
_THREADS_GAIN: Final = 1.05
"""Another number of threads must be faster by so much to be worth a change."""
_SHORTEST_NEED: Final = 4096
_WASTE: Final = 256 * _MIB
_SLOWED: Final = 0.9
"""A processor that may reach at most this share of its frequency is held back."""
_SAVING: Final = frozenset({"power-saver", "low-power", "quiet", "cool"})


class Cause(StrEnum):
    """What makes it slow."""

    MEMORY = "memory"
    BACKEND = "backend"
    LAYERS = "layers"
    THREADS = "threads"
    CONTEXT = "context"
    POWER = "power"
    HEAT = "heat"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class SetThreads:
    """Compute with so many threads."""

    threads: int


@dataclass(frozen=True, slots=True)
class ShorterContext:
    """Load it with a context of this length."""

    length: int


@dataclass(frozen=True, slots=True)
class UseAllLayers:
    """Load it with as many layers on the graphics processor as fit."""


@dataclass(frozen=True, slots=True)
class UnloadOthers:
    """Unload all other models."""


@dataclass(frozen=True, slots=True)
class ChooseAnother:
    """Choose a smaller model."""


@dataclass(frozen=True, slots=True)
class MeasureAgain:
    """Measure again, once the person has done what is said."""


@dataclass(frozen=True, slots=True)
class CopyCommand:
    """Copy a command for the terminal."""

    command: str


Fix: TypeAlias = (
    SetThreads
    | ShorterContext
    | UseAllLayers
    | UnloadOthers
    | ChooseAnother
    | MeasureAgain
    | CopyCommand
)


def fix_label(fix: Fix) -> str:
    """What its button says."""
    match fix:
        case SetThreads(threads):
            return f"Use {_count(threads, 'thread')}"
        case ShorterContext(length):
            return f"Use {length:,} tokens"
        case UseAllLayers():
            return "Use all layers"
        case UnloadOthers():
            return "Unload the others"
        case ChooseAnother():
            return "Choose another model"
        case MeasureAgain():
            return "Measure again"
        case CopyCommand():
            return "Copy the command"


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that was seen here."""

    cause: Cause
    sentence: str
    """What is so, and what to do about it."""
    evidence: str
    """The figures behind it."""
    fix: Fix


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What can be read of the machine; empty where it cannot."""

    cores: int
    """That the engine may use; those that share one count as one."""
    graphics: tuple[str, ...] = ()
    """Graphics processors worth using, by name."""
    on_battery: bool = False
    battery_percent: int | None = None
    power_profile: str = ""
    frequency_share: float = 1.0
    """Of the processor's highest frequency, what it may reach as it is set now."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the rules look at."""

    info: LoadedInfo
    machine: MachineFacts
    memory: Memory
    held_bytes: int
    """Of memory, what the loaded model holds that is not counted as available."""
    offloads: bool
    """The engine sees a graphics processor that it can use."""
    layers: int
    """Of the file, the output layer counted as one."""
    layers_are_set: bool = False
    """The number on the graphics processor was set by hand, not chosen by what fits."""
    others_bytes: int = 0
    """Of memory, what other loaded models hold; they could give it back."""
    longest_conversation: int = 0
    """Tokens; 0 where there was none."""
    record: BenchRecord | None = None
    """The last measurement of this file on this machine."""
    mixture: bool = False
    """Only some of its weights are used for each token."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings, the heaviest first, and what sets the pace where there is none."""

    findings: tuple[Finding, ...]
    limit: str


def diagnose(seen: Circumstances) -> Diagnosis:
    """Check every cause in order."""
    found = [finding for rule in _RULES if (finding := rule(seen)) is not None]
    return Diagnosis(tuple(found), _limit(seen, bool(found)))


# ---------------------------------------------------------------------------------------- rules


def _memory(seen: Circumstances) -> Finding | None:
    info = seen.info
    if info.gpu_layers >= seen.layers:
        # Then it lies in the graphics processor's memory, which does not swap.
        return None
    room = min(seen.memory.total, seen.memory.available + seen.held_bytes)
    if info.memory_bytes > room:
        return _no_room(seen, room)
    fix = _less_memory(seen)
    load = seen.record.result.load if seen.record else None
    if load is None:
        return None
    if load.swapped_bytes > max(_SWAPPED, info.total_bytes // 20):
        return Finding(
            Cause.MEMORY,
            "Parts of the model were moved out of memory to the disk. Close other programs, or "
            "choose a smaller file.",
            f"{_size(load.swapped_bytes)} of the engine lay in swap.",
            fix,
        )
    assert seen.record is not None
    tokens = _tokens_measured(seen.record)
    if load.disk_reads > _READS_A_TOKEN * tokens:
        return Finding(
            Cause.MEMORY,
            "The model had to be read from the disk while it answered: there is too little free "
            "memory to keep all of it.",
            f"{load.disk_reads:,} reads from the disk while {tokens:,} tokens were computed.",
            fix,
        )
    return None


def _no_room(seen: Circumstances, room: int) -> Finding:
    need = seen.info.memory_bytes
    others = seen.others_bytes
    suffices = need <= min(seen.memory.total, room + others)
    remedy = (
        "Unload the other models." if suffices else "Choose a smaller file or a shorter context."
    )
    held = f" Other models hold {_size(others)}." if others else ""
    return Finding(
        Cause.MEMORY,
        "The model does not fit into memory, so parts of it are read from the disk again and "
        f"again. {remedy}",
        f"It takes {_size(need)}; {_size(room)} of {_size(seen.memory.total)} are there for it."
        f"{held}",
        UnloadOthers() if suffices else _less_memory(seen),
    )


def _less_memory(seen: Circumstances) -> Fix:
    need = _needed_context(seen)
    length = seen.info.context_length
    saved = seen.info.context_bytes * (1 - need / length) if length else 0
    worth = max(_WASTE, seen.info.total_bytes // 20)
    return ShorterContext(need) if need < length and saved >= worth else ChooseAnother()


def _tokens_measured(record: BenchRecord) -> int:
    result = record.result
    each = result.prompt_tokens + result.answer_tokens
    deepest = result.speeds[-1].depth
    return deepest + sum(each * len(speed.decode_rates) for speed in result.speeds)


def _backend(seen: Circumstances) -> Finding | None:
    graphics = seen.machine.graphics
    if not graphics or seen.offloads:
        return None
    backend = _backend_for(graphics[0])
    return Finding(
        Cause.BACKEND,
        "This computer has a graphics processor, but this engine was built for the processor only. "
        "Build it anew with the command, then start Lamplight again.",
        f"Found: {', '.join(graphics)}. In use: {seen.info.backend}.",
        CopyCommand(f"python3 dev.py setup --backend {backend}"),
    )


def _backend_for(name: str) -> str:
    if "NVIDIA" in name:
        return "cuda"
    return "metal" if "Apple" in name else "vulkan"


def _layers(seen: Circumstances) -> Finding | None:
    info = seen.info
    if not seen.offloads or info.gpu_layers >= seen.layers:
        return None
    remedy = (
        "Its load settings say so."
        if seen.layers_are_set
        else "With a shorter context or a smaller file more of it fits."
    )
    return Finding(
        Cause.LAYERS,
        "Only a part of the model runs on the graphics processor; the rest is much slower. "
        f"{remedy}",
        f"{info.gpu_layers} of {seen.layers} layers.",
        UseAllLayers() if seen.layers_are_set else _less_memory(seen),
    )


def _threads(seen: Circumstances) -> Finding | None:
    info, cores = seen.info, seen.machine.cores
    if info.gpu_layers >= seen.layers:
        return None
    result = seen.record.result if seen.record else None
    best = result.fastest if result else None
    current = (
        next((s for s in result.threads if s.threads == info.threads), None) if result else None
    )
    if best is not None and current is not None:
        gain = best.decode_rate / current.decode_rate if current.decode_rate > 0 else 1.0
        if best.threads == info.threads or gain < _THREADS_GAIN:
            return None
        return Finding(
            Cause.THREADS,
            f"It is faster with {_count(best.threads, 'thread')} than with {info.threads}.",
            f"Measured: {best.decode_rate:.1f} against {current.decode_rate:.1f} tok/s.",
            SetThreads(best.threads),
        )
    if info.threads > cores:
        return Finding(
            Cause.THREADS,
            "More threads compute than the processor has cores; they wait for one another.",
            f"{_count(info.threads, 'thread')} on {_count(cores, 'core')}.",
            SetThreads(max(1, cores - 1)),
        )
    return None


def _context(seen: Circumstances) -> Finding | None:
    info, need = seen.info, _needed_context(seen)
    if info.context_length < 2 * need:
        return None
    wasted = round(info.context_bytes * (1 - need / info.context_length))
    is_scarce = seen.memory.available < seen.memory.total // 8
    if wasted < _WASTE or not (is_scarce or info.context_bytes > info.weights_bytes):
        return None
    longest = seen.longest_conversation
    told = f"Your longest conversation has {longest:,}." if longest else "None was longer yet."
    return Finding(
        Cause.CONTEXT,
        "The context is much longer than your conversations, and takes memory that the model and "
        "other programs could use.",
        f"{info.context_length:,} tokens take {_size(info.context_bytes)}. {told}",
        ShorterContext(need),
    )


def _needed_context(seen: Circumstances) -> int:
    """Twice the longest conversation, as a power of two."""
    need = _SHORTEST_NEED
    while need < 2 * seen.longest_conversation:
        need *= 2
    return need


def _power(seen: Circumstances) -> Finding | None:
    machine = seen.machine
    evidence: list[str] = []
    if machine.on_battery:
        percent = machine.battery_percent
        evidence.append("On battery." if percent is None else f"On battery, {percent} % left.")
    if machine.power_profile in _SAVING:
        evidence.append(f"The power profile is “{machine.power_profile}”.")
    if machine.frequency_share < _SLOWED:
        evidence.append(
            f"The processor may reach {machine.frequency_share * 100:.0f} % of its highest "
            "frequency."
        )
    if not evidence:
        return None
    remedy = "Plug it in" if machine.on_battery else "Choose a faster power mode in the system"
    return Finding(
        Cause.POWER,
        f"This computer saves energy, and computes more slowly for it. {remedy}, then measure "
        "again.",
        " ".join(evidence),
        MeasureAgain(),
    )


def _heat(seen: Circumstances) -> Finding | None:
    throttled = seen.record.result.load.throttled if seen.record else 0
    if not throttled:
        return None
    return Finding(
        Cause.HEAT,
        "The processor became too hot and slowed itself down. Let it cool down and free its air "
        "vents, or use fewer threads.",
        f"{_count(throttled, 'time')} while it was measured.",
        SetThreads(seen.info.threads - 1) if seen.info.threads > 1 else MeasureAgain(),
    )


def _others(seen: Circumstances) -> Finding | None:
    load = seen.record.result.load if seen.record else None
    cores = seen.machine.cores
    if load is None or load.others_cores < max(_LEAST_OTHERS, _OTHERS_SHARE * cores):
        return None
    most = f" Most of it was used by “{load.busiest}”." if load.busiest else ""
    return Finding(
        Cause.OTHERS,
        "Other programs kept the processor busy while this was measured. Close them, then measure "
        "again.",
        f"{load.others_cores:.1f} of {_count(cores, 'core')}.{most}",
        MeasureAgain(),
    )


_RULES: Final[tuple[Callable[[Circumstances], Finding | None], ...]] = (
    _memory,
    _backend,
    _layers,
    _threads,
    _context,
    _power,
    _heat,
    _others,
)


# ---------------------------------------------------------------------------------------- limit


def _limit(seen: Circumstances, is_hindered: bool) -> str:
    """What sets the pace: for each token all weights, and what the cache holds, are read once."""
    if seen.record is None:
        return "Measure it, and Lamplight can tell what sets the pace."
    fastest = seen.record.result.speeds[0]
    rate = fastest.decode_rate
    opening = "" if is_hindered else "Nothing holds it back that Lamplight can see. "
    if seen.mixture:
        return (
            f"{opening}For each token only some of its weights are read; how fast memory is "
            "decides how fast that goes."
        )
    weights = seen.info.weights_bytes
    return (
        f"{opening}Each token reads all of the model once, {_size(weights)}: at {rate:.1f} tok/s "
        f"that is about {_size(round(weights * rate))} a second. The speed of the memory is the "
        "usual limit; a smaller or more strongly compressed file is faster in proportion."
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
