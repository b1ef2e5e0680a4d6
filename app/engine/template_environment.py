"""What a chat template can use: Jinja as Hugging Face's `transformers` sets it up, and no more.

The whitespace rules, `tojson` without escapes, `raise_exception`, `strftime_now`, loop controls and
the `generation` block follow `utils/chat_template_utils.py` there. The template runs in Jinja's
immutable sandbox, where what could blow up a value is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.parser import Parser

LONGEST_PROMPT = 64 * 1024 * 1024
"""Characters."""

_LARGEST_NUMBER = 10**9
_LARGEST_EXPONENT = 64


class Refused(TemplateError):
    """The template itself called `raise_exception`."""


def compiled(source: str, clock: Callable[[], datetime]) -> Template:
    """The template, ready to run; raises Jinja's errors. `clock` is what `strftime_now` reads."""
    environment = _Sandbox(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _GenerationBlock]
    )

    def strftime_now(form: str) -> str:
        return clock().strftime(form)

    open_typed = cast("Any", environment)  # Jinja leaves the types of both dicts unknown.
    open_typed.filters["tojson"] = _tojson
    open_typed.globals.update(raise_exception=_raise_exception, strftime_now=strftime_now)
    return environment.from_string(source)


class _GenerationBlock(Extension):
    """`{% generation %}…{% endgeneration %}` marks what a model is trained on: here, just text."""

    tags = {"generation"}  # noqa: RUF012 - so declared by Jinja's Extension

    def parse(self, parser: Parser) -> nodes.Node:
        """The block's content, with names of its own as in the reference."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_written"), [], [], body).set_lineno(line)

    def _written(self, caller: Callable[[], str]) -> str:
        return caller()


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
        return _extent(left) * _extent(right) > LONGEST_PROMPT
    if operator == "%":
        # A width of four digits or more in a format.
        return isinstance(left, str) and re.search(r"\d{4}|\*", left) is not None
    return _has_length(left) and _extent(left) + _extent(right) > LONGEST_PROMPT


def _is_small(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= _LARGEST_NUMBER


def _has_length(value: Any) -> bool:
    return isinstance(value, str | list | tuple)


def _extent(value: Any) -> float:
    if isinstance(value, int | float):
        return value
    return len(value) if _has_length(value) else 0


def _raise_exception(message: str) -> None:
    raise Refused(message)


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
