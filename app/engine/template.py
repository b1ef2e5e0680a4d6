"""The chat template of a model file: a Jinja program written by strangers.

It gets what Hugging Face's `transformers` gives it (`utils/chat_template_utils.py` there): the same
whitespace rules, `tojson` without escapes, `raise_exception`, `strftime_now`, loop controls and the
`generation` block. It runs in Jinja's immutable sandbox and under a time limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from jinja2 import TemplateError, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.domain.errors import TemplateBroken, TemplateEndless
from app.domain.generation import Role, Turn
from app.engine.deadline import TimeIsUp, time_limit

if TYPE_CHECKING:
    from jinja2.parser import Parser

TIME_LIMIT = 2.0
"""Seconds; real templates take milliseconds for a long conversation."""

_LONGEST_PROMPT = 64 * 1024 * 1024
_LARGEST_NUMBER = 10**9
_LARGEST_EXPONENT = 64

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


class _GenerationBlock(Extension):
    """`{% generation %}…{% endgeneration %}` marks what a model is trained on; here it is empty."""

    tags = {"generation"}  # noqa: RUF012 - so declared by Jinja's Extension

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The block's content in its place."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with limits on the operators that can blow up a value."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute, unless the result could be too large to hold."""
        if _is_too_large(operator, left, right):
            raise OverflowError(f"the result of {operator} is too large")
        return super().call_binop(context, operator, left, right)


def _is_too_large(operator: str, left: Any, right: Any) -> bool:
    if operator == "**":
        return not (_is_small(left) and _is_small(right) and right <= _LARGEST_EXPONENT)
    if operator == "*":
        numbers = not (_has_length(left) or _has_length(right))
        if numbers:
            return not (_is_small(left) and _is_small(right))
        return _extent(left) * _extent(right) > _LONGEST_PROMPT
    if operator == "%":
        # A width of four digits or more in a format.
        return isinstance(left, str) and re.search(r"\d{4}|\*", left) is not None
    return _has_length(left) and _extent(left) + _extent(right) > _LONGEST_PROMPT


def _is_small(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= _LARGEST_NUMBER


def _has_length(value: Any) -> bool:
    return isinstance(value, str | list | tuple)


def _extent(value: Any) -> float:
    if isinstance(value, int | float):
        return value
    return len(value) if _has_length(value) else 0


class _Refused(TemplateError):
    """The template itself called `raise_exception`."""


def _raise_exception(message: str) -> None:
    raise _Refused(message)


def _strftime_now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _environment() -> _Sandbox:
    environment = _Sandbox(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _GenerationBlock]
    )
    open_typed = cast("Any", environment)  # Jinja leaves the types of both dicts unknown.
    open_typed.filters["tojson"] = _tojson
    open_typed.globals.update(raise_exception=_raise_exception, strftime_now=_strftime_now)
    return environment


class ChatTemplate:
    """A compiled template."""

    def __init__(self, source: str, tokens: Mapping[str, str] | None = None) -> None:
        """Compile; `tokens` are `bos_token`, `eos_token` …; raises `TemplateBroken`."""
        self.source = source
        self._tokens = dict(tokens or {})
        self._template = _guarded(lambda: _environment().from_string(source))

    def render(self, turns: Sequence[Turn]) -> str:
        """The prompt, open for the assistant's answer; raises `TemplateBroken`, `TemplateEndless`.

        A template that refuses or drops the system message gets it as part of the first user
        message, and one that wants strict alternation gets neighbours of a role joined.
        """
        try:
            prompt = self._render(turns)
        except TemplateBroken as broken:
            folded = _folded(turns)
            if folded == list(turns) or not isinstance(broken.__cause__, _Refused):
                raise
            return self._render(folded)
        system = turns[0].text.strip() if turns and turns[0].role is Role.SYSTEM else ""
        if system and system not in prompt:
            return self._render(_folded(turns))
        return prompt

    def _render(self, turns: Sequence[Turn]) -> str:
        messages = [self._message(turn) for turn in turns]

        def run() -> str:
            pieces: list[str] = []
            length = 0
            for piece in self._template.generate(
                messages=messages,
                add_generation_prompt=True,
                tools=None,
                documents=None,
                **self._tokens,
            ):
                pieces.append(piece)
                length += len(piece)
                if length > _LONGEST_PROMPT:
                    raise OverflowError("the prompt is too large")
            return "".join(pieces)

        return _guarded(run)

    def _message(self, turn: Turn) -> dict[str, str]:
        message = {"role": turn.role.value, "content": turn.text}
        if turn.reasoning and "reasoning_content" in self.source:
            message["reasoning_content"] = turn.reasoning
        return message


def _guarded(work: Callable[[], Any]) -> Any:
    """Run the template's code: whatever it does wrong becomes one of our errors."""
    try:
        with time_limit(TIME_LIMIT):
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
    elif isinstance(error, _Refused):
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


def _folded(turns: Sequence[Turn]) -> list[Turn]:
    """Neighbours of a role joined, the system message at the head of the first user message."""
    folded: list[Turn] = []
    for turn in turns:
        role = Role.USER if turn.role is Role.SYSTEM else turn.role
        if folded and folded[-1].role is role:
            before = folded.pop()
            text = "\n\n".join(part for part in (before.text, turn.text) if part)
            folded.append(Turn(role, text, turn.reasoning or before.reasoning))
        else:
            folded.append(Turn(role, turn.text, turn.reasoning))
    return folded
