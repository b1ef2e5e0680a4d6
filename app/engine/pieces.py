"""Bytes of tokens, remembered: a token's bytes are asked for once in a model's life."""

from __future__ import annotations

from collections.abc import Collection

from app.engine.native.weights import Vocabulary


class TokenPieces(dict[int, "bytes | None"]):
    """Token to bytes; None for a token that ends the turn.

    Control tokens have no bytes, but those named in `markers` (they delimit reasoning).
    """

    def __init__(self, vocabulary: Vocabulary, markers: Collection[str]) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._markers = frozenset(markers)

    def __missing__(self, token: int) -> bytes | None:
        piece = self[token] = self._look_up(token)
        return piece

    def _look_up(self, token: int) -> bytes | None:
        vocabulary = self._vocabulary
        if vocabulary.ends_turn(token):
            return None
        if vocabulary.is_control(token):
            text = vocabulary.text(token)
            return text.encode() if text in self._markers else b""
        return vocabulary.piece(token, special=False)
