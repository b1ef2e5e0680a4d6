"""What a loaded model has on disk of conversations that left its context, and what is worth it."""

from __future__ import annotations

import logging
import os
import time
from array import array
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from app.engine.cells import Cells, resume_at
from app.engine.kept import state_file
from app.engine.kept.background import BackgroundFiles, Fetched, KeptState
from app.engine.kept.folder import digest, owner_of
from app.engine.kept.rates import Rates
from app.engine.kept.state_file import Damaged, Facts, Tokens
from app.engine.native.context import Context

_logger = logging.getLogger("app.engine.kept")

SHORTEST = 256
"""Tokens that a state must save: fewer are read in a moment."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A state on its way back."""

    kept: KeptState
    coming: Future[Fetched]

    @property
    def is_over(self) -> bool:
        """Whether it has come or is lost."""
        return self.coming.done()

    def wait(self, seconds: float) -> None:
        """Wait until it is over, so long at most."""
        wait([self.coming], seconds)

    @property
    def has_come(self) -> bool:
        """Whether it is here and not lost."""
        return self.coming.done() and self.coming.result().state is not None


class KeptStates:
    """The states of one loaded model; belongs to the worker's thread."""

    def __init__(self, files: BackgroundFiles, context: Context, models: Sequence[str]) -> None:
        """Look what is there for these names of the model (`model_keys`)."""
        self.rates = Rates()
        self._files = files
        self._context = context
        self._model = models[0]
        self._states = _found(files, models)

    def keep(self, sequence: int, cells: Cells, tag: str) -> None:
        """Copy a sequence that is to be overwritten, and have it written; the copy takes some ten
        milliseconds for 100 MB. What is there already or not worth it is left out."""
        tokens = array("i", cells.tokens)
        used = len(tokens)
        if used < SHORTEST or self._context.used(sequence) != used or self._has(tokens):
            return
        if cells.pure is not None:
            # It was computed with tokens that are gone.
            return
        size = self._context.state_size(sequence)
        if not self.rates.is_worth_it(size, used) or not self._files.has_room_for(size):
            return
        state = self._context.state_of(sequence, size)
        if state is None:
            return
        first = self._context.first_after_restore(sequence)
        facts = Facts(tokens, cells.read_from, cells.read_to, first, self.rates.reading)
        path = self._files.folder.file(self._model, tag, tokens)
        kept = KeptState(path, digest(tag), facts, size, state)
        outgrown = [other for other in self._states if self._is_outgrown(other, kept)]
        self._states = [other for other in self._states if other not in outgrown]
        self._states.append(kept)
        self._files.write(kept, outgrown)

    def better(self, tokens: Sequence[int], have: int) -> KeptState | None:
        """The state with most of the beginning of `tokens`, if it is back before what is missing
        after the first `have` would be read."""
        best: KeptState | None = None
        most = have + SHORTEST - 1
        for state in self._states:
            count = self._usable(state.facts, tokens)
            if count > most:
                best, most = state, count
        if best is None or not self.rates.is_worth_it(best.size, most - have, best.facts.reading):
            return None
        return best

    def fetch(self, state: KeptState) -> Fetch:
        """Read it, beside the worker."""
        return Fetch(state, self._files.read(state))

    def restore(self, fetch: Fetch, sequence: int) -> Cells | None:
        """Make `sequence` what was fetched, and wait for that; None where it is lost, where there
        is no room for it, or where it is of another kind of context."""
        fetched = fetch.coming.result()
        if fetched.state is None:
            return None
        began = time.perf_counter()
        if not self._context.set_state(sequence, fetched.state):
            return None
        if fetched.seconds:
            seconds = fetched.seconds + time.perf_counter() - began
            self.rates.took_to_restore(fetched.state.size, seconds)
        facts = fetch.kept.facts
        return Cells(facts.tokens.tolist(), facts.read_from, facts.read_to)

    def drop(self, state: KeptState) -> None:
        """It is gone, damaged, or not for this context: it is not offered again."""
        if state in self._states:
            self._states.remove(state)

    def forget(self, tag: str | None) -> None:
        """What is kept of this conversation is not offered again; None: nothing is."""
        owner = None if tag is None else digest(tag)
        self._states = [state for state in self._states if owner not in (None, state.owner)]

    def _usable(self, facts: Facts, prompt: Sequence[int]) -> int:
        count = resume_at(facts.tokens, facts.read_from, facts.read_to, prompt)
        possible = self._context.could_keep(count, len(facts.tokens), facts.first)
        return count if possible else 0

    def _has(self, tokens: Tokens) -> bool:
        """Whether all of this is kept already; then it counts as used now."""
        for state in self._states:
            held = state.facts.tokens
            enough = self._context.could_keep(len(tokens), len(held), state.facts.first)
            if enough and held[: len(tokens)] == tokens and _is_there(state):
                return True
        return False

    def _is_outgrown(self, old: KeptState, new: KeptState) -> bool:
        """Whether the new state of a conversation serves wherever its old one would."""
        count = len(old.facts.tokens)
        return (
            old.owner == new.owner
            and self._context.could_keep(count, len(new.facts.tokens), new.facts.first)
            and new.facts.tokens[:count] == old.facts.tokens
        )


def _is_there(state: KeptState) -> bool:
    if state.waiting is not None:
        return True
    try:
        os.utime(state.path)
    except OSError:
        return False
    return True


def _found(files: BackgroundFiles, models: Sequence[str]) -> list[KeptState]:
    found: list[KeptState] = []
    for path in files.folder.of_models(models):
        try:
            facts, size = state_file.read_facts(path)
        except (OSError, Damaged) as error:
            _logger.info("a kept state cannot be used: %s", error)
            files.remove(path)
        else:
            found.append(KeptState(path, owner_of(path), facts, size))
    return found
