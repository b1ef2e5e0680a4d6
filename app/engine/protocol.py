"""What the application and its engine host say to each other.

Frames are lines of UTF-8 JSON over the host's standard input and output; the first frame of the
host is its `hello` with the protocol's version. A frame is a dict with `do` (to the host) or `is`
(from it). Values are the dataclasses of `app.domain.generation`, written field by field.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO, cast

from app.domain.errors import AppError
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadParams,
    LoadProgress,
    LoadRequest,
    PartKind,
    PromptProgress,
    Role,
    RunStats,
    TextDelta,
    Turn,
)
from app.domain.sampling import sampling_from_dict
from app.engine.kept.folder import Keeping

VERSION = 1

Frame = dict[str, Any]
Event = LoadEvent | GenerateEvent


class ProtocolError(Exception):
    """A frame that nobody who speaks this protocol sends."""


def write_frame(stream: BinaryIO, frame: Frame) -> None:
    """Send one frame; raises OSError or ValueError once the other side or the pipe is gone."""
    stream.write(json.dumps(frame, separators=(",", ":")).encode() + b"\n")
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
    params = LoadParams(**data["params"])
    return LoadRequest(data["request_id"], data["path"], params, data["file_hash"])


def keeping_to_dict(keeping: Keeping | None) -> Frame | None:
    """Where states are kept, as part of a frame's content."""
    return None if keeping is None else asdict(keeping)


def keeping_from_dict(data: Frame | None) -> Keeping | None:
    """The inverse of `keeping_to_dict`."""
    return None if data is None else Keeping(**data)


def generate_to_dict(request: GenerateRequest) -> Frame:
    """A generate request as a frame's content."""
    return asdict(request)


def generate_from_dict(data: Frame) -> GenerateRequest:
    """The inverse of `generate_to_dict`."""
    turns = tuple(
        Turn(Role(turn["role"]), turn["text"], turn["reasoning"]) for turn in data["turns"]
    )
    return GenerateRequest(
        request_id=data["request_id"],
        model_path=data["model_path"],
        turns=turns,
        sampling=sampling_from_dict(data["sampling"]),
        max_tokens=data["max_tokens"],
        stop=tuple(data["stop"]),
        cache_tag=data["cache_tag"],
        background=data["background"],
    )


def sizes_from_dict(data: Frame) -> MeasuredSizes:
    """The sizes in a frame `measured`; raises `ProtocolError`."""
    try:
        return MeasuredSizes(**data["sizes"])
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"malformed sizes: {sorted(data)}") from error


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
        case TextDelta():
            return {"is": "delta", **asdict(event)}
        case Finished():
            return {"is": "finished", **asdict(event)}
        case Failed():
            return {"is": "failed", "error": event.error.to_dict()}


_EVENTS: dict[str, Callable[[Frame], Event]] = {
    "load_progress": lambda data: LoadProgress(data["fraction"]),
    "loaded": lambda data: Loaded(LoadedInfo(**data["info"])),
    "load_cancelled": lambda _: LoadCancelled(),
    "prompt_progress": lambda data: PromptProgress(data["done"], data["total"], data["cached"]),
    "delta": lambda data: TextDelta(PartKind(data["kind"]), data["text"]),
    "finished": lambda data: Finished(FinishReason(data["reason"]), RunStats(**data["stats"])),
    "failed": lambda data: Failed(AppError.from_dict(data["error"])),
}


def event_from_dict(data: Frame) -> Event:
    """The inverse of `event_to_dict`; raises `ProtocolError`."""
    try:
        return _EVENTS[data["is"]](data)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"a malformed event: {sorted(data)}") from error
