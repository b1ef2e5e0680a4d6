"""What a chat template cannot do is found out and made up for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import pytest

from app.domain.generation import Role, Turn
from app.engine import template as template_module
from app.engine.native.weights import Vocabulary
from app.engine.prompt import build_prompt
from app.engine.template import ChatTemplate
from app.engine.template_abilities import probe
from tests.unit.engine.test_template_reference import template_of

SYSTEM = Turn(Role.SYSTEM, "Be brief.")
HELLO = Turn(Role.USER, "Hello")
REPLY = Turn(Role.ASSISTANT, "Hi!")
MORE = Turn(Role.USER, "Who are you?")

WITHOUT_PROMPT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
"""ChatML as many older fine-tunes have it."""

PARTS_ONLY = (
    "{% for m in messages %}<{{ m.role }}>{% for part in m.content %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
"""After the templates of Idefics and of Llama 3.2 Vision."""


def test_a_template_without_a_generation_prompt_gets_one() -> None:
    prompt = ChatTemplate(WITHOUT_PROMPT).render([HELLO])
    assert prompt == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"


def test_a_space_before_the_answer_is_left_to_the_answer() -> None:
    source = "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}"
    assert ChatTemplate(source).render([HELLO]) == "USER: Hello\nASSISTANT:"


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("microsoft-Phi-3-mini", "<|assistant|>\n"),
        ("mistralai-Mistral-7B-Instruct-v0.2", "[/INST]"),
        ("mistralai-Mistral-Large-Instruct-2411", "[/INST]"),
        ("CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|START_THINKING|><|END_THINKING|>"),
        ("yandex-YandexGPT-5-Lite-8B-instruct", "Ассистент:[SEP]"),
    ],
)
def test_a_template_that_always_opens_an_answer_gets_nothing_added(name: str, end: str) -> None:
    assert template_of(name).render([HELLO]).endswith(end)


def test_a_template_that_ends_with_an_open_answer_gets_nothing_added() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}\n"
        "{% else %}A:<r>{{ m.content }}</r>\n{% endif %}{% endfor %}A:"
    )
    assert ChatTemplate(source).render([HELLO]) == "U:Hello\nA:"


def test_a_template_that_reads_parts_gets_parts() -> None:
    prompt = ChatTemplate(PARTS_ONLY).render([SYSTEM, HELLO])
    assert prompt == "<system>Be brief.<user>Hello<assistant>"


def test_the_system_message_stays_one_where_only_the_roles_must_alternate() -> None:
    prompt = template_of("mistralai-Ministral-3-14B-Reasoning-2512").render([SYSTEM, HELLO, MORE])
    assert prompt == "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hello\n\nWho are you?[/INST]"


def test_a_late_system_message_that_would_be_dropped_is_said_by_the_user() -> None:
    prompt = template_of("openai-gpt-oss-120b").render([HELLO, REPLY, SYSTEM, MORE])
    assert prompt.endswith(
        "<|start|>user<|message|>Be brief.\n\nWho are you?<|end|><|start|>assistant"
    )


def test_an_assistant_that_speaks_first_is_given_a_silent_user() -> None:
    prompt = template_of("google-gemma-2-2b-it").render([REPLY, HELLO])
    assert prompt.startswith("<bos><start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\nHi!")


def test_switches_reach_the_template() -> None:
    template = template_of("Qwen-Qwen3-0.6B")
    usual = template.render([HELLO])
    assert template.render([HELLO], {"enable_thinking": False}) == usual + "<think>\n\n</think>\n\n"


def test_reasoning_goes_under_the_name_that_the_template_reads() -> None:
    turns = [HELLO, Turn(Role.ASSISTANT, "Hi!", reasoning="greet")]
    for name in ("reasoning_content", "thinking", "reasoning"):
        source = f"{{% for m in messages %}}[{{{{ m['{name}'] }}}}]{{% endfor %}}"
        assert "[greet]" in ChatTemplate(source).render(turns)


def test_a_template_is_tried_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(template_module, "probe", lambda attempt: tried.append(1) or probe(attempt))
    template = ChatTemplate(WITHOUT_PROMPT)
    assert template.render([HELLO]) == template.render([HELLO])
    assert len(tried) == 1


def test_the_clock_of_a_template_can_be_set() -> None:
    template = ChatTemplate("{{ strftime_now('%d %b') }}", clock=lambda: datetime(2025, 1, 31))
    assert template.render([HELLO]) == "31 Jan"


class _Letters:
    """A vocabulary of single letters, and `<s>` for the beginning."""

    is_byte_pair = False
    bos = 1

    def __init__(self, adds_bos: bool) -> None:
        self.adds_bos = adds_bos

    def tokens_of(self, text: str, most: int | None = None) -> list[int]:
        del most
        letters = text.replace("<s>", "\1")
        return [self.bos if letter == "\1" else ord(letter) for letter in letters]

    def control_texts(self, tokens: Sequence[int]) -> set[str]:
        return set()


@pytest.mark.parametrize("adds_bos", [True, False])
@pytest.mark.parametrize("writes_bos", [True, False])
def test_the_prompt_begins_once(adds_bos: bool, writes_bos: bool) -> None:
    """The template may write the token of the beginning, and the vocabulary may want it added."""
    source = ("{{ bos_token }}" if writes_bos else "") + "{{ messages[0].content }}"
    template = ChatTemplate(source, {"bos_token": "<s>"})
    tokens = build_prompt(template, cast("Vocabulary", _Letters(adds_bos)), [HELLO]).tokens
    assert tokens.count(_Letters.bos) == (adds_bos or writes_bos)
    assert tokens[-5:] == [ord(letter) for letter in "Hello"]
