"""Writes what Hugging Face's `transformers` makes of the chat templates under test.

It runs in an environment of its own, because Lamplight does not depend on `transformers`:

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install transformers==5.23.0 jinja2==3.1.6
    /tmp/reference/bin/python tests/helpers/template_reference.py

The clock that templates see (`strftime_now`) stands at `MOMENT`. Run it again after a change to
tests/unit/engine/templates/, and read the difference before it is committed.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "engine" / "templates"
MOMENT = datetime(2025, 1, 31, 13, 5, 9)

SWITCHES: dict[str, tuple[str | bool | int, ...]] = {
    "enable_thinking": (True, False),
    "thinking": (True, False),
    "thinking_mode": ("enabled", "disabled"),
    "thinking_option": ("on", "off"),
    "thinking_budget": (0, 512),
    "thinking_effort": ("low",),
    "reasoning_effort": ("low", "high"),
    "preserve_thinking": (True,),
    "clear_thinking": (False,),
}
"""Variables that some of the templates read, and the values they are tried with."""

SWITCHED = ("system multi", "reasoning")


class _StoppedClock(datetime):
    """In the place of `datetime` in the reference."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        """`MOMENT`, always."""
        return MOMENT


def cases(source: str) -> Iterator[dict[str, Any]]:
    """What is rendered with a template."""
    for chat in json.loads((FOLDER / "conversations.json").read_text("utf-8")):
        with_tools = chat.startswith("tools")
        is_whole = chat in ("answered", "reasoning last")
        yield {"chat": chat, "tools": with_tools, "switches": {}, "open": not is_whole}
    yield {"chat": "multi", "tools": False, "switches": {}, "open": False}
    for name, values in SWITCHES.items():
        if name in source:
            for value in values:
                for chat in SWITCHED:
                    yield {"chat": chat, "tools": False, "switches": {name: value}, "open": True}


def rendered(reference: Any, source: str, tokens: dict[str, str], case: dict[str, Any]) -> Any:
    """The prompt, or why the reference has none."""
    chats = json.loads((FOLDER / "conversations.json").read_text("utf-8"))
    tools = json.loads((FOLDER / "tools.json").read_text("utf-8")) if case["tools"] else None
    try:
        prompts, _ = reference.render_jinja_template(
            conversations=[chats[case["chat"]]],
            tools=tools,
            chat_template=source,
            add_generation_prompt=case["open"],
            **tokens,
            **case["switches"],
        )
    except Exception as error:  # noqa: BLE001 - a template may fail in any way, and so must ours
        return {"error": str(error)}
    return {"prompt": prompts[0]}


def main() -> None:
    """Write `expected/` anew."""
    reference = importlib.import_module("transformers.utils.chat_template_utils")
    reference.datetime = _StoppedClock  # type: ignore[attr-defined]
    families = json.loads((FOLDER / "families.json").read_text("utf-8"))
    for name, facts in families.items():
        source = (FOLDER / f"{name}.jinja").read_text("utf-8")
        lines = [
            json.dumps(
                case | rendered(reference, source, facts["tokens"], case), ensure_ascii=False
            )
            for case in cases(source)
        ]
        target = FOLDER / "expected" / f"{name}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
