"""From turns to the tokens of a prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.generation import Switches, Turn
from app.engine.native.weights import Vocabulary
from app.engine.template import ChatTemplate

_SEAM = "\ufdd0"
"""Marks where text must be cut before it is tokenised: a code point that no text may contain."""

_LONGEST_PIECE = 4096
"""Characters. Byte-pair vocabularies split text with std::regex, which recurses once a character
and ends the process on a run of a million (measured with deepseek-llm and falcon)."""

_NEAR_END = 64
"""Characters at a piece's end in which no control token is cut in two."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is to read."""

    text: str
    tokens: list[int]


def build_prompt(
    template: ChatTemplate,
    vocabulary: Vocabulary,
    turns: Sequence[Turn],
    switches: Switches | None = None,
) -> Prompt:
    """Render and tokenise; raises `TemplateBroken` or `TemplateEndless`.

    The text of a turn is only text: where it spells out a control token of this model (`<|im_end|>`
    in a question about chat templates), that does not end the turn.
    """
    safe = [
        replace(
            turn,
            text=_disarmed(turn.text, vocabulary),
            reasoning=_disarmed(turn.reasoning, vocabulary),
        )
        for turn in turns
    ]
    rendered = template.render(safe, template.values_for(switches or Switches()))
    tokens: list[int] = []
    for part in rendered.split(_SEAM):
        tokens.extend(tokenise(vocabulary, part))
    if vocabulary.adds_bos and tokens[:1] != [vocabulary.bos]:
        tokens.insert(0, vocabulary.bos)
    return Prompt(rendered.replace(_SEAM, ""), tokens)


def tokenise(vocabulary: Vocabulary, text: str) -> list[int]:
    """Tokens of text of any length and content."""
    tokens: list[int] = []
    pieces = _pieces(text) if vocabulary.is_byte_pair else (text,)
    for piece in pieces:
        tokens.extend(vocabulary.tokenise(piece.encode("utf-8")))
    return tokens


def valid(text: str) -> str:
    """The text as it can be tokenised."""
    # A lone surrogate is no character; llama.cpp would end the process over its bytes.
    return text.encode("utf-8", "replace").decode("utf-8").replace(_SEAM, "")


def _disarmed(text: str, vocabulary: Vocabulary) -> str:
    """Valid text, with a seam inside everything that reads as a control token."""
    text = valid(text)
    if not vocabulary.is_byte_pair:
        # Other vocabularies put a space before each part, which a seam would make visible.
        return text
    for control in vocabulary.control_texts(tokenise(vocabulary, text)):
        if len(control) > 1:
            text = text.replace(control, control[0] + _SEAM + control[1:])
    return text


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text where it hurts least: before white space, else anywhere."""
    start = 0
    while len(text) - start > _LONGEST_PIECE:
        end = _cut(text, start, start + _LONGEST_PIECE)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


_BEFORE_SPACE = re.compile(r"(?<=\S)(?=\s)")


def _cut(text: str, start: int, end: int) -> int:
    half = start + _LONGEST_PIECE // 2
    places = [found.start() for found in _BEFORE_SPACE.finditer(text, half, end)]
    if places:
        return places[-1]
    opening = max(text.rfind(letter, end - _NEAR_END, end) for letter in "<[")
    return opening if opening > start else end
