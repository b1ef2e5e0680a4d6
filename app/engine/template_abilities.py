"""What a chat template can do, found by trying it on conversations made for that.

A template tells nothing about itself: some raise on a system message and some drop it, some read
content only as a list of parts, some write no generation prompt. (llama.cpp asks templates in the
same way: `caps` in its common/jinja.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.domain.generation import EFFORTS
from app.engine.template_messages import Messages, content_of

Attempt: TypeAlias = Callable[[Messages, bool], str | None]
"""Renders messages, open for an answer or not; None where the template fails."""

Turns: TypeAlias = Sequence[tuple[str, str]]
"""Role and text."""

_THINKING = ("enable_thinking", "thinking")
_EFFORT = ("reasoning_effort", "thinking_effort")
"""Names that templates have for one and the same switch, the usual one first."""

_SYSTEM, _USER, _ANSWER, _AGAIN = "qzsystemqz", "qzuserqz", "qzanswerqz", "qzagainqz"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What was found; the defaults are those of a template that fails on everything."""

    takes_system: bool = True
    """A system message at the beginning is in the prompt."""
    takes_late_system: bool = True
    """So is one further down."""
    wants_parts: bool = False
    """Content is read only as a list of parts."""
    opening: str = ""
    """What opens an answer and is to be added, because the template has no generation prompt."""


@dataclass(frozen=True, slots=True)
class KnownSwitches:
    """What a template can be told besides the messages, by the names that it has for it."""

    thinking: str = ""
    """The name of the switch for thinking at all; empty where there is none."""
    effort: str = ""
    efforts: tuple[str, ...] = ()
    """Those of `EFFORTS` that it takes."""


def probe_switches(
    attempt: Callable[[Messages, Mapping[str, str | bool]], str | None], in_parts: bool
) -> KnownSwitches:
    """Try which variables make another prompt; `attempt` renders messages with some of them."""
    messages = _talk([("user", _USER)], in_parts)

    def tried(name: str, value: str | bool) -> str | None:
        return attempt(messages, {name: value})

    thinking = next((name for name in _THINKING if tried(name, True) != tried(name, False)), "")
    for name in _EFFORT:
        prompts = {effort: tried(name, effort) for effort in EFFORTS}
        taken = {effort: prompt for effort, prompt in prompts.items() if prompt is not None}
        if len(set(taken.values())) > 1:
            return KnownSwitches(thinking, name, tuple(taken))
    return KnownSwitches(thinking)


def probe(attempt: Attempt) -> Abilities:
    """Try the template."""
    if _shows(attempt, in_parts=False):
        in_parts = False
    elif _shows(attempt, in_parts=True):
        in_parts = True
    else:
        return Abilities()
    turns = [("user", _USER), ("assistant", _ANSWER), ("user", _AGAIN)]
    system = ("system", _SYSTEM)
    return Abilities(
        takes_system=_tells(attempt, [system, *turns[:1]], in_parts),
        takes_late_system=_tells(attempt, [*turns[:2], system, *turns[2:]], in_parts),
        wants_parts=in_parts,
        opening=_opening(attempt, turns, in_parts),
    )


def _talk(turns: Turns, in_parts: bool) -> Messages:
    return [{"role": role, "content": content_of(text, in_parts)} for role, text in turns]


def _shows(attempt: Attempt, in_parts: bool) -> bool:
    """Whether a message's text gets into the prompt."""
    prompt = attempt(_talk([("user", _USER)], in_parts), True)
    return prompt is not None and _USER in prompt


def _tells(attempt: Attempt, turns: Turns, in_parts: bool) -> bool:
    """Whether the system message among these does."""
    prompt = attempt(_talk(turns, in_parts), True)
    return prompt is not None and _SYSTEM in prompt


def _opening(attempt: Attempt, turns: Turns, in_parts: bool) -> str:
    """How the template begins an answer that is already there, if it cannot begin a new one."""
    asked = attempt(_talk(turns[:1], in_parts), True)
    if asked is None or asked != attempt(_talk(turns[:1], in_parts), False):
        return ""
    answered = attempt(_talk(turns[:2], in_parts), False) or ""
    went_on = attempt(_talk(turns, in_parts), False) or ""
    if not answered.startswith(asked) or _ANSWER not in answered or _ANSWER not in went_on:
        return ""
    opening, _, end = answered.removeprefix(asked).partition(_ANSWER)
    then = went_on.partition(_ANSWER)[2]
    if not then.startswith(end):
        # The prompt's end is not only the end of a turn: the template opens an answer always.
        return ""
    if not opening.strip() or then.removeprefix(end).partition(_AGAIN)[0] == opening:
        # What is only white space, or begins a user's turn as well, opens no answer.
        return ""
    # A space at the end would be split off the first word.
    return opening.rstrip(" ")
