"""Prompts that fit: rendered, measured, and trimmed by the policy that the reader has chosen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.errors import PromptTooLong, TemplateBroken
from app.domain.generation import (
    CountRequest,
    GenerateRequest,
    Role,
    Switches,
    TokenCount,
    Turn,
)
from app.domain.overflow import Overflow, answer_share
from app.domain.prompt import with_draft
from app.domain.trimming import Trimmer, exchanges
from app.engine.native.weights import Vocabulary
from app.engine.prompt import Prompt, build_prompt, tokenise, valid
from app.engine.template import ChatTemplate

_REMEMBERED = 8192
"""Texts whose length is remembered: some 100 bytes each."""


_COUNTED = 4
"""Contexts: of a longer text nobody needs to know how much longer it is, and it may take half a
minute to tell."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt and what it took to make it fit."""

    prompt: Prompt
    left_out: int
    """Messages."""
    fits: bool
    """Whether at least one token of an answer has a place behind it."""


class PromptMaker:
    """Makes the prompts of one loaded model; its methods may be called from any thread.

    Rendering makes a context of its own each time, and llama.cpp's vocabulary is only read (its own
    server tokenises in the threads of its connections); what is remembered has a lock.
    """

    def __init__(self, template: ChatTemplate, vocabulary: Vocabulary, length: int) -> None:
        """`length` of the context, in tokens."""
        self._template = template
        self._vocabulary = vocabulary
        self._length = length
        self._most = _COUNTED * length
        self._lock = threading.Lock()
        self._sizes: dict[tuple[int, int], int] = {}
        self._frame: tuple[int, int] | None = None

    def prompt_for(self, request: GenerateRequest) -> Fitted:
        """What the model is to read; raises `PromptTooLong` and what `count` raises."""
        overflow = request.overflow
        fitted = self._fitted(request.turns, request.max_tokens, overflow, request.switches)
        count = len(fitted.prompt.tokens)
        if count == 0:
            raise TemplateBroken(
                "This model's chat template fails.",
                "It makes an empty prompt.",
                "Choose another file of this model, or another model.",
            )
        if not fitted.fits:
            raise _too_long(fitted.prompt, self._length, overflow)
        return fitted

    def count(self, request: CountRequest) -> TokenCount:
        """What would be sent; raises `TemplateBroken`, `TemplateEndless`."""
        turns = with_draft(request.turns, request.draft)
        fitted = self._fitted(turns, request.max_tokens, request.overflow, request.switches)
        total = len(fitted.prompt.tokens)
        system = sum(self._size(turn.text) for turn in turns if turn.role is Role.SYSTEM)
        draft = self._size(request.draft)
        return TokenCount(
            context_length=self._length,
            system=min(system, total),
            conversation=max(0, total - system - draft),
            draft=max(0, min(draft, total - system)),
            reserved=answer_share(self._length, request.max_tokens, request.overflow),
            left_out=fitted.left_out,
            fits=fitted.fits,
        )

    def head(self, request: GenerateRequest, tokens: Sequence[int]) -> int:
        """How many of a prompt's `tokens` stay when the context is shifted: those of the system
        message, and of the first exchange where that is to be kept. Raises as `prompt_for` does."""
        groups = exchanges(request.turns)
        first: set[int] = (
            set(groups[0]) if request.overflow is Overflow.KEEP_ENDS and groups[1:] else set()
        )
        kept = [
            turn for at, turn in enumerate(request.turns) if turn.role is Role.SYSTEM or at in first
        ]
        # The same beginning with another question: what both have in common is before the question.
        other = self._build([*kept, Turn(Role.USER, "?")], request.switches).tokens
        pairs = enumerate(zip(tokens, other, strict=False))
        return next((at for at, (one, two) in pairs if one != two), min(len(tokens), len(other)))

    def _fitted(
        self,
        turns: Sequence[Turn],
        max_tokens: int | None,
        overflow: Overflow,
        switches: Switches,
    ) -> Fitted:
        room = self._length - max(1, answer_share(self._length, max_tokens, overflow))
        first, sizes = 0, [0] * len(turns)
        if overflow is not Overflow.STOP:
            first, each = self._frame_sizes()
            sizes = [self._size(turn.text) + each for turn in turns]
        trimmer = Trimmer(turns, sizes, overflow)
        more = 0
        while True:
            trimmed = trimmer.trimmed(room - first, more)
            prompt = self._build(trimmed.turns, switches)
            count = len(prompt.tokens)
            if count <= room or trimmed.is_least:
                return Fitted(prompt, trimmed.left_out, count < self._length)
            # The sizes are near the truth, and not always on its safe side.
            more += 1

    def _build(self, turns: Sequence[Turn], switches: Switches) -> Prompt:
        return build_prompt(self._template, self._vocabulary, turns, switches, self._most)

    def _size(self, text: str) -> int:
        """Tokens of a text by itself; the length of what was asked before is known."""
        key = (len(text), hash(text))
        with self._lock:
            size = self._sizes.get(key)
        if size is None:
            size = len(tokenise(self._vocabulary, valid(text), self._most))
            with self._lock:
                while len(self._sizes) >= _REMEMBERED:
                    del self._sizes[next(iter(self._sizes))]
                self._sizes[key] = size
        return size

    def _frame_sizes(self) -> tuple[int, int]:
        """Tokens that the template adds: once, and for each message."""
        if self._frame is None:
            turns = [Turn(role, "x") for role in (Role.USER, Role.ASSISTANT, Role.USER)]
            one, three = (
                len(self._build(some, Switches()).tokens) - len(some) * self._size("x")
                for some in (turns[:1], turns)
            )
            each = max(0, -(-(three - one) // 2))
            self._frame = (max(0, one - each), each)
        return self._frame


def _too_long(prompt: Prompt, room: int, overflow: Overflow) -> PromptTooLong:
    wants_all = overflow is Overflow.STOP
    more = "" if prompt.whole else "more than "
    return PromptTooLong(
        "The conversation is too long for this model's context."
        if wants_all
        else "The message is too long for this model's context.",
        f"It has {more}{len(prompt.tokens):,} tokens, and the context holds {room:,}.",
        "Set a longer context, let the oldest messages be left out, or begin a new conversation."
        if wants_all
        else "Set a longer context, or shorten the message or the system prompt.",
    )
