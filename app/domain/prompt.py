"""From a path of messages to the turns a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def with_draft(turns: Sequence[Turn], draft: str) -> tuple[Turn, ...]:
    """The turns as they would be if the draft were sent now."""
    turn = Turn(Role.USER, draft)
    if turns and turns[-1].role is Role.USER:
        if not draft.strip():
            return tuple(turns)
        return (*turns[:-1], _joined(turns[-1], turn))
    return (*turns, turn)


def _joined(first: Turn, second: Turn) -> Turn:
    reasoning = "\n\n".join(text for text in (first.reasoning, second.reasoning) if text)
    text = f"{first.text}\n\n{second.text}"
    return Turn(first.role, text, reasoning, first.messages + second.messages)
