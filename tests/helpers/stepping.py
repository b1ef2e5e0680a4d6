"""A loaded model whose scheduler a test steps itself, and a judge of greedy answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from app.domain.generation import (
    Finished,
    FinishReason,
    GenerateRequest,
    LoadRequest,
    PromptProgress,
    TextDelta,
    Turn,
)
from app.domain.load_params import LoadParams
from app.engine import loaded as loading
from app.engine.answer import Answer
from app.engine.loaded import LoadedModel
from app.engine.native.abort import AbortFlag
from app.engine.native.bindings import lib
from app.engine.native.context import DONE
from app.engine.scheduler import Scheduler
from tests.helpers.engine_rig import GREEDY, new_id, user


def load_model(
    path: Path, length: int, draft: Path | None = None, micro_batch: int | None = None
) -> LoadedModel:
    """Load on this thread, with one computing thread; `micro_batch` may be smaller than a person
    can set it."""
    params = LoadParams(context_length=length, threads=1, gpu_layers=0, draft_path=str(draft or ""))
    settled = loading.settle

    def settle(params: LoadParams, trained: int) -> LoadParams:
        sound = settled(params, trained)
        return replace(sound, micro_batch=micro_batch or sound.micro_batch)

    with patch.object(loading, "settle", settle):
        return loading.load(LoadRequest("load", str(path), params), AbortFlag(), lambda _: None)


@dataclass(eq=False)
class Asked:
    """A request and all that came of it."""

    answer: Answer
    events: list[Any] = field(default_factory=list[Any])
    chosen: list[int] = field(default_factory=list[int])
    """The tokens of the answer, the one that ended it included."""

    def __post_init__(self) -> None:
        choose = self.answer._choose

        def noted() -> int:
            self.chosen.append(token := choose())
            return token

        self.answer._choose = noted

    @property
    def is_over(self) -> bool:
        return bool(self.events) and not isinstance(self.events[-1], PromptProgress | TextDelta)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def cached(self) -> int:
        return self.progress[0].cached

    @property
    def progress(self) -> list[PromptProgress]:
        return [event for event in self.events if isinstance(event, PromptProgress)]

    @property
    def reason(self) -> FinishReason:
        last = self.events[-1]
        assert isinstance(last, Finished), last
        return last.reason


class Stepper:
    """A scheduler over a model of its own."""

    def __init__(
        self,
        path: Path,
        length: int = 512,
        draft: Path | None = None,
        micro_batch: int | None = None,
    ) -> None:
        self.loaded = load_model(path, length, draft, micro_batch)
        self.scheduler = Scheduler(self.loaded)

    def close(self) -> None:
        self.loaded.close()

    @property
    def has_room(self) -> bool:
        """Whether an answer that somebody waits for could begin."""
        return self.scheduler.has_room_for(GenerateRequest("", "", ()))

    def ask(
        self,
        said: str | tuple[Turn, ...],
        max_tokens: int | None = 8,
        background: bool = False,
        tag: str = "",
    ) -> Asked:
        """Begin a greedy answer."""
        turns = user(said) if isinstance(said, str) else said
        request = GenerateRequest(
            new_id(), "", turns, GREEDY, max_tokens, background=background, cache_tag=tag
        )
        events: list[Any] = []
        return Asked(self.scheduler.add(request, events.append), events)

    def finish(self, until: Callable[[], bool] = lambda: False) -> None:
        """Step until all is answered, or until something is so."""
        steps = 0
        while self.scheduler.is_busy and not until():
            self.scheduler.step()
            steps += 1
            assert steps < 20_000, "it never ends"

    def answer(
        self, said: str | tuple[Turn, ...], max_tokens: int | None = 8, tag: str = ""
    ) -> Asked:
        """Ask, and step to the end."""
        asked = self.ask(said, max_tokens, tag=tag)
        self.finish(lambda: asked.is_over)
        return asked

    def held(self) -> list[int]:
        """Tokens in each slot."""
        return [len(slot.cells.tokens) for slot in self.loaded.slots.all]


class Judge:
    """Reads an answer alone, token by token: how far are its tokens from the likeliest?"""

    def __init__(self, path: Path, length: int = 512) -> None:
        self._loaded = load_model(path, length)

    def close(self) -> None:
        self._loaded.close()

    def straying(self, asked: Asked) -> float:
        """The greatest distance of a chosen token's logit from the greatest one, in parts of what
        lies between the greatest and the mean."""
        tokens = asked.answer.tokens
        prompt = asked.progress[-1].total
        context = self._loaded.context
        context.clear()
        worst = 0.0
        for position, token in enumerate(tokens[:-1]):
            context.begin()
            row = context.add_token(token, position, 0)
            assert context.compute() == DONE
            if position + 1 >= prompt:
                worst = max(worst, self._distance(row, tokens[position + 1]))
        return worst

    def _distance(self, row: int, token: int) -> float:
        address = lib.llama_get_logits_ith(self._loaded.context.pointer, row)
        size = self._loaded.weights.vocabulary.size
        logits: Any = np.ctypeslib.as_array(address, (size,))
        best = float(logits.max())
        return (best - float(logits[token])) / (best - float(logits.mean()))
