"""Whether two models write with the same tokens."""

from __future__ import annotations

from app.engine.native.bindings import lib
from app.engine.native.weights import Vocabulary

_MOST_MORE = 128
"""Tokens that one vocabulary may have more, as fillers (SPEC_VOCAB_MAX_SIZE_DIFFERENCE)."""
_FIRST = 5
"""The first tokens may be spelled differently (SPEC_VOCAB_CHECK_START_TOKEN_ID)."""


def difference(one: Vocabulary, other: Vocabulary) -> str:
    """Why tokens of the `other` cannot stand for those of `one`, in a sentence; empty: they can.

    As llama.cpp decides it for a draft model (`common_speculative_are_compatible` in its
    common/speculative.cpp). It takes some 100 ms for 150,000 tokens.
    """
    left, right = one.pointer, other.pointer
    if lib.llama_vocab_type(left) != lib.llama_vocab_type(right):
        return "It splits text into tokens in another way."
    if _ends(one) != _ends(other):
        return "It begins or ends texts with other tokens."
    if abs(one.size - other.size) > _MOST_MORE:
        return f"It knows {other.size:,} tokens, and the model {one.size:,}."
    text = lib.llama_vocab_get_text
    for token in range(_FIRST, min(one.size, other.size)):
        if text(left, token) != text(right, token):
            return f"Token {token:,} is “{other.text(token)}”, and the model's “{one.text(token)}”."
    return ""


def _ends(vocabulary: Vocabulary) -> tuple[int | None, int | None]:
    """The tokens that are put before and after a text; None where there are none."""
    pointer = vocabulary.pointer
    return (
        lib.llama_vocab_bos(pointer) if lib.llama_vocab_get_add_bos(pointer) else None,
        lib.llama_vocab_eos(pointer) if lib.llama_vocab_get_add_eos(pointer) else None,
    )
