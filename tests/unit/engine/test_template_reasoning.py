"""Reasoning and answer are told apart in the form in which each family's template writes them."""

from __future__ import annotations

import pytest

from app.domain.errors import TemplateBroken
from app.engine.reasoning import splitter_for
from app.engine.template import ChatTemplate
from tests.unit.engine.test_template_reference import CHATS, template_of

QUESTION, ANSWER = CHATS["reasoning last"]

THINKING = ({}, {"enable_thinking": True}, {"thinking": True}, {"thinking_option": "on"})
"""Each family thinks with one of these."""

FAMILIES = (
    "MiniMax-M3",
    "Bielik-11B-v3.0-Instruct",
    "ByteDance-Seed-OSS",
    "GLM-4.6",
    "LFM2.5-8B-A1B",
    "MiniMax-M2",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
    "Qwen-Qwen3-0.6B",
    "Qwen3.5-4B",
    "Reka-Edge",
    "Spark2.5",
    "StepFun3.5-Flash",
    "deepseek-ai-DeepSeek-V3.2",
    "inclusionai-ling-3.0-flash",
    "openai-gpt-oss-120b",
    "openbmb-MiniCPM5-1B",
    "poolside-Laguna-XS-2.1",
)


def written(template: ChatTemplate) -> list[tuple[str, str]]:
    """Prompts and what the model writes after them, with each switch that makes it think."""
    found: list[tuple[str, str]] = []
    for switches in THINKING:
        try:
            prompt = template.render_messages([QUESTION], switches=switches)
            whole = template.render_messages(
                [QUESTION, ANSWER], open_answer=False, switches=switches
            )
        except TemplateBroken:
            continue
        if whole.startswith(prompt) and ANSWER["reasoning_content"] in whole:
            found.append((prompt, whole.removeprefix(prompt)))
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_reasoning_is_told_from_the_answer(name: str) -> None:
    template = template_of(name)
    answers = written(template)
    assert answers
    for prompt, text in answers:
        splitter = splitter_for(template.source, prompt)
        parts = {"text": "", "reasoning": ""}
        for pieces in (splitter.feed(text), splitter.flush()):
            for kind, piece in pieces:
                parts[kind.value] += piece
        assert parts["reasoning"] == ANSWER["reasoning_content"]
        # After it the template writes the end of the turn, which a model ends with a token.
        assert parts["text"].startswith(ANSWER["content"])
