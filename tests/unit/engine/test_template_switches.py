"""What chat templates can be told besides the messages."""

from __future__ import annotations

import pytest

from app.domain.generation import Role, Switches, Turn
from app.engine import template as template_module
from app.engine.template import CHATML, ChatTemplate
from app.engine.template_abilities import KnownSwitches
from tests.unit.engine.test_template_reference import NAMES, template_of

HELLO = Turn(Role.USER, "Hello")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Qwen-Qwen3-0.6B", KnownSwitches("enable_thinking")),
        ("deepseek-ai-DeepSeek-V3.1", KnownSwitches("enable_thinking")),
        ("ibm-granite-granite-3.3-2B-Instruct", KnownSwitches("thinking")),
        (
            "openai-gpt-oss-120b",
            KnownSwitches("", "reasoning_effort", ("low", "medium", "high")),
        ),
        ("tencent-Hy3", KnownSwitches("", "reasoning_effort", ("low", "high"))),
        ("Kimi-K3", KnownSwitches("thinking", "thinking_effort", ("low", "high"))),
        ("meta-llama-Llama-3.2-3B-Instruct", KnownSwitches()),
        ("Qwen-Qwen2.5-7B-Instruct", KnownSwitches()),
    ],
)
def test_the_switches_of_a_template_are_found(name: str, known: KnownSwitches) -> None:
    assert template_of(name).switches == known


def test_many_families_can_be_told_whether_to_think() -> None:
    assert sum(bool(template_of(name).switches.thinking) for name in NAMES) >= 15


def test_a_switch_reaches_the_template_under_its_own_name() -> None:
    granite = template_of("ibm-granite-granite-3.3-2B-Instruct")
    assert granite.values_for(Switches(thinking=True)) == {"thinking": True}
    thinking = granite.render([HELLO], granite.values_for(Switches(thinking=True)))
    assert thinking != granite.render([HELLO])


def test_the_effort_is_in_the_prompt() -> None:
    template = template_of("openai-gpt-oss-120b")
    prompt = template.render([HELLO], template.values_for(Switches(effort="high")))
    assert "Reasoning: high" in prompt


def test_what_a_template_would_refuse_is_not_said_to_it() -> None:
    template = template_of("tencent-Hy3")
    values = template.values_for(Switches(thinking=False, effort="medium"))
    assert values == {}
    assert template.render([HELLO], values)


def test_a_template_without_switches_is_told_nothing() -> None:
    assert ChatTemplate(CHATML).values_for(Switches(True, "low")) == {}


def test_a_template_that_fails_has_no_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ChatTemplate("{{ raise_exception('no') }}").switches == KnownSwitches()
    monkeypatch.setattr(template_module, "TIME_LIMIT", 0.2)
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    assert ChatTemplate(endless).switches == KnownSwitches()
