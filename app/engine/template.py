"""The chat template of a model file: a Jinja program written by strangers.

It is rendered byte for byte as Hugging Face's `apply_chat_template` does, under a time limit. What
a template cannot take as it is (a system message, two messages of one role) is arranged so that it
can.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from jinja2.exceptions import TemplateSyntaxError

from app.domain.errors import TemplateBroken, TemplateEndless
from app.domain.generation import Switches, Turn
from app.engine.deadline import TimeIsUp, time_limit
from app.engine.template_abilities import Abilities, KnownSwitches, probe, probe_switches
from app.engine.template_environment import LONGEST_PROMPT, Refused, compiled
from app.engine.template_messages import (
    Messages,
    arrangements,
    messages_of,
    with_reasoning_names,
)

TIME_LIMIT = 2.0
"""Seconds for all that is done with a template at a time; real ones take milliseconds."""

CHATML = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}
"""
"""For files without a template: the form that most of them have learned."""

CHATML_STOPS = ("<|im_end|>", "<|im_start|>")
"""Where the tokens of ChatML are not in the vocabulary, they come as text."""

Values = Mapping[str, str | bool | int]
"""Variables that some templates read, such as `enable_thinking` and `reasoning_effort`."""

T = TypeVar("T")


class ChatTemplate:
    """A compiled template, and what it was found to be able to do."""

    def __init__(
        self,
        source: str,
        tokens: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Compile; `tokens` are `bos_token`, `eos_token` …; raises `TemplateBroken`."""
        self.source = source
        self._tokens = dict(tokens or {})
        self._template = _guarded(lambda: compiled(source, clock), _deadline())
        self._abilities: Abilities | None = None
        self._known: KnownSwitches | None = None

    def render(self, turns: Sequence[Turn], switches: Values | None = None) -> str:
        """The prompt, open for the assistant's answer; raises `TemplateBroken`, `TemplateEndless`.

        A template that refuses or drops the system message gets it as part of the first user
        message, one that wants strict alternation gets neighbours of a role joined, and one
        without a generation prompt gets the beginning of an answer added.
        """
        until = _deadline()
        abilities = self._probed(until)
        refusal: TemplateBroken | None = None
        for arranged in arrangements(turns, abilities.takes_system, abilities.takes_late_system):
            messages = messages_of(arranged, self.source, abilities.wants_parts)
            try:
                prompt = self._render(messages, True, until, None, switches)
            except TemplateBroken as broken:
                refusal = refusal or broken
            else:
                return prompt + abilities.opening
        raise refusal or ValueError("a conversation without turns")

    def render_messages(
        self,
        messages: Messages,
        *,
        open_answer: bool = True,
        tools: Sequence[Mapping[str, object]] | None = None,
        switches: Values | None = None,
    ) -> str:
        """As `apply_chat_template` does, with nothing arranged; raises as `render` does.

        `tools` are JSON schemas of functions as in OpenAI's interface.
        """
        return self._render(messages, open_answer, _deadline(), tools, switches)

    @property
    def switches(self) -> KnownSwitches:
        """What it can be told besides the messages; found once. Nothing where it fails."""
        if self._known is None:
            until = _deadline()
            try:
                in_parts = self._probed(until).wants_parts
                self._known = probe_switches(
                    lambda messages, values: self._attempt(messages, True, until, values), in_parts
                )
            except TemplateEndless:
                self._known = KnownSwitches()
        return self._known

    def values_for(self, switches: Switches) -> Values:
        """The variables that stand for these, as far as it knows them.

        A conversation may have been set for another model; what this one's template does not know
        it might refuse.
        """
        if switches == Switches():
            return {}
        known = self.switches
        values: dict[str, str | bool | int] = {}
        if switches.thinking is not None and known.thinking:
            values[known.thinking] = switches.thinking
        if switches.effort in known.efforts:
            values[known.effort] = switches.effort
        return values

    def _attempt(
        self, messages: Messages, open_answer: bool, until: float, values: Values | None = None
    ) -> str | None:
        try:
            return self._render(messages, open_answer, until, None, values)
        except TemplateBroken:
            return None

    def _probed(self, until: float) -> Abilities:
        """What the template can do; found once."""
        if self._abilities is None:
            self._abilities = probe(
                lambda messages, open_answer: self._attempt(messages, open_answer, until)
            )
        return self._abilities

    def _render(
        self,
        messages: Messages,
        open_answer: bool,
        until: float,
        tools: Sequence[Mapping[str, object]] | None = None,
        switches: Values | None = None,
    ) -> str:
        def run() -> str:
            pieces: list[str] = []
            length = 0
            for piece in self._template.generate(
                **{**self._tokens, **(switches or {})},
                messages=with_reasoning_names(messages),
                add_generation_prompt=open_answer,
                tools=tools,
                documents=None,
            ):
                pieces.append(piece)
                length += len(piece)
                if length > LONGEST_PROMPT:
                    raise OverflowError("the prompt is too large")
            return "".join(pieces)

        return _guarded(run, until)


def _deadline() -> float:
    return time.monotonic() + TIME_LIMIT


def _guarded(work: Callable[[], T], until: float) -> T:
    """Run the template's code: whatever it does wrong becomes one of our errors."""
    try:
        with time_limit(until - time.monotonic()):
            return work()
    except TimeIsUp as error:
        raise TemplateEndless(
            "This model's chat template does not come to an end.",
            f"It was stopped after {TIME_LIMIT:g} seconds.",
            "Choose another file of this model, or another model.",
        ) from error
    except Exception as error:
        # A stranger's program can raise anything.
        raise _broken(error) from error


def _broken(error: Exception) -> TemplateBroken:
    if isinstance(error, TemplateSyntaxError):
        title = "This model's chat template has a mistake in it."
        detail = f"Line {error.lineno}: {error.message}"
    elif isinstance(error, Refused):
        title = "This model's chat template refuses the conversation."
        detail = str(error)
    else:
        title = "This model's chat template fails."
        line = _template_line(error)
        detail = f"{f'Line {line}: ' if line else ''}{type(error).__name__}: {error}"
    return TemplateBroken(title, detail, "Choose another file of this model, or another model.")


def _template_line(error: Exception) -> int | None:
    """The last line of the template in the traceback (Jinja maps its code back to the source)."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in ("<template>", "<unknown>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
