"""Real chat templates, byte for byte as Hugging Face's `transformers` renders them.

tests/unit/engine/templates/README.md tells where templates and expectations come from.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import TemplateBroken
from app.domain.generation import Role, Turn
from app.engine.template import ChatTemplate

FOLDER = Path(__file__).parent / "templates"
MOMENT = datetime(2025, 1, 31, 13, 5, 9)


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


FAMILIES: dict[str, dict[str, Any]] = read("families.json")
CHATS: dict[str, list[dict[str, Any]]] = read("conversations.json")
TOOLS: list[dict[str, Any]] = read("tools.json")
NAMES = sorted(FAMILIES)

WITHOUT_SYSTEM = {
    "OrionStarAI-Orion-14B-Chat",
    "google-gemma-2-2b-it",
    "microsoft-Phi-3-mini",
    "mistralai-Mistral-7B-Instruct-v0.2",
    "yandex-YandexGPT-5-Lite-8B-instruct",
}
"""They raise on a system message, or drop it."""

WITHOUT_LATE_SYSTEM = {
    "Bielik-11B-v3.0-Instruct",
    "HuggingFaceTB-SmolLM3-3B",
    "MiniMax-M1",
    "MiniMax-M2",
    "MiniMax-M3",
    "NVIDIA-Nemotron-Nano-v2",
    "Reka-Edge",
    "openai-gpt-oss-120b",
}
"""They drop every system message but the first."""

NEVER_ALONE = {
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    "fireworks-ai-llama-3-firefunction-v2",
}
"""They cannot be rendered without tools, in the reference neither."""

PLAIN = frozenset({"role", "content", "reasoning_content"})


@cache
def template_of(name: str) -> ChatTemplate:
    source = (FOLDER / f"{name}.jinja").read_text("utf-8")
    return ChatTemplate(source, FAMILIES[name]["tokens"], lambda: MOMENT)


def turns_of(chat: str) -> tuple[Turn, ...]:
    return tuple(
        Turn(Role(message["role"]), message["content"], message.get("reasoning_content", ""))
        for message in CHATS[chat]
    )


def ours(template: ChatTemplate, case: dict[str, Any]) -> str | None:
    try:
        return template.render_messages(
            CHATS[case["chat"]],
            open_answer=case["open"],
            tools=TOOLS if case["tools"] else None,
            switches=case["switches"],
        )
    except TemplateBroken:
        return None


def called(case: dict[str, Any]) -> str:
    return json.dumps({key: case[key] for key in ("chat", "open", "switches")})


def test_many_families_are_there() -> None:
    assert len({facts["family"] for facts in FAMILIES.values()}) >= 60
    assert {path.stem for path in FOLDER.glob("*.jinja")} == set(FAMILIES)
    assert {path.stem for path in FOLDER.glob("expected/*.json")} == set(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_as_the_reference(name: str) -> None:
    template = template_of(name)
    cases = read(f"expected/{name}.json")
    assert len(cases) >= len(CHATS)
    for case in cases:
        assert ours(template, case) == case.get("prompt"), called(case)


def is_plain(chat: list[dict[str, Any]]) -> bool:
    """Whether turns can say it."""
    return all(set(m) <= PLAIN and isinstance(m["content"], str) for m in chat)


def drops_system(chat: list[dict[str, Any]]) -> set[str]:
    """The templates that would leave out what the system says here."""
    if any(message["role"] == "system" for message in chat[1:]):
        return WITHOUT_SYSTEM | WITHOUT_LATE_SYSTEM
    return WITHOUT_SYSTEM if chat[0]["role"] == "system" else set()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_template_can_take_is_not_arranged(name: str) -> None:
    template = template_of(name)
    for case in read(f"expected/{name}.json"):
        chat = CHATS[case["chat"]]
        if not (case["open"] and "prompt" in case and is_plain(chat)) or case["tools"]:
            continue
        if name in drops_system(chat):
            continue
        assert template.render(turns_of(case["chat"]), case["switches"]) == case["prompt"], called(
            case
        )


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - NEVER_ALONE))
def test_every_question_and_instruction_arrives(name: str) -> None:
    """Whatever the template refuses or drops."""
    for chat in (chat for chat in CHATS if is_plain(CHATS[chat])):
        prompt = template_of(name).render(turns_of(chat))
        for turn in turns_of(chat):
            assert turn.role is Role.ASSISTANT or turn.text.strip() in prompt, chat
