"""What a model takes of a machine, as mere calculation.

All that has to be looked up is in one value; whoever holds it can ask for any wish, at once and as
often as a slider moves, and compares against the same moment each time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from app.domain.fit import (
    ContextPlan,
    Fit,
    MeasuredSizes,
    ModelShape,
    Verdict,
    automatic_length,
    estimate,
    largest_context,
    worst,
)
from app.domain.load_params import LoadParams, draft_params, plan_of
from app.domain.localmodel import LocalModel
from app.domain.placement import Room, fitted, needs_of, place, without


@dataclass(frozen=True, slots=True)
class FitInputs:
    """A model, and what this machine had free when it was looked at."""

    shape: ModelShape
    trained_context: int
    """Tokens; 0 where the file does not tell."""
    room: Room
    """Free now, with what the loaded models would give back."""
    memory_bytes: int
    """All the memory that the machine has."""
    factor: float = 1.0
    """By how much this machine's computation buffers differ from the formula's."""
    measured: tuple[tuple[ContextPlan, MeasuredSizes], ...] = ()
    """What the file took before, by plan."""
    draft: LocalModel | None = None
    """The draft model that is loaded with it; None: no one, or one of which nothing is known."""

    def fitted(self, wished: LoadParams) -> LoadParams:
        """The wish with every automatic choice made by what is free."""
        # The draft model's share grows with the context, which only becomes shorter from here.
        most = wished.context_length or automatic_length(self.trained_context)
        room = self._room_beside_draft(replace(wished, context_length=most))
        return fitted(self.shape, wished, room, self.factor)

    def fit(self, wished: LoadParams) -> Fit:
        """What the model would take, loaded like this."""
        params = self.fitted(wished)
        plan = plan_of(params, self.trained_context)
        draft = self._draft_needs(params)
        room = without(self.room, draft)
        shares = place(self.shape, params, plan, room, self.factor)
        return Fit(
            plan,
            estimate(self.shape, plan, self.factor),
            dict(self.measured).get(plan),
            self.room.memory,
            shares if len(shares) > 1 else (),
            sum(draft.values()),
        )

    def needs(self, params: LoadParams) -> tuple[tuple[str, int], ...]:
        """Bytes by place that a load with these takes, its draft model included."""
        plan, room = plan_of(params, self.trained_context), self._room_beside_draft(params)
        own = place(self.shape, params, plan, room, self.factor)
        return tuple((Counter(dict(needs_of(own))) + self._draft_needs(params)).items())

    def largest_context(self, wished: LoadParams) -> int:
        """The longest context that fits, of those it was trained for; 0 where none does.

        What the wish leaves automatic is chosen anew for each length, as it would be at a load.
        """

        def fits(length: int) -> bool:
            params = self.fitted(replace(wished, context_length=length))
            plan = plan_of(params, self.trained_context)
            room = self._room_beside_draft(params)
            shares = place(self.shape, params, plan, room, self.factor)
            return worst(shares) is not Verdict.TOO_LARGE

        return largest_context(fits, self.trained_context or automatic_length(0))

    def _room_beside_draft(self, params: LoadParams) -> Room:
        return without(self.room, self._draft_needs(params))

    def _draft_needs(self, params: LoadParams) -> Counter[str]:
        """Bytes by place that the draft model of these parameters takes."""
        draft = self.draft
        if draft is None or draft.shape is None:
            return Counter()
        trained = draft.facts.trained_context
        own = draft_params(params, trained)
        return Counter(dict(needs_of(place(draft.shape, own, plan_of(own, trained), self.room))))
