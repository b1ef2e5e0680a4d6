"""Measuring how fast a model is on this machine: what is asked, what comes, how two compare.

The method is that of llama.cpp's own `llama-bench` (tools/llama-bench, its tests `pp512` and `tg`
with `-d`): at each depth so many tokens lie in the cache already; then a prompt is read, and answer
tokens are computed one by one, over tokens drawn by chance and without choosing any. A rate is the
median of the repetitions. Rates are tokens a second, times seconds, sizes bytes, depths tokens.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from app.domain.generation import Failed

DEPTHS: Final = (0, 2048, 4096, 8192)
MOST_REPEATS: Final = 20
DEEPEST: Final = 1_000_000
QUICK_SECONDS: Final = 45.0

ALIKE: Final = 0.05
"""Two measurements closer than this share are taken as the same."""


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What to measure. What does not fit the context, the memory or the time is left out."""

    depths: tuple[int, ...] = DEPTHS
    prompt_tokens: int = 512
    answer_tokens: int = 32
    repeats: int = 3
    seconds: float = QUICK_SECONDS
    """Of computing; 0: as long as it takes. On a slow machine prompts and answers become shorter,
    and great depths are left out."""
    try_threads: bool = False
    """Measure other numbers of threads too."""


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """Measure the model that is loaded from `model_path`."""

    request_id: str
    model_path: str
    plan: BenchPlan = BenchPlan()


@dataclass(frozen=True, slots=True)
class DepthSpeed:
    """How fast it is with `depth` tokens before; one rate for each repetition."""

    depth: int
    prompt_rates: tuple[float, ...]
    decode_rates: tuple[float, ...]

    @property
    def prompt_rate(self) -> float:
        """The median."""
        return statistics.median(self.prompt_rates)

    @property
    def decode_rate(self) -> float:
        """The median."""
        return statistics.median(self.decode_rates)


@dataclass(frozen=True, slots=True)
class ThreadSpeed:
    """How fast it is with so many threads, with an empty context (medians)."""

    threads: int
    prompt_rate: float
    decode_rate: float


@dataclass(frozen=True, slots=True)
class HostLoad:
    """The engine's process and the machine, while it was measured; 0 where that cannot be read."""

    resident_bytes: int = 0
    """Of the process, at the end."""
    swapped_bytes: int = 0
    """Of the process, moved out to the disk."""
    disk_reads: int = 0
    """Pages of memory that had to come from the disk (major page faults)."""
    others_cores: float = 0.0
    """Processor cores that other programs kept busy."""
    busiest: str = ""
    """The name of the program that used most of that."""
    throttled: int = 0
    """How often the processor slowed itself down because of heat."""


@dataclass(frozen=True, slots=True)
class BenchResult:
    """All that was measured."""

    speeds: tuple[DepthSpeed, ...]
    """By depth, the shallowest first; never empty."""
    threads: tuple[ThreadSpeed, ...]
    """By number of threads; empty where that was not asked."""
    prompt_tokens: int
    """Of each prompt that was read."""
    answer_tokens: int
    left_out: tuple[int, ...]
    """Depths that would have taken too long, or more memory than there is."""
    seconds: float
    """Of computing, all together."""
    llama_cpp: str
    """Its version."""
    load: HostLoad = HostLoad()

    @property
    def fastest(self) -> ThreadSpeed | None:
        """The number of threads that writes fastest; the smaller one of those that are alike."""
        if not self.threads:
            return None
        best = max(speed.decode_rate for speed in self.threads)
        return next(s for s in self.threads if s.decode_rate >= best * (1 - ALIKE / 2))


@dataclass(frozen=True, slots=True)
class BenchProgress:
    """What is being done now; `fraction` (0 to 1) never shrinks."""

    fraction: float
    depth: int
    threads: int = 0
    """The number of threads that is tried; 0 while depths are measured."""


@dataclass(frozen=True, slots=True)
class SpeedMeasured:
    """A depth is done."""

    speed: DepthSpeed


@dataclass(frozen=True, slots=True)
class Benchmarked:
    """Terminal: everything is measured."""

    result: BenchResult


@dataclass(frozen=True, slots=True)
class BenchCancelled:
    """Terminal: nobody wants to know any more, or the model was unloaded."""


BenchEvent: TypeAlias = BenchProgress | SpeedMeasured | Benchmarked | BenchCancelled | Failed


@dataclass(frozen=True, slots=True)
class BenchSubject:
    """What was measured: a file as it was at this size and time, and how it was loaded."""

    path: str
    file_bytes: int
    mtime_ns: int
    backend: str
    threads: int
    gpu_layers: int
    context_length: int
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    load_seconds: float
    """Of the load before it. Short where the file lay in the system's memory already."""


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """A measurement that is kept."""

    id: int
    measured_at: int
    """Milliseconds since 1970 UTC."""
    subject: BenchSubject
    result: BenchResult


# ---------------------------------------------------------------------------- from plain values


def speed_from_dict(data: dict[str, Any]) -> DepthSpeed:
    """The inverse of `asdict`; raises KeyError, TypeError or ValueError, as all here."""
    return DepthSpeed(
        int(data["depth"]), _rates(data["prompt_rates"]), _rates(data["decode_rates"])
    )


def result_from_dict(data: dict[str, Any]) -> BenchResult:
    """The inverse of `asdict`."""
    speeds = tuple(speed_from_dict(speed) for speed in data["speeds"])
    if not speeds:
        raise ValueError("a measurement of nothing")
    return BenchResult(
        speeds=speeds,
        threads=tuple(ThreadSpeed(**speed) for speed in data["threads"]),
        prompt_tokens=data["prompt_tokens"],
        answer_tokens=data["answer_tokens"],
        left_out=tuple(data["left_out"]),
        seconds=data["seconds"],
        llama_cpp=data["llama_cpp"],
        load=HostLoad(**data["load"]),
    )


def plan_from_dict(data: dict[str, Any]) -> BenchPlan:
    """The inverse of `asdict`."""
    fields: dict[str, Any] = {**data, "depths": tuple(data["depths"])}
    return BenchPlan(**fields)


def _rates(values: list[float]) -> tuple[float, ...]:
    if not values:
        raise ValueError("a speed without a measurement")
    return tuple(float(value) for value in values)


# ------------------------------------------------------------------------------------ comparing


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measurement against an earlier one, at the deepest depth that both have."""

    before: BenchRecord
    depth: int
    decode: float
    """The new rate, divided by the old one."""
    prompt: float


def compare(now: BenchRecord, before: BenchRecord) -> Comparison | None:
    """How `now` differs; None where the two have no depth in common."""
    earlier = {speed.depth: speed for speed in before.result.speeds}
    for speed in reversed(now.result.speeds):
        other = earlier.get(speed.depth)
        if other is not None and other.decode_rate > 0 and other.prompt_rate > 0:
            return Comparison(
                before,
                speed.depth,
                speed.decode_rate / other.decode_rate,
                speed.prompt_rate / other.prompt_rate,
            )
    return None


def comparison_sentence(now: BenchRecord, comparison: Comparison, day: str) -> str:
    """`Compared with 3 November: answers 12 % faster, prompts about as fast.` `day`: that day."""
    answers, prompts = _change(comparison.decode), _change(comparison.prompt)
    other = _differences(now, comparison.before)
    then = f"{day} ({', '.join(other)})" if other else day
    if answers == prompts:
        return f"Compared with {then}: {answers}."
    return f"Compared with {then}: answers {answers}, prompts {prompts}."


def day_text(then: datetime, now: datetime) -> str:
    """When something was measured, for a sentence: `14:02 today`, `3 November`."""
    if then.date() == now.date():
        return f"{then:%H:%M} today"
    if (now.date() - then.date()).days == 1:
        return "yesterday"
    year = f" {then.year}" if then.year != now.year else ""
    return f"{then.day} {then:%B}{year}"


def _change(ratio: float) -> str:
    if abs(ratio - 1) < ALIKE:
        return "about as fast"
    if ratio >= 2:
        return f"{ratio:.1f} times as fast" if ratio < 10 else f"{ratio:.0f} times as fast"
    return f"{abs(ratio - 1) * 100:.0f} % {'faster' if ratio > 1 else 'slower'}"


def _differences(now: BenchRecord, before: BenchRecord) -> list[str]:
    """What was otherwise then, and may be the reason."""
    new, old = now.subject, before.subject
    found: list[str] = []
    if old.threads != new.threads:
        found.append(f"then with {old.threads} {'thread' if old.threads == 1 else 'threads'}")
    if (old.backend, old.gpu_layers) != (new.backend, new.gpu_layers):
        found.append(f"then on {old.backend}, {old.gpu_layers} layers offloaded")
    if before.result.llama_cpp != now.result.llama_cpp:
        found.append(f"then llama.cpp {before.result.llama_cpp}")
    return found
