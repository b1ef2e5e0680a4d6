"""Long text in pieces that a tokeniser survives.

Byte-pair vocabularies split text with std::regex, which recurses for every character of a run: some
400 bytes of stack each (measured with deepseek-llm and falcon), so that 20,000 letters, or as many
ideographs or marks, end the process on a stack of 8 MB, and 2,000 on one of 1 MB.

Vocabularies of other kinds do not recurse, but what they spell out byte by byte takes them a time
that grows with the square of the text: 128,000 emoji took 7 s, in pieces 0.6 s (SentencePiece).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST_PIECE = 1024
"""Characters: 0.4 MB of stack at most, on whatever thread."""

LONGEST_PLAIN_PIECE = 16_384
"""The same for vocabularies that are not of byte pairs: 0.1 s at most."""

_NEAR_END = 64
"""Characters at a piece's end in which no control token is cut in two."""

_SAFE_PLACES = (
    re.compile(r"(?<=[^\W_])(?=\s)"),
    re.compile(
        r"(?<=[^\W_])(?=[!-/:-@\[-^{-~\u3001\u3002\uff0c\uff1a\uff1b\uff01\uff1f\u2026\uff08\u300c\u300e\u201c])"
    ),
)
"""After a letter or a digit, before white space or else a mark: there every vocabulary splits
anyway, and the tokens are those of the whole text. Not between a mark and a line's end, which many
read as one (checked with the 13 byte-pair vocabularies that come with llama.cpp)."""


def pieces(text: str, longest: int = LONGEST_PIECE) -> Iterator[str]:
    """Cut a long text where it changes nothing; a run without such a place, anywhere."""
    start = 0
    while len(text) - start > longest:
        end = _cut(text, start, start + longest)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _cut(text: str, start: int, end: int) -> int:
    half = (start + end) // 2
    for safe in _SAFE_PLACES:
        places = [found.start() for found in safe.finditer(text, half, end)]
        if places:
            return places[-1]
    opening = max(text.rfind(letter, end - _NEAR_END, end) for letter in "<[")
    return opening if opening > start else end
