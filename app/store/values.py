"""Values as columns and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from app.domain.conversation import ChatParams, Part, Run
from app.domain.generation import FinishReason, PartKind, RunStats, Switches
from app.domain.overflow import Overflow
from app.domain.sampling import sampling_from_dict


def storable(text: str) -> str:
    """The text without half characters: SQLite keeps UTF-8, which has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def params_to_json(params: ChatParams) -> str:
    """The form of the `params` columns."""
    return json.dumps(asdict(params))


def params_from_json(text: str) -> ChatParams:
    """The parameters; what this version does not know is left out, what is missing is default."""
    given: dict[str, Any] = json.loads(text)
    sampling = sampling_from_dict(given.pop("sampling", {}))
    stop = tuple(given.pop("stop", ()))
    overflow = _overflow(given.pop("overflow", None))
    switches = _switches(given.pop("switches", {}))
    names = {field.name for field in fields(ChatParams)}
    known = {name: value for name, value in given.items() if name in names}
    return ChatParams(sampling=sampling, stop=stop, overflow=overflow, switches=switches, **known)


def _overflow(name: object) -> Overflow:
    """The policy of that name; what this version does not know is the usual one."""
    known = {policy.value: policy for policy in Overflow}
    return known.get(str(name), ChatParams().overflow)


def _switches(given: dict[str, Any]) -> Switches:
    names = {field.name for field in fields(Switches)}
    return Switches(**{name: value for name, value in given.items() if name in names})


RUN_COLUMNS = (
    "model_name, model_path, model_sha256, params, finish, error_title, error_detail, "
    "error_remedy, prompt_tokens, cached_tokens, answer_tokens, prompt_seconds, "
    "first_token_seconds, decode_seconds, seed, left_out, shifted_tokens, "
    "drafted_tokens, accepted_tokens"
)
"""Of table `run`, in the order of `run_to_row`."""


def run_to_row(run: Run) -> tuple[Any, ...]:
    """The values for `RUN_COLUMNS`."""
    stats = run.stats
    return (
        storable(run.model_name),
        storable(run.model_path),
        run.model_sha256,
        params_to_json(run.params),
        run.finish,
        storable(run.error_title),
        storable(run.error_detail),
        storable(run.error_remedy),
        stats.prompt_tokens,
        stats.cached_tokens,
        stats.answer_tokens,
        stats.prompt_seconds,
        stats.first_token_seconds,
        stats.decode_seconds,
        stats.seed,
        stats.left_out,
        stats.shifted_tokens,
        stats.drafted_tokens,
        stats.accepted_tokens,
    )


def run_from_row(row: Iterable[Any]) -> Run:
    """The run whose `RUN_COLUMNS` these are."""
    name, path, sha256, params, finish, title, detail, remedy, *numbers = row
    return Run(
        model_name=name,
        model_path=path,
        params=params_from_json(params),
        stats=RunStats(*numbers),
        finish=None if finish is None else FinishReason(finish),
        error_title=title,
        error_detail=detail,
        error_remedy=remedy,
        model_sha256=sha256,
    )


def join_parts(pieces: Iterable[tuple[str, str]]) -> tuple[Part, ...]:
    """Parts from (kind, text) in order; neighbours of one kind are one part."""
    joined: list[tuple[str, list[str]]] = []
    for kind, text in pieces:
        if not joined or joined[-1][0] != kind:
            joined.append((kind, []))
        joined[-1][1].append(text)
    return tuple(Part(PartKind(kind), "".join(texts)) for kind, texts in joined)
