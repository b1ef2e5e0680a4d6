"""Guessing the next tokens of an answer, so that several are looked at in one computation.

A batch of a few rows costs less than as many batches of one row. Where the answer repeats what was
said before (code that is changed, a text that is quoted), what followed then is a good guess:
prompt look-up (llama.cpp, examples/lookup). Where it does not, a draft model may guess (see
`app.engine.draft_model`). A guess never changes what is written: the sampler chooses at every
place, and from the first place on where it chooses otherwise the guess is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.engine.running_mean import running_mean

LONGEST_DRAFT = 7
"""Tokens that are guessed at most."""
SHORTEST_MATCH = 3
"""Tokens that must have occurred before, in this order: fewer occur by chance."""
_HOPE = 0.7
"""Share of a draft model's tokens that hold, before there is experience."""
_DOUBT = 0.3
"""The same of those that were looked up: prose repeats itself little."""
_LIKELY = 0.5
"""The share from which on it is worth while to learn what a guessed row takes."""
_WEIGHT = 0.15
"""Of a guess's newest result in the running share."""
_PAUSE = 48
"""Tokens that are written without guesses after a draft model's did not pay."""
_GROWTH = 4
"""By how much each such pause is longer than the one before."""
_GAIN = 1.05
"""By how much guessing must be faster, at least, to be done."""
_STALE = 32
"""Batches with guesses, after which one without them is measured again: it takes longer, the longer
the text is."""


@dataclass(slots=True)
class Lookup:
    """Where each run of `SHORTEST_MATCH` tokens of a text was seen last."""

    _after: dict[tuple[int, ...], int] = field(default_factory=dict[tuple[int, ...], int])
    _known: int = 0
    """Tokens that were looked at."""

    def guess(self, tokens: Sequence[int], most: int) -> list[int]:
        """What followed the last tokens when they occurred before, at most so many."""
        if len(tokens) < self._known:
            # The beginning was dropped to make room.
            self._after.clear()
            self._known = 0
        # The run at the very end is entered when something has followed it.
        for end in range(max(self._known, SHORTEST_MATCH), len(tokens)):
            self._after[tuple(tokens[end - SHORTEST_MATCH : end])] = end
        self._known = max(self._known, len(tokens))
        at = self._after.get(tuple(tokens[-SHORTEST_MATCH:]))
        return [] if at is None else list(tokens[at : at + most])


@dataclass(slots=True)
class Costs:
    """What the rows of a batch take on this machine, in seconds; learned while answers are
    written. Of each way to guess, as the time to find a guess is part of it."""

    batch: float = 0.0
    """Of a batch without guesses; 0 before the first one."""
    row: float = 0.0
    """Of each guessed row more; 0 before the first one."""
    _since: int = 0
    """Batches with guesses since the last one without."""

    @property
    def are_known(self) -> bool:
        """Whether it is known, and of late, what a batch without guesses takes."""
        return self.batch > 0 and self._since < _STALE

    @property
    def can_pay(self) -> bool:
        """Whether guesses would that always hold; so it seems until something is known."""
        row = self.row / self.batch if self.batch else 0.0
        return (1 + LONGEST_DRAFT) / (1 + LONGEST_DRAFT * row) > _GAIN

    def plain(self, seconds: float) -> None:
        """A batch without guesses took so long."""
        self.batch = running_mean(self.batch, seconds, _WEIGHT)
        self._since = 0

    def guessed(self, rows: int, seconds: float) -> None:
        """A batch with so many guessed rows took so long, or with as many as were wished for."""
        self._since += 1
        extra = max(seconds - self.batch, self.batch / 100) / rows
        self.row = running_mean(self.row, extra, _WEIGHT)


@dataclass(slots=True)
class Guesses:
    """Whether guessing pays for one answer, by what came of the guesses before."""

    holds: float
    """The chance that the next token of a guess holds, if the one before did."""

    def worth(self, costs: Costs) -> int:
        """How many tokens to guess now; 0 where that would not be faster."""
        if not costs.are_known:
            return 0
        if not costs.row:
            # Nothing is known of guessed rows; a few of them tell.
            return LONGEST_DRAFT // 2 if self.holds >= _LIKELY else 0
        return self._best(costs.row / costs.batch)

    def _best(self, row: float) -> int:
        """The length with the most tokens for the time, in which a batch is 1 and a row `row`."""
        best, gain, tokens = 0, _GAIN, 1.0
        for length in range(1, LONGEST_DRAFT + 1):
            tokens += self.holds**length
            if tokens / (1 + length * row) > gain:
                best, gain = length, tokens / (1 + length * row)
        return best

    def came_of(self, guessed: int, held: int) -> None:
        """Of so many guessed tokens so many held. Those that were wished for and not guessed
        count as wrong ones: they were no gain either."""
        tried = held if held == guessed else held + 1
        for number in range(tried):
            self.holds += _WEIGHT * ((number < held) - self.holds)


@dataclass(slots=True)
class DearGuesses(Guesses):
    """The same where a guess takes time to be had, so that whether it holds is not known for
    nothing: what does not pay is given up for a while, each time for longer."""

    holds: float = _HOPE
    wait: int = 0
    """Tokens to be written before the next guess."""
    _pause: int = _PAUSE

    def worth(self, costs: Costs) -> int:
        """How many tokens to guess now; 0 where that would not be faster."""
        if self.wait:
            self.wait -= 1
            return 0
        best = Guesses.worth(self, costs)
        if not best and costs.are_known:
            self.wait, self.holds = self._pause, _HOPE
            self._pause *= _GROWTH
        return best


@dataclass(slots=True)
class LookedUp:
    """Guesses by look-up for one answer.

    What would be guessed costs nothing to know, and the answer itself tells whether it holds: rows
    are spent on it only after it would have held for a while.
    """

    guesses: Guesses = field(default_factory=lambda: Guesses(_DOUBT))
    _lookup: Lookup = field(default_factory=Lookup)
    _foreseen: tuple[int, int] = (0, 0)
    """A place in the text and the token that is expected there; place 0: nothing."""

    def guess(self, tokens: Sequence[int], most: int, costs: Costs) -> list[int]:
        """What may follow `tokens`, at most so many; nothing where it would not be faster."""
        place, token = self._foreseen
        if place == len(tokens) - 1:
            self.guesses.came_of(1, int(tokens[place] == token))
        found = self._lookup.guess(tokens, most)
        length = self.guesses.worth(costs) if found else 0
        self._foreseen = (len(tokens), found[0]) if found and not length else (0, 0)
        return found[:length]
