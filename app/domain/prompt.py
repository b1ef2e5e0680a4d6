"""From a path of messages to the turns a model reads."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.conversation import Message
from app.domain.generation import Role, Turn


def turns_of(path: Iterable[Message], system_prompt: str) -> tuple[Turn, ...]:
    """The system prompt and every message that says something, in order.

    Neighbours of one role become one turn (an answer that failed empty leaves two questions in a
    row), because many chat templates insist that user and assistant take turns.
    """
    turns: list[Turn] = []
    if system_prompt.strip():
        turns.append(Turn(Role.SYSTEM, system_prompt))
    for message in path:
        if not message.text.strip():
            continue
        turn = Turn(message.role, message.text, message.reasoning)
        if turns and turns[-1].role is turn.role:
            turn = _joined(turns.pop(), turn)
        turns.append(turn)
    return tuple(turns)


def _joined(first: Turn, second: Turn) -> Turn:
    reasoning = "\n\n".join(text for text in (first.reasoning, second.reasoning) if text)
    return Turn(first.role, f"{first.text}\n\n{second.text}", reasoning)
