"""One answer: what the model is to read for it, token after token, and what may be shown."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.domain.errors import AppError, ModelBroken
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    PromptProgress,
    RunStats,
)
from app.engine.cells import Cells
from app.engine.draft_model import Follower
from app.engine.drafts import Costs, DearGuesses, LookedUp
from app.engine.loaded import LoadedModel
from app.engine.native.logits import Logits, are_sound
from app.engine.native.sampler import Sampler
from app.engine.shifting import Shifting
from app.engine.slots import Slot
from app.engine.text_out import TextOut

Emit = Callable[[GenerateEvent], None]

_LOOK_EVERY = 64
"""Tokens from one thorough look at the logits to the next."""


class Answer:
    """The state of one answer; the scheduler reads its tokens and asks it to go on.

    `tokens` are the prompt and what was generated. The answer is being read while more than one of
    them is not in its slot's cells, and is being written while the last one alone is not.
    """

    def __init__(self, loaded: LoadedModel, request: GenerateRequest, emit: Emit) -> None:
        """Build the prompt; raises an `AppError` case. `close` frees the sampler."""
        self._began = time.perf_counter()
        if isinstance(loaded.prompts, AppError):
            raise AppError.from_dict(loaded.prompts.to_dict())
        fitted = loaded.prompts.prompt_for(request)
        prompt = fitted.prompt
        self.request_id = request.request_id
        self.tag = request.cache_tag
        self.in_background = request.background
        self.tokens = prompt.tokens
        self.slot: Slot | None = None
        """Where it is read; None while it waits for room."""
        self.share = 0
        """Tokens of it in the batch that is computed now."""
        self.row = 0
        """Of its logits in that batch."""
        self.guessed: list[int] = []
        """Tokens in that batch beyond its share, which may turn out to come next."""
        self.asked = 0
        """How many of them the draft model was asked for; it may have found fewer."""
        self.remembered: Logits | None = None
        """The logits after the last of `tokens`, where they were kept and nothing is to be read."""
        self._context = loaded.context
        self._pieces = loaded.pieces
        self._emit = emit
        self._prompt_length = len(prompt.tokens)
        self._left_out = fitted.left_out
        self._shifting = Shifting(loaded.slots, loaded.prompts, request, prompt.tokens)
        self._most = request.max_tokens if request.max_tokens and request.max_tokens > 0 else None
        stops = (*request.stop, *loaded.default_stops)
        self._text = TextOut(stops, loaded.template_source, prompt.text, emit)
        self._cached = self._count = self._drafted = self._held = 0
        self._read_at = self._first_at = self._last_at = 0.0
        # A bad grammar is refused here, before anything is read.
        self._sampler = Sampler(request.sampling, loaded.weights.vocabulary, loaded.context.length)
        self._sampler.unbound_while(self._text.reasons)
        self._begun = self._cancelled = False
        self._looked_up = LookedUp()
        self._follower = None if loaded.draft is None else Follower(loaded.draft)
        self._draft_guesses = DearGuesses()

    def cancel(self) -> None:
        """Nobody wants it any more; from any thread."""
        self._cancelled = True

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled

    def close(self) -> None:
        """Free what is native of it; may be called again."""
        self._sampler.close()
        if self._follower is not None:
            self._follower.close()

    def begin(self, slot: Slot) -> None:
        """Read on in `slot`, which holds a beginning of `tokens`."""
        self.slot = slot
        if not self._begun:
            self._begun = True
            self._cached = len(slot.cells.tokens)
            self._tell_progress(self._cached)
        if len(slot.cells.tokens) == len(self.tokens):
            self.remembered = slot.cells.ends[len(self.tokens)]
            self._is_read(time.perf_counter())

    def read(self, slot: Slot, now: float) -> bool:
        """Its share of the batch was read; whether the next token can be chosen."""
        cells, tokens = slot.cells, self.tokens
        done = len(cells.tokens)
        piece = tokens[done : done + self.share]
        done += self.share
        if self._read_at:
            # What was generated, or all again after it had given way to others.
            cells.tokens.extend(piece)
            return done == len(tokens)
        cells.add_read(piece)
        self._tell_progress(done)
        if done < len(tokens):
            return False
        self._is_read(now)
        self._remember(cells)
        return True

    def _is_read(self, now: float) -> None:
        if not self._read_at:
            self._read_at = now
            self._sampler.saw(self.tokens)

    def _remember(self, cells: Cells) -> None:
        """Keep what the model makes of the prompt, so that it need not be read to be answered
        again. A memory that does not go back would have to read all of it anyway."""
        logits = self._context.logits(self.row)
        if logits is not None and self._context.rewinds:
            cells.remember_end(logits.copy())

    def _tell_progress(self, done: int) -> None:
        self._emit(PromptProgress(done, self._prompt_length, self._cached, self._left_out))

    def write(self) -> FinishReason | None:
        """Choose and show the next token; the reason if it was the last. Raises `ModelBroken`."""
        context, tokens = self._context, self.tokens
        piece = self._pieces[token := self._choose()]
        if piece is None:
            return FinishReason.STOP
        self._last_at = now = time.perf_counter()
        self._first_at = self._first_at or now
        self._count += 1
        if self._text.add(piece, now):
            return FinishReason.STOP
        if self._count == self._most:
            return FinishReason.LENGTH
        if len(tokens) >= context.length and not self._shifting.make_room(self.slot, tokens):
            return FinishReason.CONTEXT
        tokens.append(token)
        return None

    def guess(self, costs: Costs, draft_costs: Costs, room: int) -> list[int]:
        """What may come after the last of `tokens`, at most `room` of it; nothing where to look at
        it together would not pay. The draft model is asked where the text itself tells nothing."""
        self.forget_guess()
        most = min(room, self._context.length - len(self.tokens))
        if self._most is not None:
            most = min(most, self._most - self._count - 1)
        if most <= 0:
            return self.guessed
        self.guessed = self._looked_up.guess(self.tokens, most, costs)
        if not self.guessed and self._follower is not None:
            asked = min(most, self._draft_guesses.worth(draft_costs))
            found = self._follower.guess(self.tokens, asked) if asked else None
            if found is not None:
                self.guessed, self.asked = found, asked
        return self.guessed

    def let_draft_read(self, cells: Cells) -> None:
        """The draft model reads what was read of the prompt with the last batch."""
        if self._follower is not None and not self._cancelled:
            self._follower.read_along(self.tokens[: len(cells.tokens) + self.share], self.share)

    def forget_guess(self) -> None:
        """Nothing is guessed."""
        self.guessed, self.asked = [], 0

    def write_on(self, cells: Cells) -> FinishReason | None:
        """`write`, and on while what was guessed turns out to be so; the batch has read that."""
        reason, held = self.write(), 0
        for token in self.guessed:
            if reason is not None or self.tokens[-1] != token:
                break
            cells.tokens.append(token)
            self.row += 1
            held += 1
            reason = self.write()
        if self.asked:
            self._draft_guesses.came_of(self.asked, held)
        elif self.guessed:
            self._looked_up.guesses.came_of(len(self.guessed), held)
        self._drafted += len(self.guessed)
        self._held += held
        return reason

    def _choose(self) -> int:
        remembered, self.remembered = self.remembered, None
        logits = remembered
        if logits is None:
            logits = self._context.logits(self.row)
        if logits is None or not are_sound(logits, thorough=self._count % _LOOK_EVERY == 0):
            raise ModelBroken(
                "This model computes nonsense.",
                "Its results are no numbers or all the same, so its file must be damaged.",
                "Download the file again, or choose another model.",
            )
        if remembered is not None:
            return self._sampler.next_of(remembered)
        return self._sampler.next(self._context, self.row, logits)

    def finish(self, reason: FinishReason) -> None:
        """Show what was held back and tell the end."""
        if self._read_at:
            self._text.end()
        self._emit(Finished(reason, self._stats()))

    def fail(self, error: AppError) -> None:
        """Tell that it cannot be gone on with."""
        self._emit(Failed(error))

    def _stats(self) -> RunStats:
        read_at = self._read_at or time.perf_counter()
        return RunStats(
            prompt_tokens=self._prompt_length,
            cached_tokens=self._cached,
            answer_tokens=self._count,
            prompt_seconds=read_at - self._began,
            first_token_seconds=self._first_at - self._began if self._count else 0.0,
            decode_seconds=self._last_at - self._first_at,
            seed=self._sampler.seed,
            drafted_tokens=self._drafted,
            accepted_tokens=self._held,
            left_out=self._left_out,
            shifted_tokens=self._shifting.dropped,
        )
