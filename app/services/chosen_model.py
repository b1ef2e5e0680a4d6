"""Which model answers, and what is shown of it."""

from __future__ import annotations

from dataclasses import replace

from app.domain.facts import Fact, ModelState, ModelStateChanged
from app.domain.localmodel import LocalModel
from app.flow.broadcast import Broadcast


class ChosenModel:
    """Publishes `ModelStateChanged`."""

    def __init__(self, facts: Broadcast[Fact]) -> None:
        self._facts = facts
        self.state = ModelState()
        """The chosen model and what the engine has of it."""

    def is_at(self, path: str) -> bool:
        """Whether the model of this file is the chosen one."""
        return self.state.model is not None and self.state.model.path == path

    def show(self, state: ModelState) -> None:
        """From now on this is so."""
        if state != self.state:
            self.state = state
            self._facts.publish(ModelStateChanged(state))

    def show_for(self, model: LocalModel, state: ModelState) -> None:
        """Show a state of `model`, unless another one has been chosen meanwhile.

        It stays under the name that the library may have found for it since.
        """
        shown = self.state.model
        if shown is not None and shown.path == model.path:
            self.show(replace(state, model=shown.read_again(state.model or model)))
