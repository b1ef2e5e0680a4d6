"""From turns to the messages that a chat template reads, arranged as it can take them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from app.domain.generation import Role, Turn

Messages: TypeAlias = Sequence[Mapping[str, object]]
"""As in Hugging Face's `apply_chat_template`: `role`, `content`, perhaps `tool_calls`."""

_REASONING_NAMES = ("reasoning_content", "thinking", "reasoning")
"""What templates call an answer's reasoning; the first is the usual one."""


def content_of(text: str, in_parts: bool) -> object:
    """A text as a message's content: plain, or a list with one part."""
    return [{"type": "text", "text": text}] if in_parts else text


def messages_of(turns: Sequence[Turn], source: str, in_parts: bool) -> list[dict[str, object]]:
    """The turns as messages; reasoning goes only to a template that asks for it."""
    name = _reasoning_name(source)
    messages: list[dict[str, object]] = []
    for turn in turns:
        message: dict[str, object] = {
            "role": turn.role.value,
            "content": content_of(turn.text, in_parts),
        }
        if turn.reasoning and name:
            message[name] = turn.reasoning
        messages.append(message)
    return messages


def _reasoning_name(source: str) -> str:
    """The name under which the template reads reasoning, as an attribute or a key."""
    for name in _REASONING_NAMES:
        if re.search(rf"""\.{name}\b|['"]{name}['"]""", source):
            return name
    return ""


def with_reasoning_names(messages: Messages) -> list[dict[str, object]]:
    """Reasoning under each name that templates use, as `transformers` fills them in."""
    filled: list[dict[str, object]] = []
    for message in messages:
        texts = [message[name] for name in _REASONING_NAMES if message.get(name) is not None]
        if texts:
            message = {"thinking": texts[0], **message, "reasoning_content": texts[0]}
        filled.append(dict(message))
    return filled


def arrangements(
    turns: Sequence[Turn], takes_system: bool, takes_late_system: bool
) -> Iterator[list[Turn]]:
    """Ways to put the same conversation, from the most faithful to what every template takes.

    As it is; with neighbours of a role joined and a user's turn first, for templates that want
    strict alternation; with the system message at the head of the first user message.
    """
    tried: list[list[Turn]] = []
    leads = bool(turns) and turns[0].role is Role.SYSTEM
    is_late = any(turn.role is Role.SYSTEM for turn in turns[1:])
    if (takes_system or not leads) and (takes_late_system or not is_late):
        tried.append(list(turns))
    if takes_system and leads:
        tried.append([turns[0], *_alternating(turns[1:])])
    tried.append(_alternating(turns))
    for at, arranged in enumerate(tried):
        if arranged not in tried[:at]:
            yield arranged


def _alternating(turns: Sequence[Turn]) -> list[Turn]:
    """User and assistant in turn, the user first; what the system says is said by the user."""
    joined: list[Turn] = []
    for turn in turns:
        role = Role.USER if turn.role is Role.SYSTEM else turn.role
        if joined and joined[-1].role is role:
            before = joined.pop()
            text = "\n\n".join(part for part in (before.text, turn.text) if part)
            joined.append(Turn(role, text, turn.reasoning or before.reasoning))
        else:
            joined.append(Turn(role, turn.text, turn.reasoning))
    if joined and joined[0].role is Role.ASSISTANT:
        joined.insert(0, Turn(Role.USER, ""))
    return joined
