"""Chat templates: what real ones use, and what broken ones do."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import TemplateBroken, TemplateEndless
from app.domain.generation import Role, Turn
from app.engine import template as template_module
from app.engine.template import CHATML, ChatTemplate

SYSTEM = Turn(Role.SYSTEM, "Be brief.")
HELLO = Turn(Role.USER, "Hello")
REPLY = Turn(Role.ASSISTANT, "Hi!", reasoning="greet")

NO_SYSTEM = """\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}
{{ raise_exception('System role not supported') }}{% endif %}
{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{% endif %}
{{ '<start_of_turn>' + message['role'] + '\n' + message['content'] | trim + '<end_of_turn>\n' }}
{% endfor %}
{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"""
"""After Gemma's."""


def render(source: str, *turns: Turn, **tokens: str) -> str:
    return ChatTemplate(source, tokens).render(turns or (HELLO,))


def test_the_fallback_is_chatml() -> None:
    expected = (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert render(CHATML, SYSTEM, HELLO) == expected


def test_the_tokens_of_the_file_are_known() -> None:
    assert render("{{ bos_token }}|{{ eos_token }}", bos_token="<s>", eos_token="</s>") == (
        "<s>|</s>"
    )


def test_blocks_leave_no_white_space() -> None:
    source = (
        "{% for m in messages %}\n    {% if true %}\n{{ m.content }}\n    {% endif %}\n{% endfor %}"
    )
    assert render(source) == "Hello\n"


def test_loop_controls() -> None:
    source = "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
    assert render(source) == "01"


def test_tojson_writes_letters_as_they_are() -> None:
    assert render("{{ {'a': 'é<'} | tojson }}") == '{"a": "é<"}'
    assert render("{{ [1] | tojson(indent=2) }}") == "[\n  1\n]"


def test_strftime_now() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", render("{{ strftime_now('%Y-%m-%d') }}"))


def test_generation_blocks_show_their_content() -> None:
    assert render("{% generation %}a{% endgeneration %}b") == "ab"


def test_namespaces_and_string_methods() -> None:
    source = (
        "{% set ns = namespace(found=false) %}{% for m in messages %}{% set ns.found = true %}"
        "{% endfor %}{{ ns.found }} {{ messages[-1].content.split('l')[0].strip() }}"
    )
    assert render(source) == "True He"


def test_tools_are_none_and_not_undefined() -> None:
    assert render("{% if tools is not none %}tools{% endif %}{{ tools is defined }}") == "True"


def test_reasoning_goes_back_only_to_a_template_that_asks() -> None:
    asks = "{% for m in messages %}[{{ m.reasoning_content or '' }}]{% endfor %}"
    assert render(asks, HELLO, REPLY) == "[][greet]"
    plain = "{% for m in messages %}[{{ m }}]{% endfor %}"
    assert "greet" not in render(plain, HELLO, REPLY)


def test_a_template_without_a_system_role_gets_it_in_the_first_message() -> None:
    out = render(NO_SYSTEM, SYSTEM, HELLO, bos_token="<bos>")
    assert "<start_of_turn>user\nBe brief.\n\nHello<end_of_turn>" in out


def test_a_template_that_drops_the_system_message_gets_it_too() -> None:
    source = "{% for m in messages if m.role != 'system' %}<{{ m.content }}>{% endfor %}"
    assert render(source, SYSTEM, HELLO) == "<Be brief.\n\nHello>"


def test_neighbours_of_a_role_are_joined_where_they_must_alternate() -> None:
    out = render(NO_SYSTEM, HELLO, Turn(Role.USER, "Still there?"))
    assert "Hello\n\nStill there?" in out


def test_a_refusal_that_stays_is_told() -> None:
    with pytest.raises(TemplateBroken) as caught:
        render("{{ raise_exception('only on Sundays') }}", SYSTEM, HELLO)
    assert caught.value.detail == "only on Sundays"


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(TemplateBroken) as caught:
        ChatTemplate("a\n{% if %}")
    assert caught.value.detail.startswith("Line 2:")


def test_a_mistake_at_run_time_names_its_line() -> None:
    with pytest.raises(TemplateBroken) as caught:
        render("a\n\n{{ messages[99].content.x }}")
    assert caught.value.detail.startswith("Line 3: UndefinedError")


ENDLESS = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "output": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "lipsum": "{{ lipsum(n=1000000) }}",
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_template_is_stopped(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_module, "TIME_LIMIT", 0.2)
    with pytest.raises((TemplateEndless, TemplateBroken)):
        render(source)


BOMBS = {
    "times": "{{ 'x' * 10000000000 }}",
    "list times": "{{ ([0] * 99999 * 99999) | length }}",
    "power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "number times": "{{ 10 ** 60 * 10 ** 60 }}",
    "width": "{{ '%1000000000d' % 1 }}",
    "doubling": "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}"
    "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "range": "{% for a in range(10000000) %}{% endfor %}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "attributes": "{{ ''.__class__.__mro__ }}{{ messages.__class__.__base__.__subclasses__() }}",
    "mutation": "{{ messages.append(1) }}",
    "nesting": "{% if a %}" * 3000 + "{% endif %}" * 3000,
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_a_bomb_does_not_go_off(source: str) -> None:
    with pytest.raises(TemplateBroken):
        render(source)


def test_operators_still_work_on_what_is_usual() -> None:
    assert render("{{ 2 ** 3 }} {{ '-' * 3 }} {{ 3 * 4 }} {{ 7 % 4 }} {{ 'a' + 'b' }}") == (
        "8 --- 12 3 ab"
    )
    assert render("{{ '%s is %02d' % ('x', 5) }} {{ [1] + [2] }}") == "x is 05 [1, 2]"


@given(st.text(max_size=80))
def test_any_source_compiles_or_is_refused(source: str) -> None:
    with contextlib.suppress(TemplateBroken):
        render(source)


@given(st.text(), st.text())
def test_texts_come_through_as_they_are(system: str, text: str) -> None:
    out = render(CHATML, Turn(Role.SYSTEM, system), Turn(Role.USER, text))
    assert out == (
        f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
