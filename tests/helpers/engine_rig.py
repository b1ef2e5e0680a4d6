"""Drives an engine from a test that is no coroutine: one event loop, requests as plain calls."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.errors import AppError
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    Loaded,
    LoadRequest,
    PartKind,
    PromptProgress,
    Role,
    Sampling,
    TextDelta,
    Turn,
)
from app.domain.load_params import LoadParams
from app.engine.supervisor import HostEngine
from app.engine.thread_engine import ThreadEngine

AnyEngine = HostEngine | ThreadEngine
GREEDY = Sampling(temperature=0.0)

_ids = itertools.count(1)


def new_id() -> str:
    """A request id that no other has."""
    return f"request-{next(_ids)}"


def user(text: str) -> tuple[Turn, ...]:
    """A conversation of one message."""
    return (Turn(Role.USER, text),)


@dataclass(frozen=True)
class Events:
    """All events of a request."""

    all: list[Any]

    @property
    def last(self) -> Any:
        return self.all[-1]

    @property
    def text(self) -> str:
        return self.text_of(PartKind.TEXT)

    def text_of(self, kind: PartKind) -> str:
        return "".join(e.text for e in self.all if isinstance(e, TextDelta) and e.kind is kind)

    @property
    def progress(self) -> list[PromptProgress]:
        return [event for event in self.all if isinstance(event, PromptProgress)]

    @property
    def error(self) -> AppError:
        assert isinstance(self.last, Failed), self.last
        return self.last.error

    @property
    def reason(self) -> FinishReason:
        assert isinstance(self.last, Finished), getattr(self.last, "error", self.last)
        return self.last.reason


class Rig:
    """An engine, its loop, and the starter model or another file."""

    def __init__(self, make: Callable[[], AnyEngine]) -> None:
        self._runner = asyncio.Runner()
        self.engine = make()
        self.path = ""

    def run(self, work: Any) -> Any:
        """Run a coroutine to its end."""
        return self._runner.run(work)

    def close(self) -> None:
        """End the engine and the loop."""
        self.run(self.engine.close())
        self._runner.close()

    def load(self, path: Path | str, **params: Any) -> Events:
        """Load a file, to the end of its events."""
        self.path = str(path)
        return self.run(self.load_coroutine(path, **params))

    async def load_coroutine(self, path: Path | str, **params: Any) -> Events:
        request = LoadRequest(new_id(), str(path), LoadParams(**params))
        return await collect(self.engine.load(request))

    def load_with(self, path: Path | str, params: LoadParams) -> Loaded:
        """Load a file that must load, with all of these."""
        self.path = str(path)

        async def load() -> Events:
            return await collect(self.engine.load(LoadRequest(new_id(), self.path, params)))

        last = self.run(load()).last
        assert isinstance(last, Loaded), last
        return last

    def load_well(self, path: Path | str, **params: Any) -> Loaded:
        """Load a file that must load."""
        last = self.load(path, **params).last
        assert isinstance(last, Loaded), last.error.to_dict() if isinstance(last, Failed) else last
        return last

    def ask(self, turns: str | tuple[Turn, ...], **more: Any) -> Events:
        """Answer, to the end of its events."""
        return self.run(self.ask_coroutine(turns, **more))

    async def ask_coroutine(self, turns: str | tuple[Turn, ...], **more: Any) -> Events:
        return await collect(self.generate(turns, **more))

    def generate(
        self, turns: str | tuple[Turn, ...], request_id: str = "", **more: Any
    ) -> AsyncIterable[Sequence[Any]]:
        """A running answer; greedy unless told otherwise. Call from within the loop."""
        more.setdefault("sampling", GREEDY)
        path = more.pop("path", self.path)
        said = user(turns) if isinstance(turns, str) else turns
        return self.engine.generate(GenerateRequest(request_id or new_id(), path, said, **more))


def unread(text: str) -> str:
    """The same, as no conversation before has begun: several of them stay in the cache."""
    return f"{new_id()}. {text}"


async def collect(
    stream: AsyncIterable[Sequence[Any]], heard: Callable[[Any], None] = lambda _: None
) -> Events:
    """All events of a stream; `heard` gets each as it comes."""
    events: list[Any] = []
    async for batch in stream:
        assert batch, "a batch is never empty"
        for event in batch:
            heard(event)
        events.extend(batch)
    return Events(events)
