"""What the application and its engine host say to each other.

Frames are lines of UTF-8 JSON over the host's standard input and output; the first frame of the
host is its `hello` with the protocol's version. A frame is a dict with `do` (to the host) or `is`
(from it). Values are the dataclasses of `app.domain.generation`, written field by field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, BinaryIO, cast

from app.domain.benchmark import (
    BenchCancelled,
    BenchEvent,
    Benchmarked,
    BenchProgress,
    BenchRequest,
    SpeedMeasured,
    plan_from_dict,
    result_from_dict,
    speed_from_dict,
)
from app.domain.errors import AppError
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    CountRequest,
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadProgress,
    LoadRequest,
    PartKind,
    PromptProgress,
    Role,
    RunStats,
    Switches,
    TextDelta,
    TokenCount,
    Turn,
)
from app.domain.load_params import load_params_from_dict
from app.domain.overflow import Overflow
from app.domain.placement import Device, DeviceKind
from app.domain.sampling import sampling_from_dict
from app.engine.kept.folder import Keeping

VERSION = 1

Frame = dict[str, Any]
Event = LoadEvent | GenerateEvent | BenchEvent
_Measured = BenchProgress | SpeedMeasured | Benchmarked | BenchCancelled


_ENCODER = json.JSONEncoder(separators=(",", ":"))


class ProtocolError(Exception):
    """A frame that nobody who speaks this protocol sends."""


def write_frame(stream: BinaryIO, frame: Frame) -> None:
    """Send one frame; raises OSError or ValueError once the other side or the pipe is gone."""
    stream.write(_ENCODER.encode(frame).encode() + b"\n")
    stream.flush()


def read_frame(stream: BinaryIO) -> Frame | None:
    """Wait for the next frame; None at the end. Raises `ProtocolError`."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        # Nothing, or the beginning of a frame whose sender died.
        return None
    try:
        frame: Any = json.loads(line)
    except ValueError as error:
        raise ProtocolError("a frame that is not JSON") from error
    if not isinstance(frame, dict):
        raise ProtocolError("a frame that is not an object")
    return cast("Frame", frame)


def load_to_dict(request: LoadRequest) -> Frame:
    """A load request as a frame's content."""
    return asdict(request)


def load_from_dict(data: Frame) -> LoadRequest:
    """The inverse of `load_to_dict`."""
    params = load_params_from_dict(data["params"])
    return LoadRequest(
        data["request_id"], data["path"], params, _pairs(data["needs"]), data["file_hash"]
    )


def _pairs(listed: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((name, nbytes) for name, nbytes in listed)


def keeping_to_dict(keeping: Keeping | None) -> Frame | None:
    """Where states are kept, as part of a frame's content."""
    return None if keeping is None else asdict(keeping)


def keeping_from_dict(data: Frame | None) -> Keeping | None:
    """The inverse of `keeping_to_dict`."""
    return None if data is None else Keeping(**data)


def generate_to_dict(request: GenerateRequest) -> Frame:
    """A generate request as a frame's content."""
    return {**asdict(replace(request, turns=())), "turns": _turns_to_list(request.turns)}


def generate_from_dict(data: Frame) -> GenerateRequest:
    """The inverse of `generate_to_dict`."""
    return GenerateRequest(
        request_id=data["request_id"],
        model_path=data["model_path"],
        turns=_turns(data),
        sampling=sampling_from_dict(data["sampling"]),
        max_tokens=data["max_tokens"],
        stop=tuple(data["stop"]),
        cache_tag=data["cache_tag"],
        background=data["background"],
        overflow=Overflow(data["overflow"]),
        switches=Switches(**data["switches"]),
    )


def count_to_dict(request: CountRequest) -> Frame:
    """A request to count as a frame's content."""
    return {**asdict(replace(request, turns=())), "turns": _turns_to_list(request.turns)}


def count_from_dict(data: Frame) -> CountRequest:
    """The inverse of `count_to_dict`."""
    return CountRequest(
        model_path=data["model_path"],
        turns=_turns(data),
        draft=data["draft"],
        max_tokens=data["max_tokens"],
        overflow=Overflow(data["overflow"]),
        switches=Switches(**data["switches"]),
    )


def _turns_to_list(turns: Sequence[Turn]) -> list[Frame]:
    # By hand: `asdict` takes 15 ms for a thousand turns, and this is the window's thread.
    return [
        {
            "role": turn.role,
            "text": turn.text,
            "reasoning": turn.reasoning,
            "messages": turn.messages,
        }
        for turn in turns
    ]


def _turns(data: Frame) -> tuple[Turn, ...]:
    return tuple(
        Turn(Role(turn["role"]), turn["text"], turn["reasoning"], turn["messages"])
        for turn in data["turns"]
    )


def counted_from_dict(data: Frame) -> TokenCount | AppError:
    """What a frame `counted` tells; raises `ProtocolError`."""
    try:
        if "error" in data:
            return AppError.from_dict(data["error"])
        return TokenCount(**data["count"])
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"a malformed count: {sorted(data)}") from error


def bench_to_dict(request: BenchRequest) -> Frame:
    """A request for a measurement as a frame's content."""
    return asdict(request)


def bench_from_dict(data: Frame) -> BenchRequest:
    """The inverse of `bench_to_dict`."""
    return BenchRequest(data["request_id"], data["model_path"], plan_from_dict(data["plan"]))


def sizes_from_dict(data: Frame) -> MeasuredSizes:
    """The sizes in a frame `measured`; raises `ProtocolError`."""
    try:
        return MeasuredSizes(**data["sizes"])
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"malformed sizes: {sorted(data)}") from error


def devices_from_dict(data: Frame) -> tuple[Device, ...]:
    """The devices in a frame `devices`; raises `ProtocolError`."""
    try:
        return tuple(_device_from_dict(device) for device in data["devices"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"malformed devices: {sorted(data)}") from error


def _device_from_dict(data: Frame) -> Device:
    content: Frame = {**data, "kind": DeviceKind(data["kind"])}
    return Device(**content)


def _info_from_dict(data: Frame) -> LoadedInfo:
    content: Frame = {
        **data,
        "params": load_params_from_dict(data["params"]),
        "places": _pairs(data["places"]),
        "efforts": tuple(data["efforts"]),
    }
    return LoadedInfo(**content)


def event_to_dict(event: Event) -> Frame:
    """An event as a frame's content."""
    match event:
        case LoadProgress():
            return {"is": "load_progress", **asdict(event)}
        case Loaded():
            return {"is": "loaded", "info": asdict(event.info)}
        case LoadCancelled():
            return {"is": "load_cancelled"}
        case PromptProgress():
            return {"is": "prompt_progress", **asdict(event)}
        case TextDelta(kind, text):
            # By hand: `asdict` and `json.dumps` with options, some 30 times a second beside
            # decoding, cost 1 % of its rate.
            return {"is": "delta", "kind": kind, "text": text}
        case Finished():
            return {"is": "finished", **asdict(event)}
        case Failed():
            return {"is": "failed", "error": event.error.to_dict()}
        case _:
            return _measured_to_dict(event)


def _measured_to_dict(event: _Measured) -> Frame:
    match event:
        case BenchProgress():
            return {"is": "bench_progress", **asdict(event)}
        case SpeedMeasured():
            return {"is": "speed", **asdict(event)}
        case Benchmarked():
            return {"is": "benchmarked", **asdict(event)}
        case BenchCancelled():
            return {"is": "bench_cancelled"}


_EVENTS: dict[str, Callable[[Frame], Event]] = {
    "load_progress": lambda data: LoadProgress(data["fraction"]),
    "loaded": lambda data: Loaded(_info_from_dict(data["info"])),
    "load_cancelled": lambda _: LoadCancelled(),
    "prompt_progress": lambda data: PromptProgress(
        data["done"], data["total"], data["cached"], data["left_out"]
    ),
    "delta": lambda data: TextDelta(PartKind(data["kind"]), data["text"]),
    "finished": lambda data: Finished(FinishReason(data["reason"]), RunStats(**data["stats"])),
    "bench_progress": lambda data: BenchProgress(data["fraction"], data["depth"], data["threads"]),
    "speed": lambda data: SpeedMeasured(speed_from_dict(data["speed"])),
    "benchmarked": lambda data: Benchmarked(result_from_dict(data["result"])),
    "bench_cancelled": lambda _: BenchCancelled(),
    "failed": lambda data: Failed(AppError.from_dict(data["error"])),
}


def event_from_dict(data: Frame) -> Event:
    """The inverse of `event_to_dict`; raises `ProtocolError`."""
    try:
        return _EVENTS[data["is"]](data)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"a malformed event: {sorted(data)}") from error
