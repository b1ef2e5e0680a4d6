"""How the prompt is made: thinking, where the model's template knows it, and what is left out."""

from __future__ import annotations

from dataclasses import replace

from app.domain.conversation import ChatParams
from app.domain.generation import LoadedInfo, Switches
from app.domain.overflow import Overflow
from app.gui.inspector.choice import ChoiceField
from app.gui.inspector.fields import described
from app.gui.theme.keeper import ThemeKeeper

_THINKING_HELP = (
    "Whether the model thinks before it answers. Thinking makes answers slower and often better. "
    "It is shown because this model's chat template knows the switch."
)
_EFFORT_HELP = (
    "How much the model thinks before it answers. More is slower. "
    "It is shown because this model's chat template knows the switch."
)
_ITS_OWN = "As the model does"
_EFFORT_WORDS = {"low": "Low", "medium": "Medium", "high": "High"}
OVERFLOW_WORDS = (
    ("Leave out the oldest messages", Overflow.DROP_OLDEST.value),
    ("Keep the first and the latest", Overflow.KEEP_ENDS.value),
    ("Stop and say so", Overflow.STOP.value),
)


class PromptFields:
    """Three choices; they stand at different places of the panel."""

    def __init__(self, theme: ThemeKeeper) -> None:
        on_off = ((_ITS_OWN, None), ("On", True), ("Off", False))
        self.thinking = ChoiceField(theme, "Thinking", _THINKING_HELP, on_off)
        self.effort = ChoiceField(theme, "Reasoning effort", _EFFORT_HELP, ((_ITS_OWN, ""),))
        what = described("overflow")
        self.overflow = ChoiceField(theme, what.label, what.help, OVERFLOW_WORDS)
        self.all = (self.thinking, self.effort, self.overflow)
        self.show_model(None)
        self.show_params(ChatParams(), ChatParams())

    def show_model(self, info: LoadedInfo | None) -> None:
        """Offer what this model's template knows; while none is loaded, that is not known."""
        efforts = info.efforts if info else ()
        self.thinking.setVisible(info is not None and info.switches_thinking)
        self.effort.setVisible(bool(efforts))
        self.effort.offer([(_ITS_OWN, ""), *((_EFFORT_WORDS[name], name) for name in efforts)])

    def show_params(self, params: ChatParams, defaults: ChatParams) -> None:
        """Take values without telling them as a change."""
        self.thinking.show_value(params.switches.thinking, defaults.switches.thinking)
        self.effort.show_value(params.switches.effort, defaults.switches.effort)
        self.overflow.show_value(params.overflow.value, defaults.overflow.value)

    def applied(self, params: ChatParams) -> ChatParams:
        """The same with the values of these fields."""
        thinking = self.thinking.value()
        return replace(
            params,
            overflow=Overflow(str(self.overflow.value())),
            switches=Switches(
                thinking if isinstance(thinking, bool) else None, str(self.effort.value() or "")
            ),
        )
