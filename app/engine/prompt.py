"""From turns to the tokens of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.generation import Switches, Turn
from app.engine.native.weights import Vocabulary
from app.engine.template import ChatTemplate

_SEAM = "\ufdd0"
"""Marks where text must be cut before it is tokenised: a code point that no text may contain."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is to read."""

    text: str
    tokens: list[int]
    whole: bool = True
    """False: there are more tokens than could be read, and not all were counted."""


def build_prompt(
    template: ChatTemplate,
    vocabulary: Vocabulary,
    turns: Sequence[Turn],
    switches: Switches | None = None,
    most: int | None = None,
) -> Prompt:
    """Render and tokenise; raises `TemplateBroken` or `TemplateEndless`.

    The text of a turn is only text: where it spells out a control token of this model (`<|im_end|>`
    in a question about chat templates), that does not end the turn. With more than `most` tokens
    the prompt is of no use, and is not tokenised to its end: that may take half a minute.
    """
    safe = [
        replace(
            turn,
            text=_disarmed(turn.text, vocabulary, most),
            reasoning=_disarmed(turn.reasoning, vocabulary, most),
        )
        for turn in turns
    ]
    rendered = template.render(safe, template.values_for(switches or Switches()))
    tokens: list[int] = []
    for part in rendered.split(_SEAM):
        tokens.extend(tokenise(vocabulary, part, most))
        if most is not None and len(tokens) > most:
            return Prompt(rendered.replace(_SEAM, ""), tokens, whole=False)
    if vocabulary.adds_bos and tokens[:1] != [vocabulary.bos]:
        tokens.insert(0, vocabulary.bos)
    return Prompt(rendered.replace(_SEAM, ""), tokens)


def tokenise(vocabulary: Vocabulary, text: str, most: int | None = None) -> list[int]:
    """Tokens of text of any length and content; with more than `most`, only some of them more."""
    return vocabulary.tokens_of(text, most)


def valid(text: str) -> str:
    """The text as it can be tokenised."""
    # A lone surrogate is no character; llama.cpp would end the process over its bytes.
    return text.encode("utf-8", "replace").decode("utf-8").replace(_SEAM, "")


def _disarmed(text: str, vocabulary: Vocabulary, most: int | None) -> str:
    """Valid text, with a seam inside everything that reads as a control token (up to `most` tokens:
    a longer text is not read by any model)."""
    text = valid(text)
    if not vocabulary.is_byte_pair:
        # Other vocabularies put a space before each part, which a seam would make visible.
        return text
    for control in vocabulary.control_texts(tokenise(vocabulary, text, most)):
        if len(control) > 1:
            text = text.replace(control, control[0] + _SEAM + control[1:])
    return text
