"""From messages to turns."""

from __future__ import annotations

from app.domain.conversation import Message, MessageStatus, Part
from app.domain.generation import PartKind, Role, Turn
from app.domain.prompt import turns_of


def message(role: Role, text: str, reasoning: str = "") -> Message:
    parts = [Part(PartKind.REASONING, reasoning)] if reasoning else []
    parts.append(Part(PartKind.TEXT, text))
    return Message(1, 1, None, role, MessageStatus.DONE, 0, tuple(parts))


def test_the_system_prompt_comes_first_and_an_empty_one_does_not_come():
    path = [message(Role.USER, "Hi")]
    assert turns_of(path, "Be kind") == (Turn(Role.SYSTEM, "Be kind"), Turn(Role.USER, "Hi"))
    assert turns_of(path, "  ") == (Turn(Role.USER, "Hi"),)


def test_empty_messages_are_left_out_and_neighbours_join():
    path = [
        message(Role.USER, "One"),
        message(Role.ASSISTANT, ""),
        message(Role.USER, "Two"),
        message(Role.ASSISTANT, "Three", "because"),
    ]
    assert turns_of(path, "") == (
        Turn(Role.USER, "One\n\nTwo", messages=2),
        Turn(Role.ASSISTANT, "Three", "because"),
    )
